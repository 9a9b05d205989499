/**
 * Bytes that all transfers together may have under way to or from the backends. Taking never waits: a transfer that gets
 * nothing goes on with the one request it already has, so it slows down but never stops.
 */
export class ByteBudget {
  #free: number
  constructor(bytes: number) {
    this.#free = bytes
  }
  /** True when the bytes were free and are now taken. */
  take(bytes: number): boolean {
    if (bytes > this.#free) return false
    this.#free -= bytes
    return true
  }
  /** Takes the bytes in any case; for the one request that must go on. */
  force(bytes: number): true {
    this.#free -= bytes
    return true
  }
  giveBack(bytes: number): void {
    this.#free += bytes
  }
  get free(): number {
    return this.#free
  }
}
