import { BackendError } from '../backend/backend.ts'

/** What time it is and how it passes; both in milliseconds. */
export interface Clock {
  now(): number
  wait(ms: number): Promise<void>
}

const realClock: Clock = {
  now: () => performance.now(),
  wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
}

/**
 * How long each backend takes to refuse a password. Who is refused without asking it (and it must not be asked: a wrong
 * password counts against the gateway there) is kept waiting for as long, so that the time tells no more than the reply.
 */
export class RefusalTimes {
  readonly #newest = new Map<string, number>()
  readonly #clock: Clock

  constructor(clock: Clock = realClock) {
    this.#clock = clock
  }

  /** Runs an attempt, and remembers how long it took when it was refused. */
  async measure<T>(backend: string, attempt: () => Promise<T>): Promise<T> {
    const startedAt = this.#clock.now()
    try {
      return await attempt()
    } catch (error) {
      const refused = error instanceof BackendError && error.kind === 'loginRefused'
      if (refused) this.#newest.set(backend, this.#clock.now() - startedAt)
      throw error
    }
  }

  /** Takes as long as the newest refusal of the backend did; nothing where there was none yet. */
  async wait(backend: string): Promise<void> {
    const newest = this.#newest.get(backend)
    if (newest !== undefined) await this.#clock.wait(newest)
  }
}
