import { BackendError } from '../backend.ts'

/** Gives a turn back; idempotent. */
export type Release = () => void

export interface Limits {
  readonly running: number
  readonly waiting: number
  readonly waitMs: number
}

/** A bounded number of turns at a time; a bounded number waits for one, each for a bounded time. */
export class Limiter {
  readonly #limits: Limits
  #running = 0
  readonly #waiting: { start: (release: Release) => void; timer: NodeJS.Timeout }[] = []

  constructor(limits: Limits) {
    this.#limits = limits
  }

  /** A turn, when it comes; throws BackendError `unavailable` when it does not. */
  async take(): Promise<Release> {
    return this.takeAtOnce(this.#limits.running) ?? this.#wait()
  }

  /** A turn if fewer than so many are taken now and nobody waits. */
  takeAtOnce(running: number): Release | undefined {
    if (this.#running >= running || this.#waiting.length > 0) return undefined
    this.#running++
    return this.#release()
  }

  #release(): Release {
    let taken = true
    return () => {
      if (!taken) return
      taken = false
      const next = this.#waiting.shift()
      if (!next) {
        this.#running--
        return
      }
      clearTimeout(next.timer)
      next.start(this.#release())
    }
  }

  #wait(): Promise<Release> {
    const { waiting, waitMs } = this.#limits
    if (this.#waiting.length >= waiting) {
      return Promise.reject(new BackendError('unavailable', 'too many logins wait for the backend'))
    }
    return new Promise((start, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(entry), 1)
        reject(new BackendError('unavailable', `no turn to log in to the backend for ${waitMs / 1000} s`))
      }, waitMs)
      const entry = { start, timer }
      this.#waiting.push(entry)
    })
  }
}
