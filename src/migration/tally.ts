import { type CountGroup, type Counts, countGroups, type HighestKey, loginsMax, type Usage } from './usage.ts'

/** Collects a `Usage` bit by bit. */
export class Tally {
  readonly #counts = new Map<CountGroup, Map<string, number>>()
  readonly #highest = new Map<HighestKey, number>()
  #firstLogin: number | undefined
  #logins: number[] = []
  #empty = true

  /** Whether anything has come since the last `take`. */
  get empty(): boolean {
    return this.#empty
  }

  count(group: CountGroup, key: string, by = 1): void {
    this.#empty = false
    const counts = this.#counts.get(group) ?? new Map<string, number>()
    this.#counts.set(group, counts)
    counts.set(key, (counts.get(key) ?? 0) + by)
  }

  raise(key: HighestKey, value: number): void {
    this.#empty = false
    this.#highest.set(key, Math.max(this.#highest.get(key) ?? 0, value))
  }

  login(at: number): void {
    this.count('total', 'logins')
    this.count('hour', String(Math.floor(at / 3_600_000)))
    this.raise('lastLogin', at)
    this.#firstLogin = Math.min(this.#firstLogin ?? at, at)
    this.#logins = [...this.#logins, at].slice(-loginsMax)
  }

  /** What was collected; it begins anew. */
  take(): Usage {
    const counts: { [G in CountGroup]?: Counts } = {}
    for (const group of countGroups) {
      const found = this.#counts.get(group)
      if (found) counts[group] = Object.fromEntries(found)
    }
    const usage = {
      counts,
      highest: Object.fromEntries(this.#highest),
      lowest: this.#firstLogin === undefined ? {} : { firstLogin: this.#firstLogin },
      logins: this.#logins,
    }
    this.#counts.clear()
    this.#highest.clear()
    this.#firstLogin = undefined
    this.#logins = []
    this.#empty = true
    return usage
  }
}
