import { MalformedMessage } from './message-reader.ts'

/**
 * Messages longer than this end the connection. Erlang's server puts a whole directory into one answer, so it is
 * generous; nothing is allocated before the length has been checked.
 */
const messageLengthMax = 16 * 1024 * 1024

/**
 * Splits the byte stream of a channel into SFTP messages (uint32 length, then that many bytes). A message that lies whole
 * in one chunk is a view of it; one that spans chunks is copied once, into a buffer of its own.
 */
export class MessageSplitter {
  readonly #allocate: (length: number) => Buffer
  readonly #header = Buffer.alloc(4)
  #headerFilled = 0
  #message: Buffer | undefined
  #filled = 0

  /** `allocate` makes the buffers of messages that span chunks. */
  constructor(allocate: (length: number) => Buffer = Buffer.allocUnsafe) {
    this.#allocate = allocate
  }

  /** Hands each whole message to `deliver`, in order. Throws MalformedMessage for an impossible length. */
  push(chunk: Buffer, deliver: (message: Buffer) => void): void {
    let at = 0
    while (at < chunk.length) {
      if (this.#message === undefined) {
        at = this.#startMessage(chunk, at, deliver)
        continue
      }
      const copied = chunk.copy(this.#message, this.#filled, at)
      at += copied
      this.#filled += copied
      if (this.#filled === this.#message.length) {
        const message = this.#message
        this.#message = undefined
        deliver(message)
      }
    }
  }

  #startMessage(chunk: Buffer, start: number, deliver: (message: Buffer) => void): number {
    const copied = chunk.copy(this.#header, this.#headerFilled, start, start + 4 - this.#headerFilled)
    this.#headerFilled += copied
    const at = start + copied
    if (this.#headerFilled < 4) return at
    this.#headerFilled = 0
    const length = this.#header.readUInt32BE(0)
    if (length < 5 || length > messageLengthMax) throw new MalformedMessage(`message length ${length}`)
    if (chunk.length - at >= length) {
      deliver(chunk.subarray(at, at + length))
      return at + length
    }
    this.#message = this.#allocate(length)
    this.#filled = 0
    return at
  }
}
