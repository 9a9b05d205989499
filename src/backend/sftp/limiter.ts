import { BackendError } from '../backend.ts'

/** Lets a bounded number of tasks run at a time; a bounded number waits, each for a bounded time. */
export class Limiter {
  readonly #runningMax: number
  readonly #waitingMax: number
  readonly #waitMs: number
  #running = 0
  readonly #waiting: { start: () => void; timer: NodeJS.Timeout }[] = []

  constructor(limits: { readonly running: number; readonly waiting: number; readonly waitMs: number }) {
    this.#runningMax = limits.running
    this.#waitingMax = limits.waiting
    this.#waitMs = limits.waitMs
  }

  /** Runs the task when its turn comes; throws BackendError `unavailable` when it does not come. */
  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#runningMax) await this.#turn()
    else this.#running++
    try {
      return await task()
    } finally {
      const next = this.#waiting.shift()
      if (next) {
        clearTimeout(next.timer)
        next.start()
      } else this.#running--
    }
  }

  #turn(): Promise<void> {
    if (this.#waiting.length >= this.#waitingMax) {
      return Promise.reject(new BackendError('unavailable', 'too many logins wait for the backend'))
    }
    return new Promise((start, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(entry), 1)
        reject(new BackendError('unavailable', `no turn to log in to the backend for ${this.#waitMs / 1000} s`))
      }, this.#waitMs)
      const entry = { start, timer }
      this.#waiting.push(entry)
    })
  }
}
