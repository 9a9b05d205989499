import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { readInto } from './read-into.ts'
import { RecordBoundary } from './record-boundary.ts'
import { askForReset } from './reset-probe.ts'

/** Ciphertext taken from the system at a time; four times what Node takes, so a quarter of the calls. */
const readBytes = 256 * 1024
/** Read buffers of connections that are closed, for the next ones: a new one for each small file would keep the collector busy. */
const spareBuffers: Buffer[] = []
const sparesMax = 8

/**
 * Stands between a net.Socket and the TLSSocket of an upload, so that the end of the data can be judged: Node's TLS
 * reports close_notify and a bare TCP FIN by the same event. The verdict is a matter of order alone. The TLS engine
 * decrypts within the call that hands it ciphertext, and the raw end of the stream is handed to it last, after every
 * byte. So when the TLSSocket learns of an end while `endReleased` is false, close_notify said so; when `endReleased`
 * is true, only TCP did. No timer takes part, and it does not matter how slowly anybody reads.
 *
 * What must not be done instead, because it called complete uploads truncated: to note the raw 'end' and compare when
 * the TLSSocket emits its own 'end'. That event waits for the reader, so any back-pressure puts it after the raw one.
 *
 * A reset is treated like an end, with `failure` set: bytes that arrived before it are delivered first, for they may
 * hold the close_notify of a complete upload (clients that close with something unread reset the connection).
 *
 * The shim is destroyed from above only, by the TLSSocket, so nothing decrypted is lost when the raw socket closes.
 */
export class EndOfDataShim extends Duplex {
  readonly #raw: Socket
  readonly #records = new RecordBoundary()
  #rawEnded = false
  #endReleased = false
  #failure: Error | undefined
  #pending = 0
  readonly #alertSized = new WeakSet<Buffer>()

  constructor(raw: Socket) {
    super({ allowHalfOpen: true, autoDestroy: false })
    this.#raw = raw
    // Registered before Node's wrapper registers its own, which is the one that tells the TLS engine.
    this.once('end', () => {
      this.#endReleased = true
    })
    if (!this.#readIntoOneBuffer()) raw.on('data', (chunk: Buffer) => this.#deliver(chunk))
    raw.once('end', () => askForReset(raw, (reset) => (reset ? this.#fail(reset) : this.#finishReading())))
    raw.on('error', (error) => this.#fail(error))
    raw.once('close', () => this.#fail(new Error('the connection was closed')))
  }

  /** Whether the raw end of the stream has been given to the TLS engine; everything before it has been, then, too. */
  get endReleased(): boolean {
    return this.#endReleased
  }
  /** Whether the raw stream ended, so far, inside a TLS record. */
  get insideRecord(): boolean {
    return this.#records.inside
  }
  /** Why the raw stream ended, when it was not by a FIN. */
  get failure(): Error | undefined {
    return this.#failure
  }
  /** Whether a chunk that was read here is the end of a TLS record as short as an alert, and nothing else. */
  mayBeAlert(chunk: Buffer): boolean {
    return this.#alertSized.has(chunk)
  }
  /** Writes that the system has not taken yet. */
  get pending(): number {
    return this.#pending
  }

  /** One large buffer for all that comes: the TLS engine takes a copy of its own at once. */
  #readIntoOneBuffer(): boolean {
    const buffer = spareBuffers.pop() ?? Buffer.allocUnsafeSlow(readBytes)
    const room = () => buffer
    const filled = (bytes: number) => {
      let more = true
      for (const chunk of this.#pieces(buffer.subarray(0, bytes))) {
        // While the TLS engine is held back it takes nothing, and the bytes must be kept.
        if (!this.readableFlowing || this.readableLength > 0) {
          const kept = Buffer.from(chunk)
          if (this.mayBeAlert(chunk)) this.#alertSized.add(kept)
          more = this.#keep(kept)
        } else {
          this.emit('data', chunk)
        }
      }
      return more
    }
    if (!readInto(this.#raw, { room, filled })) return false
    // Closed, the socket reads no more.
    this.#raw.once('close', () => {
      if (spareBuffers.length < sparesMax) spareBuffers.push(buffer)
    })
    return true
  }

  #deliver(bytes: Buffer): boolean {
    let more = true
    for (const chunk of this.#pieces(bytes)) more = this.#keep(chunk)
    return more
  }

  #keep(chunk: Buffer): boolean {
    const more = this.push(chunk)
    if (!more) this.#raw.pause()
    return more
  }

  /** Bytes as they came, but each record as short as an alert by itself, so that what it holds can be told. */
  *#pieces(bytes: Buffer): Iterable<Buffer> {
    for (let at = 0; at < bytes.length; ) {
      const end = this.#records.advance(bytes, at)
      const chunk = bytes.subarray(at, end)
      if (this.#records.alertSized) this.#alertSized.add(chunk)
      yield chunk
      at = end
    }
  }

  #fail(error: Error): void {
    if (this.#rawEnded) return
    this.#failure = error
    // A paused socket may hold bytes that came before the reset; nothing but read() gives them out now.
    for (let rest = this.#raw.read(); rest !== null; rest = this.#raw.read()) {
      for (const chunk of this.#pieces(rest)) this.push(chunk)
    }
    this.#finishReading()
  }

  #finishReading(): void {
    if (this.#rawEnded) return
    this.#rawEnded = true
    this.push(null)
  }

  override _read(): void {
    this.#raw.resume()
  }

  /** A write that fails is not reported: an upload is judged by what was read, and Node would throw that away. */
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#pending++
    this.#raw.write(chunk, () => {
      this.#pending--
      done()
    })
  }

  override _final(done: () => void): void {
    this.#raw.end(() => done())
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#raw.destroy()
    done(error)
  }
}
