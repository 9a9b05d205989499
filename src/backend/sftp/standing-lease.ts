import { setTimeout as sleep } from 'node:timers/promises'
import { BackendError } from '../backend.ts'
import type { Lease } from './pooled-line.ts'

export interface Renewal {
  /** Another session for the same account; at the right host only, as the first. */
  lease(): Promise<Lease>
  /** How long a backend that does not come back is asked again; 0: not at all. */
  readonly renewMs: number
  /** Told once for each session that was lost while a transfer needed it. */
  onRenewed(outcome: {
    readonly tries: number
    readonly seconds: number
    readonly error: BackendError | undefined
  }): void
}

const waitMinMs = 100
const waitMaxMs = 5_000

/** A login's SFTP session; where it is lost in the middle of a transfer, another one takes its place. */
export class StandingLease {
  readonly #renewal: Renewal
  readonly #over = new AbortController()
  #current: Lease
  #renewing: Promise<void> | undefined

  constructor(first: Lease, renewal: Renewal) {
    this.#current = first
    this.#renewal = renewal
  }

  get current(): Lease {
    return this.#current
  }
  get renewable(): boolean {
    return this.#renewal.renewMs > 0 && !this.#over.signal.aborted
  }

  /**
   * Resolves when there is a session that lives. Throws BackendError, `unavailable` when the backend does not come back in
   * time or the login has ended, else what it says instead.
   */
  renew(): Promise<void> {
    if (!this.#current.client.session.dead) return Promise.resolve()
    this.#renewing ??= this.#tryAgain().finally(() => {
      this.#renewing = undefined
    })
    return this.#renewing
  }

  /** Ends it, for good; idempotent. */
  release(): void {
    this.#over.abort()
    this.#current.release()
  }

  async #tryAgain(): Promise<void> {
    const startedAt = performance.now()
    this.#current.release()
    for (let tries = 1, waitMs = waitMinMs; ; tries++, waitMs = Math.min(2 * waitMs, waitMaxMs)) {
      const error = await this.#replace()
      const seconds = (performance.now() - startedAt) / 1000
      const late = seconds * 1000 + waitMs > this.#renewal.renewMs
      if (error === undefined || error.kind !== 'unavailable' || late || !this.renewable) {
        this.#renewal.onRenewed({ tries, seconds, error })
        if (error) throw error
        return
      }
      // Many logins lose the same server at the same time.
      await sleep(waitMs * (0.5 + Math.random()), undefined, { signal: this.#over.signal }).catch(() => {})
    }
  }

  /** The error with which it failed. */
  async #replace(): Promise<BackendError | undefined> {
    if (!this.renewable) return new BackendError('unavailable', 'the login has ended')
    try {
      const lease = await this.#renewal.lease()
      if (this.renewable) this.#current = lease
      else lease.release()
      return this.renewable ? undefined : new BackendError('unavailable', 'the login has ended')
    } catch (error) {
      return error instanceof BackendError
        ? error
        : new BackendError('unavailable', (error as Error).message, { cause: error })
    }
  }
}
