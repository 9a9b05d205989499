import { BackendError, type Preparation } from '../backend/backend.ts'
import type { ByteString } from '../ftp/bytes.ts'
import { RefusedLogin } from '../ftp/refused-login.ts'
import type { Secret } from '../ftp/secret.ts'
import type { LoginOutcome } from '../observe/observer.ts'
import type { ClientCertificate } from '../tls/client-certificates.ts'
import type { LoggedIn, SessionOptions } from './session-options.ts'

/** A refusal is answered on a whole second of its own, so that its time tells nothing about the reason. */
const refusalStepMs = 1_000

const tooManyRefused = 'too many refused logins from this address'

/** Where a session came in. */
export interface CameIn {
  /** Numeric address of the client. */
  readonly address: string
  /** Name of the listener. */
  readonly listener: string
}

/** What is known of the client's address. */
export interface Refusals {
  /** Whether so many logins were refused that no more are looked at for now. */
  tooMany(): boolean
  add(): void
}

/** Logs one session in: counts and slows refusals, and tells the observer how each attempt ended. */
export class LoginDesk {
  readonly #session: string
  readonly #cameIn: CameIn
  readonly #options: SessionOptions
  readonly #refusals: Refusals
  /** What the client has shown on its control connection. */
  certificate: ClientCertificate | undefined
  #refused = 0
  #preparation: Preparation | undefined

  constructor(session: string, cameIn: CameIn, options: SessionOptions, refusals: Refusals) {
    this.#session = session
    this.#cameIn = { address: cameIn.address, listener: cameIn.listener }
    this.#options = options
    this.#refusals = refusals
  }

  /** After so many refusals the control connection is closed. */
  get exhausted(): boolean {
    return this.#refused >= this.#options.loginAttempts || this.#refusals.tooMany()
  }

  /** USER has come, so PASS will. */
  expect(username: ByteString): void {
    this.#preparation?.cancel()
    this.#preparation = this.#options.prepare({ username, ...this.#cameIn })
  }

  /** No login comes, or none that was announced. */
  close(): void {
    this.#preparation?.cancel()
    this.#preparation = undefined
  }

  /** Whether the user needs no password with the certificate that the client has shown. */
  certificateSuffices(username: ByteString): boolean {
    const caller = { username, ...this.#cameIn }
    return this.certificate !== undefined && this.#options.certificateSuffices(caller, this.certificate)
  }

  /** Throws what LogIn throws; a refusal only after a delay. */
  async logIn(username: ByteString, password: Secret | undefined): Promise<LoggedIn> {
    const startedAt = performance.now()
    const preparation = this.#preparation
    this.#preparation = undefined
    try {
      const { certificate } = this
      // Sessions that were open already may go on guessing. The right password is not wrong, so it is not 530.
      if (this.#refusals.tooMany()) throw new BackendError('unavailable', tooManyRefused)
      const loggedIn = await this.#options.logIn({ username, password, certificate, preparation, ...this.#cameIn })
      this.#tell(username, 'ok', startedAt, undefined, loggedIn)
      return loggedIn
    } catch (error) {
      const refused = error instanceof BackendError && error.kind === 'loginRefused'
      this.#tell(username, outcomeOf(error), startedAt, error)
      if (refused) {
        this.#refused++
        this.#refusals.add()
        await untilNextStep(startedAt)
      }
      throw error
    } finally {
      preparation?.cancel()
    }
  }

  #tell(user: ByteString, outcome: LoginOutcome, startedAt: number, error?: unknown, loggedIn?: LoggedIn): void {
    this.#options.observer({
      kind: 'login',
      session: this.#session,
      user,
      ...this.#options.routeOf({ username: user, ...this.#cameIn }),
      ...(loggedIn && { backend: loggedIn.backend }),
      ...(loggedIn?.admitted && { phase: loggedIn.admitted.phase }),
      address: this.#cameIn.address,
      outcome,
      seconds: (performance.now() - startedAt) / 1000,
      ...(error instanceof Error && { reason: error.message }),
      ...(error instanceof RefusedLogin && { reference: error.reference }),
    })
  }
}

function outcomeOf(error: unknown): LoginOutcome {
  if (error instanceof RefusedLogin) return error.outcome
  if (error instanceof BackendError && error.kind === 'loginRefused') return 'bad_password'
  if (error instanceof BackendError && (error.kind === 'limited' || error.message === tooManyRefused)) return 'limit'
  return 'backend'
}

function untilNextStep(startedAt: number): Promise<void> {
  const elapsed = performance.now() - startedAt
  const wait = refusalStepMs * Math.ceil(elapsed / refusalStepMs) - elapsed
  return new Promise((resolve) => setTimeout(resolve, wait))
}
