import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'

/** Alert, handshake, application data and their kind; verbs of FTP and Telnet's bytes are all above. */
const recordTypes: readonly number[] = [20, 21, 22, 23]
const headerLength = 5

/** Follows the TLS records of a stream, so that it can be told where clear text begins behind them. */
export class RecordFilter {
  #header: number[] = []
  #rest = 0
  #clear = false

  /** Takes the next bytes of a stream. Returns those that are behind the last record; all that come later are, too. */
  clearPart(bytes: Buffer): Buffer {
    let at = 0
    while (at < bytes.length && !this.#clear) {
      if (this.#rest > 0) {
        const skipped = Math.min(this.#rest, bytes.length - at)
        this.#rest -= skipped
        at += skipped
      } else if (this.#header.length === 0 && !recordTypes.includes(bytes[at] ?? 0)) {
        this.#clear = true
      } else {
        this.#header.push(bytes[at++] ?? 0)
        if (this.#header.length < headerLength) continue
        const [, , , high = 0, low = 0] = this.#header
        this.#rest = high * 256 + low
        this.#header = []
      }
    }
    return bytes.subarray(at)
  }
}

/**
 * Stands between a net.Socket and a TLSSocket that will end before the connection does (CCC, RFC 4217 section 12.3): Node
 * itself ends the one with the other. Until `release` it hands everything through, the end included.
 */
export class RemovableTls extends Duplex {
  /** What comes from the client after `release`: what is still TLS is to be dropped. */
  readonly records = new RecordFilter()
  readonly #raw: Socket
  #released = false
  #pending = 0
  readonly #onData = (chunk: Buffer) => {
    this.records.clearPart(chunk)
    if (!this.push(chunk)) this.#raw.pause()
  }
  readonly #onEnd = () => {
    this.push(null)
  }

  constructor(raw: Socket) {
    super({ allowHalfOpen: true, autoDestroy: false })
    this.#raw = raw
    raw.on('data', this.#onData).once('end', this.#onEnd).once('close', this.#onEnd)
  }

  /** Writes that the system has not taken yet. */
  get pending(): number {
    return this.#pending
  }

  /** From now on TLS reads nothing, what comes stays in the socket, and the end of TLS is not that of the connection. */
  release(): void {
    this.#released = true
    this.#raw.pause()
    this.#raw.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onEnd)
  }

  override _read(): void {
    if (!this.#released) this.#raw.resume()
  }

  /** A write that fails is not reported: reading tells that the client has gone, and Node would throw here. */
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#pending++
    this.#raw.write(chunk, () => {
      this.#pending--
      done()
    })
  }

  override _final(done: () => void): void {
    if (this.#released) done()
    else this.#raw.end(() => done())
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (!this.#released) this.#raw.destroy()
    done(error)
  }
}
