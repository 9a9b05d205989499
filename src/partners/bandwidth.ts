/** A pause of this length may be made up for: timers are coarse, and chunks come in bursts. */
const burstMs = 200

/**
 * So many bytes a second, shared by all that take from it, in the order in which they ask (a token bucket, kept as the
 * time at which all that was promised so far will have passed). The first chunk of many goes at once, so in no span of
 * time do more bytes pass than the rate allows, one chunk, and what `burstMs` is worth.
 */
export class Bandwidth {
  readonly bytesPerSecond: number
  #passedAt = Number.NEGATIVE_INFINITY

  constructor(bytesPerSecond: number) {
    this.bytesPerSecond = bytesPerSecond
  }

  /** Promises so many bytes to whoever asks; they may pass after so many milliseconds. */
  reserve(bytes: number, now: number): number {
    const begin = Math.max(this.#passedAt, now - burstMs)
    this.#passedAt = begin + (bytes * 1000) / this.bytesPerSecond
    return Math.max(0, begin - now)
  }
}
