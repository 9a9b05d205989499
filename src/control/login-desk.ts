import { BackendError, type Preparation } from '../backend/backend.ts'
import type { ByteString } from '../ftp/bytes.ts'
import type { Secret } from '../ftp/secret.ts'
import type { LoginOutcome } from '../observe/observer.ts'
import type { LoggedIn, SessionOptions } from './session-options.ts'

/** A refusal is answered on a whole second of its own, so that its time tells nothing about the reason. */
const refusalStepMs = 1_000

/** Logs one session in: counts and slows refusals, and tells the observer how each attempt ended. */
export class LoginDesk {
  readonly #session: string
  readonly #address: string
  readonly #options: SessionOptions
  #refused = 0
  #preparation: Preparation | undefined

  constructor(session: string, address: string, options: SessionOptions) {
    this.#session = session
    this.#address = address
    this.#options = options
  }

  /** After so many refusals the control connection is closed. */
  get exhausted(): boolean {
    return this.#refused >= this.#options.loginAttempts
  }

  /** USER has come, so PASS will. */
  expect(username: ByteString): void {
    this.#preparation?.cancel()
    this.#preparation = this.#options.prepare(username)
  }

  /** No login comes, or none that was announced. */
  close(): void {
    this.#preparation?.cancel()
    this.#preparation = undefined
  }

  /** Throws what LogIn throws; a refusal only after a delay. */
  async logIn(username: ByteString, password: Secret): Promise<LoggedIn> {
    const startedAt = performance.now()
    const preparation = this.#preparation
    this.#preparation = undefined
    try {
      const address = this.#address
      const loggedIn = await this.#options.logIn({ username, password, address, preparation })
      this.#tell(username, 'ok', startedAt)
      return loggedIn
    } catch (error) {
      const refused = error instanceof BackendError && error.kind === 'loginRefused'
      this.#tell(username, refused ? 'bad_password' : 'backend', startedAt, error)
      if (refused) {
        this.#refused++
        await untilNextStep(startedAt)
      }
      throw error
    } finally {
      preparation?.cancel()
    }
  }

  #tell(user: ByteString, outcome: LoginOutcome, startedAt: number, error?: unknown): void {
    this.#options.observer({
      kind: 'login',
      session: this.#session,
      user,
      ...this.#options.routeOf(user),
      address: this.#address,
      outcome,
      seconds: (performance.now() - startedAt) / 1000,
      ...(error instanceof Error && { reason: error.message }),
    })
  }
}

function untilNextStep(startedAt: number): Promise<void> {
  const elapsed = performance.now() - startedAt
  const wait = refusalStepMs * Math.ceil(elapsed / refusalStepMs) - elapsed
  return new Promise((resolve) => setTimeout(resolve, wait))
}
