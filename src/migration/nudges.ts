const usersMax = 10_000

/**
 * Who was nudged when. It is forgotten with the process, and of very many users the oldest are: they are refused once more,
 * which is what the mode is for.
 */
export class Nudges {
  /** The one that was nudged last comes last. */
  readonly #last = new Map<string, number>()
  readonly #max: number

  constructor(max = usersMax) {
    this.#max = max
  }

  /** Whether this login is the one to refuse; then the next ones are not, for so long. */
  take(partner: string, user: string, everyMs: number, now: number): boolean {
    const key = `${partner}\n${user}`
    const last = this.#last.get(key)
    // A clock that was put back must not make it wait for long.
    if (last !== undefined && Math.abs(now - last) < everyMs) return false
    this.#last.delete(key)
    this.#last.set(key, now)
    const [oldest] = this.#last.keys()
    if (this.#last.size > this.#max && oldest !== undefined) this.#last.delete(oldest)
    return true
  }

  get size(): number {
    return this.#last.size
  }
}
