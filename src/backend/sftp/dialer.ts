import type { Observer } from '../../observe/observer.ts'
import type { BackendError, Credentials, Preparation } from '../backend.ts'
import { ConnectError, type Connection, type ConnectOptions, type Greeted, greet } from './connection.ts'
import type { HostKeyPolicy } from './host-keys.ts'
import { Limiter } from './limiter.ts'
import { PreparedLogin } from './prepared-login.ts'

export interface DialerOptions extends ConnectOptions {
  /** Of the backend. */
  readonly name: string
  readonly observer: Observer
}

/** OpenSSH drops connections at random from ten handshakes on (MaxStartups 10:30:100). */
const handshakesMax = 8
const waitingMax = 512
/** Connections made ahead may not keep those waiting who have their password already. */
const preparedMax = 4
/** Servers punish addresses whose connections do not log in (OpenSSH PerSourcePenalties `noauth`: 1 s, locked out from 15 s). */
const unusedMax = 5
const unusedWindowMs = 60_000
/** A server has one key of each kind, and shows the first that the client can take. */
const keyFamilies = [/^ecdsa-/, /^rsa-/, /^ssh-ed25519$/]
/** Tries when the server hangs up before the login was sent; only then is trying again harmless. */
const triesMax = 3

type LostListener = (error: BackendError) => void

/** Makes the connections to one backend: not too many at a time, to the right server, and with the operator told how it went. */
export class Dialer {
  /** Whether the newest connection or probe succeeded; undefined before the first. */
  up: boolean | undefined
  readonly #options: DialerOptions
  readonly #turns: Limiter
  readonly #closing = new AbortController()
  readonly #prepared = new Set<PreparedLogin>()
  #unusedAt: number[] = []
  #heardAt = 0
  #hostKeys: HostKeyPolicy

  constructor(options: DialerOptions) {
    this.#options = options
    this.#hostKeys = options.hostKeys
    this.#turns = new Limiter({ running: handshakesMax, waiting: waitingMax, waitMs: options.loginMs })
  }

