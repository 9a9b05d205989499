import type { Observer } from '../../observe/observer.ts'
import { type Backend, BackendError, type Credentials, type FileSystem } from '../backend.ts'
import type { ByteBudget } from './byte-budget.ts'
import { learnCapabilities } from './capabilities.ts'
import { ConnectError, type Connection, type ConnectOptions, connect } from './connection.ts'
import { SftpFileSystem } from './file-system.ts'
import type { HostKeyPolicy } from './host-keys.ts'
import { Limiter } from './limiter.ts'
import { loginTag } from './part-name.ts'
import { openSubsystem } from './raw-channel.ts'
import { SftpClient } from './sftp-client.ts'
import { type SessionTimeouts, SftpSession } from './sftp-session.ts'
import { extension } from './wire.ts'

export interface SftpBackendOptions extends ConnectOptions, SessionTimeouts {
  readonly name: string
  readonly fsync: 'auto' | 'off'
  readonly bytesInFlightPerTransfer: number
  readonly budget: ByteBudget
  readonly health: { readonly everyMs: number; readonly timeoutMs: number }
  readonly observer: Observer
}

/** OpenSSH drops connections at random from ten handshakes on (MaxStartups 10:30:100). */
const handshakesMax = 8
const waitingMax = 512
/** A server has one key of each kind, and shows the first that the client can take. */
const keyFamilies = [/^ecdsa-/, /^rsa-/, /^ssh-ed25519$/]
/** Tries when the server hangs up before the login was sent; only then is trying again harmless. */
const triesMax = 3

type Attempt = (hostKeys: HostKeyPolicy) => Promise<Connection>

/** The server showed a key that is not pinned, or has none of the kind that it was asked for. */
function isKeyProblem(error: unknown): error is ConnectError {
  return error instanceof ConnectError && (error.failure === 'host_key' || error.failure === 'kex')
}

/** An SFTP server. Each login has a connection of its own. */
export class SftpBackend implements Backend {
  readonly name: string
  up: boolean | undefined
  readonly #options: SftpBackendOptions
  readonly #handshakes: Limiter
  readonly #connections = new Set<Connection>()
  readonly #closing = new AbortController()
  #warned = false
  #lastHeardAt = 0
  #hostKeys: HostKeyPolicy
  readonly #health: NodeJS.Timeout

  constructor(options: SftpBackendOptions) {
    this.name = options.name
    this.#options = options
    this.#hostKeys = options.hostKeys
    this.#handshakes = new Limiter({ running: handshakesMax, waiting: waitingMax, waitMs: options.loginMs })
    this.#health = setInterval(() => void this.#checkHealth(), options.health.everyMs)
    this.#health.unref()
  }

  async open(credentials: Credentials): Promise<FileSystem> {
    const { requestMs, closeMs, bytesInFlightPerTransfer, fsync, budget } = this.#options
    const session = new SftpSession({ requestMs, closeMs })
    const connection = await this.#connect(credentials, (error) => session.fail(error))
    const disconnect = () => {
      this.#connections.delete(connection)
      connection.destroy()
    }
    try {
      const channel = await openSubsystem(connection.client, bytesInFlightPerTransfer * 2, {
        onData: (bytes) => session.receive(bytes),
        onClose: () => session.fail(new BackendError('unavailable', 'the server closed the SFTP channel')),
      })
      await session.start(channel, disconnect)
      const client = new SftpClient(session)
      const [capabilities, home] = await Promise.all([learnCapabilities(client), client.realpath('.')])
      this.#tellReady(connection, session)
      const settings = { tag: loginTag(credentials.username), fsync, inFlightMax: bytesInFlightPerTransfer, budget }
      return new SftpFileSystem(client, capabilities, settings, home, disconnect)
    } catch (cause) {
      disconnect()
      if (cause instanceof BackendError) throw new BackendError('unavailable', cause.message, { cause })
      throw new BackendError('unavailable', `no SFTP on this connection: ${(cause as Error).message}`, { cause })
    }
  }

