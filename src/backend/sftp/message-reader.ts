import type { ByteString } from '../../ftp/bytes.ts'

/** Thrown when a server's message ends before its fields do; the connection cannot be trusted after it. */
export class MalformedMessage extends Error {
  override readonly name = 'MalformedMessage'
}

/** Reads the fields of one SFTP message in order; every length is checked before it is used. */
export class MessageReader {
  readonly #message: Buffer
  #at: number
  constructor(message: Buffer, start = 0) {
    this.#message = message
    this.#at = start
  }
  u32(): number {
    return this.#message.readUInt32BE(this.#advance(4))
  }
  /** An unsigned 64-bit number; exact up to 2^53. */
  u64(): number {
    const at = this.#advance(8)
    return this.#message.readUInt32BE(at) * 2 ** 32 + this.#message.readUInt32BE(at + 4)
  }
  /** A length-prefixed string; the bytes are a view of the message. */
  string(): Buffer {
    const length = this.u32()
    const at = this.#advance(length)
    return this.#message.subarray(at, at + length)
  }
  /** A length-prefixed string as a byte string; cheaper than through a view, which listings would make for every name. */
  byteString(): ByteString {
    const length = this.u32()
    const at = this.#advance(length)
    return this.#message.toString('latin1', at, at + length)
  }
  get remaining(): number {
    return this.#message.length - this.#at
  }
  #advance(length: number): number {
    const at = this.#at
    if (length > this.#message.length - at)
      throw new MalformedMessage(`message of ${this.#message.length} bytes is too short`)
    this.#at = at + length
    return at
  }
}
