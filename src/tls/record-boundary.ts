const headerLength = 5

/**
 * Follows the TLS records in a byte stream by their headers (RFC 8446 section 5.1: type, version, 16-bit length), so
 * that a stream which ends inside a record is known for what it is. OpenSSL drops such a part without a word.
 */
export class RecordBoundary {
  #header = 0
  #length = 0
  #body = 0

  /** Takes the next bytes of the stream. */
  advance(bytes: Buffer): void {
    let at = 0
    while (at < bytes.length) {
      if (this.#header < headerLength) {
        const byte = bytes[at++] as number
        this.#header++
        if (this.#header > 3) this.#length = (this.#length << 8) | byte
        if (this.#header === headerLength) this.#body = this.#length
      } else {
        const step = Math.min(this.#body, bytes.length - at)
        this.#body -= step
        at += step
      }
      if (this.#header === headerLength && this.#body === 0) {
        this.#header = 0
        this.#length = 0
      }
    }
  }

  /** Whether the bytes so far end inside a record. */
  get inside(): boolean {
    return this.#header > 0
  }
}