  async probe(): Promise<void> {
    const connection = await this.#attempt(undefined, this.#options.health.timeoutMs, () => {})
    connection.destroy()
  }

  /** Stops asking for the server's health; logins that are open go on to their own end. */
  retire(): void {
    clearInterval(this.#health)
  }

  async close(): Promise<void> {
    clearInterval(this.#health)
    this.#closing.abort()
    for (const connection of this.#connections) connection.destroy()
    this.#connections.clear()
  }

  async #connect(credentials: Credentials, onLost: (error: BackendError) => void): Promise<Connection> {
    for (let attempt = 1; ; attempt++) {
      try {
        const connection = await this.#handshakes.run(() => this.#attempt(credentials, this.#options.loginMs, onLost))
        this.#connections.add(connection)
        return connection
      } catch (error) {
        const again = error instanceof ConnectError && error.beforeLogin && attempt < triesMax
        if (!again) throw error
        await new Promise((resolve) => setTimeout(resolve, 100 + Math.random() * 400 * attempt))
      }
    }
  }

  async #attempt(
    credentials: Credentials | undefined,
    loginMs: number,
    onLost: (error: BackendError) => void,
  ): Promise<Connection> {
    const { observer, name: backend } = this.#options
    const startedAt = performance.now()
    const seconds = () => (performance.now() - startedAt) / 1000
    try {
      const connection = await this.#connectWithPinnedKey(loginMs, credentials, onLost)
      observer({ kind: 'backendConnection', backend, outcome: 'ok', seconds: seconds() })
      this.#heard(true)
      return connection
    } catch (error) {
      const outcome = error instanceof ConnectError ? error.failure : 'lost'
      const reason = error instanceof Error ? error.message : String(error)
      observer({ kind: 'backendConnection', backend, outcome, seconds: seconds(), reason })
      // A refused login is an answer: the server is there and is the right one.
      this.#heard(outcome === 'auth')
      throw error
    }
  }

  /**
   * A fingerprint does not say of what kind its key is, and the server may show another of its keys first. So after a key
   * that is not pinned the other kinds are asked for, before anything secret was sent; the kind that fits is remembered.
   */
  async #connectWithPinnedKey(
    loginMs: number,
    credentials: Credentials | undefined,
    onLost: (error: BackendError) => void,
  ): Promise<Connection> {
    const attempt: Attempt = (hostKeys) =>
      connect({ ...this.#options, hostKeys, loginMs }, credentials, onLost, this.#closing.signal)
    try {
      return await attempt(this.#hostKeys)
    } catch (error) {
      if (!isKeyProblem(error)) throw error
      return await this.#askForOtherKinds(attempt, error)
    }
  }

  async #askForOtherKinds(attempt: Attempt, first: ConnectError): Promise<Connection> {
    const all = this.#options.hostKeys
    let told = first
    for (const family of keyFamilies) {
      const narrowed = { ...all, keyTypes: all.keyTypes.filter((type) => family.test(type)) }
      try {
        const connection = await attempt(narrowed)
        this.#hostKeys = narrowed
        return connection
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

  #heard(up: boolean): void {
    this.#lastHeardAt = performance.now()
    if (this.up === up) return
    this.up = up
    this.#options.observer({ kind: 'backendUp', backend: this.name, up })
  }

  /** Logins tell how the backend is; only when there were none is it asked. */
  async #checkHealth(): Promise<void> {
    if (performance.now() - this.#lastHeardAt < this.#options.health.everyMs) return
    await this.probe().catch(() => {})
  }

  #tellReady({ banner, cipher }: Connection, session: SftpSession): void {
    const { observer } = this.#options
    const extensions = [...session.extensions.keys()]
    observer({ kind: 'backendReady', backend: this.name, banner, cipher, extensions })
    if (this.#warned || session.extensions.has(extension.posixRename)) return
    this.#warned = true
    const message = `backend ${this.name} cannot replace a file in one step (no posix-rename): when its connection breaks at just that moment, the old file is left as .<8 hex digits>.old beside its name`
    observer({ kind: 'warning', topic: 'no_posix_rename', message })
  }
}