  /** A connection that has logged in. Throws ConnectError, or BackendError `unavailable` when no turn came. */
  async logIn(credentials: Credentials, onLost: LostListener, prepared?: PreparedLogin): Promise<Connection> {
    const ready = prepared?.use()
    if (ready) {
      this.#prepared.delete(ready)
      try {
        return await this.#observed(false, async () => (await ready.greeted).logIn(credentials, onLost))
      } catch (error) {
        // The server has waited for this login, perhaps for too long; it was not refused.
        if (!(error instanceof ConnectError) || error.failure !== 'lost') throw error
      } finally {
        ready.release()
      }
    }
    for (let attempt = 1; ; attempt++) {
      const last = attempt === triesMax
      const release = await this.#turns.take()
      try {
        return await this.#observed(last, async () => {
          const greeted = await this.#greet(this.#options.loginMs)
          return greeted.logIn(credentials, onLost)
        })
      } catch (error) {
        if (!isHarmless(error) || last) throw error
      } finally {
        release()
      }
      await new Promise((resolve) => setTimeout(resolve, 100 + Math.random() * 400 * attempt))
    }
  }

  /**
   * Connects and exchanges keys for a login whose password is still to come. Undefined when that is not wise now: while
   * others need the turns, or when connections made ahead were too often left unused.
   */
  prepare(): PreparedLogin | undefined {
    if (this.#closing.signal.aborted || this.up === false) return undefined
    const since = performance.now() - unusedWindowMs
    this.#unusedAt = this.#unusedAt.filter((time) => time > since)
    if (this.#unusedAt.length + this.#prepared.size >= unusedMax) return undefined
    const release = this.#turns.takeAtOnce(preparedMax)
    if (!release) return undefined
    const abort = new AbortController()
    const prepared = new PreparedLogin(this.#greet(this.#options.loginMs, abort.signal), release, () => {
      abort.abort()
      this.#prepared.delete(prepared)
      this.#unusedAt.push(performance.now())
    })
    this.#prepared.add(prepared)
    return prepared
  }

  /** The preparation as one of this dialer's, if it is one. */
  own(preparation: Preparation | undefined): PreparedLogin | undefined {
    return preparation instanceof PreparedLogin && this.#prepared.has(preparation) ? preparation : undefined
  }

  /** Connects and checks the host key without logging in. Throws ConnectError. */
  async probe(timeoutMs: number): Promise<void> {
    await this.#observed(true, async () => (await this.#greet(timeoutMs)).destroy())
  }

  /** Whether the server gave any sign, good or bad, within this time. */
  heardWithin(ms: number): boolean {
    return performance.now() - this.#heardAt < ms
  }

  /** Ends what is on its way; connections that have logged in are their owners'. */
  close(): void {
    this.#closing.abort()
    for (const prepared of this.#prepared) prepared.cancel()
  }

  /** Tells how it went; what is tried again, unless it is the `last` time, says nothing yet about the server. */
  async #observed<T>(last: boolean, connect: () => Promise<T>): Promise<T> {
    const { observer, name: backend } = this.#options
    const startedAt = performance.now()
    const seconds = () => (performance.now() - startedAt) / 1000
    try {
      const connection = await connect()
      observer({ kind: 'backendConnection', backend, outcome: 'ok', seconds: seconds() })
      this.#heard(true)
      return connection
    } catch (error) {
      const outcome = error instanceof ConnectError ? error.failure : 'lost'
      const reason = error instanceof Error ? error.message : String(error)
      observer({ kind: 'backendConnection', backend, outcome, seconds: seconds(), reason })
      // A refused login is an answer: the server is there and is the right one.
      if (last || !isHarmless(error)) this.#heard(outcome === 'auth')
      throw error
    }
  }

  #heard(up: boolean): void {
    this.#heardAt = performance.now()
    if (this.up === up) return
    this.up = up
    this.#options.observer({ kind: 'backendUp', backend: this.#options.name, up })
  }

  /**
   * A fingerprint does not say of what kind its key is, and the server may show another of its keys first. So after a key
   * that is not pinned the other kinds are asked for, before anything secret was sent; the kind that fits is remembered.
   */
  async #greet(loginMs: number, givenUp?: AbortSignal): Promise<Greeted> {
    const { signal: closing } = this.#closing
    const signal = givenUp ? AbortSignal.any([closing, givenUp]) : closing
    const greetWith = (hostKeys: HostKeyPolicy) => greet({ ...this.#options, hostKeys, loginMs }, signal)
    try {
      return await greetWith(this.#hostKeys)
    } catch (error) {
      if (!isKeyProblem(error)) throw error
      return await this.#askForOtherKinds(greetWith, error)
    }
  }

  async #askForOtherKinds(
    greetWith: (hostKeys: HostKeyPolicy) => Promise<Greeted>,
    first: ConnectError,
  ): Promise<Greeted> {
    const all = this.#options.hostKeys
    let told = first
    for (const family of keyFamilies) {
      const narrowed = { ...all, keyTypes: all.keyTypes.filter((type) => family.test(type)) }
      try {
        const greeted = await greetWith(narrowed)
        this.#hostKeys = narrowed
        return greeted
      } catch (error) {
        if (!isKeyProblem(error)) {
          this.#hostKeys = narrowed
          throw error
        }
        if (told.failure !== 'host_key') told = error
      }
    }
    // The server may get another of its pinned keys back: next time it is asked for all of them again.
    this.#hostKeys = all
    throw told
  }
}

/** The server showed a key that is not pinned, or has none of the kind that it was asked for. */
function isKeyProblem(error: unknown): error is ConnectError {
  return error instanceof ConnectError && (error.failure === 'host_key' || error.failure === 'kex')
}

/** Nothing of the login was sent, so another try gives nothing away and costs the user nothing. */
function isHarmless(error: unknown): boolean {
  return error instanceof ConnectError && error.beforeLogin
}
