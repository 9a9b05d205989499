import { Writable } from 'node:stream'
import type { ByteTarget } from '../backend/backend.ts'
import { cut, type DataSocket, dataLost, lingerMs, waitingMax } from './data-socket.ts'
import type { OldUpload } from './old-server.ts'
import { Slabs } from './slabs.ts'

/** What the old server is sent over a data connection. */
export function oldUpload(socket: DataSocket): OldUpload {
  const sink = new UploadSink(socket)
  return { sink, direct: sink, drop: () => sink.destroy() }
}

/**
 * To end it sends the end of the data (close_notify, FIN); to destroy it before cuts the connection by a reset. It is a stream,
 * and memory that is filled without a copy.
 */
class UploadSink extends Writable implements ByteTarget {
  readonly #socket: DataSocket
  readonly #slabs = new Slabs()
  /** Bytes that the system has not taken. */
  #out = 0
  #idle = () => {}
  onRoom = () => {}

  constructor(socket: DataSocket) {
    super({ highWaterMark: waitingMax })
    this.#socket = socket
    this.on('error', () => {})
    socket.stream.on('close', () => this.#onClose())
    // Tickets that come with a handshake must be read: closed with something unread, a socket resets its connection.
    socket.ready.then(
      () => socket.stream.resume(),
      (error) => this.destroy(dataLost(error)),
    )
  }

  room(): Buffer {
    return this.#slabs.room()
  }

  filled(bytes: number): boolean {
    this.#slabs.filled(bytes)
    this.#out += bytes
    this.#socket.ready.then(
      () => this.#flush(),
      () => {},
    )
    return this.#out < waitingMax
  }

  #flush(): void {
    const piece = this.destroyed ? undefined : this.#slabs.take()
    if (!piece) return
    this.#put(piece, (error) => {
      const full = this.#out >= waitingMax
      this.#out -= piece.length
      this.#slabs.giveBack(piece)
      if (error) this.destroy(error)
      else if (full && this.#out < waitingMax) this.onRoom()
      if (this.#out === 0) this.#idle()
    })
  }

  #put(chunk: Buffer, done: (error?: Error | null) => void): void {
    const { stream, stallMs } = this.#socket
    const stalled = () => this.destroy(dataLost(new Error(`it has taken nothing for ${stallMs} ms`)))
    const timer = setTimeout(stalled, stallMs)
    stream.write(chunk, (error) => {
      clearTimeout(timer)
      done(error && dataLost(error))
    })
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.ready.then(() => this.#put(chunk, done), done)
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#end().then(
      () => done(),
      (error) => done(dataLost(error)),
    )
  }

  async #end(): Promise<void> {
    const { ready, stream, end } = this.#socket
    await ready
    if (this.#out > 0) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve
      })
    }
    await end()
    const timer = setTimeout(() => stream.destroy(), lingerMs)
    stream.once('end', () => stream.destroy()).once('close', () => clearTimeout(timer))
    if (stream.readableEnded) stream.destroy()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (!this.writableFinished) cut(this.#socket)
    this.#idle()
    done(error)
  }

  #onClose(): void {
    if (!this.writableFinished) this.destroy(dataLost(this.#socket.stream.errored))
  }
}
