/** How much of its newest best a rate keeps with every answer, so that a path that has become slower is noticed. */
const decay = 0.98

/** Milliseconds of a round trip from which on the start is hurried: each one more costs more than memory that is not warm. */
const farMs = 10
const gain = { near: 2, far: 3 } as const

/**
 * How many bytes to keep under way on a path: twice its bandwidth times its round trip, both measured on the answers
 * themselves (the idea of BBR). On loopback that is little, so memory stays warm; over distance it doubles with every
 * round trip until the server or the network gives no more. A taker that is slower than the server keeps it small.
 */
export class Pace {
  readonly #bytesMin: number
  readonly #now: () => number
  /** Milliseconds of the quickest answer. */
  #latency = Number.POSITIVE_INFINITY
  /** Bytes a millisecond. */
  #rate = 0
  #delivered = 0

  constructor(bytesMin: number, now: () => number = () => performance.now()) {
    this.#bytesMin = bytesMin
    this.#now = now
  }

  /** Called when a request goes out; the result is called with the bytes of its answer. */
  sent(): (bytes: number) => void {
    const sentAt = this.#now()
    const deliveredBefore = this.#delivered
    return (bytes) => {
      const latency = Math.max(this.#now() - sentAt, 0.001)
      this.#delivered += bytes
      this.#latency = Math.min(this.#latency, latency)
      this.#rate = Math.max(this.#rate * decay, (this.#delivered - deliveredBefore) / latency)
    }
  }

  get bytes(): number {
    if (this.#rate === 0) return this.#bytesMin
    const times = this.#latency < farMs ? gain.near : gain.far
    return Math.max(this.#bytesMin, times * this.#rate * this.#latency)
  }
}
