const headerLength = 5
const applicationData = 23
/**
 * What a TLS 1.3 alert looks like from outside: two bytes, one of type, a tag of 16, and in Java 16 of padding. Data of two
 * bytes look alike; key updates and the client's Finished do not.
 */
const alertLengths: readonly number[] = [19, 35]

/**
 * Follows the TLS records in a byte stream by their headers (RFC 8446 section 5.1: type, version, 16-bit length), so
 * that a stream which ends inside a record is known for what it is. OpenSSL drops such a part without a word.
 */
export class RecordBoundary {
  #header = 0
  #type = 0
  #length = 0
  #body = 0
  #alertSized = false

  /**
   * Takes the next bytes of the stream, from `start` to the next place where the body of a record of an alert's length
   * begins or ends, otherwise all of them. Returns where that is.
   */
  advance(bytes: Buffer, start = 0): number {
    this.#alertSized = false
    let at = start
    while (at < bytes.length) {
      if (this.#header < headerLength) {
        const byte = bytes[at++] as number
        if (this.#header++ === 0) this.#type = byte
        if (this.#header > 3) this.#length = (this.#length << 8) | byte
        if (this.#header === headerLength) {
          this.#body = this.#length
          if (this.#short) return at
        }
      } else {
        const step = Math.min(this.#body, bytes.length - at)
        this.#body -= step
        at += step
      }
      if (this.#header === headerLength && this.#body === 0) {
        this.#alertSized = this.#short
        this.#header = 0
        this.#length = 0
        if (this.#alertSized) return at
      }
    }
    return at
  }

  get #short(): boolean {
    return this.#type === applicationData && alertLengths.includes(this.#length)
  }

  /** Whether the bytes so far end inside a record. */
  get inside(): boolean {
    return this.#header > 0
  }
  /** Whether the bytes taken last were the end of a record of an alert's length, and nothing else. */
  get alertSized(): boolean {
    return this.#alertSized
  }
}
