import type { Socket } from 'node:net'
import ssh2, {
  type Algorithms,
  type AuthenticationType,
  type Client,
  type NegotiatedAlgorithms,
  type NextAuthHandler,
} from 'ssh2'
import type { BackendFailure } from '../../observe/observer.ts'
import { BackendError, type Credentials } from '../backend.ts'
import { type Authentication, authentication } from './authentication.ts'
import { fingerprint, type HostKeyPolicy } from './host-keys.ts'
import { openSocket } from './socket.ts'

/** Where and how to connect; times in milliseconds. */
export interface ConnectOptions {
  readonly host: string
  readonly port: number
  readonly hostKeys: HostKeyPolicy
  readonly connectMs: number
  /** The key exchange; and then the authentication. */
  readonly loginMs: number
  /** Whether SSH's own keep-alive is sent; some servers never answer it, and would be taken for lost. */
  readonly keepalive: boolean
}

/** An SSH connection whose server is the right one, and that nobody has logged in on yet. */
export interface Greeted {
  /** Logs in, once. Throws ConnectError. `onLost` is called once if the connection ends later without `destroy`. */
  logIn(credentials: Credentials, onLost: (error: BackendError) => void): Promise<Connection>
  destroy(): void
}

/** An SSH connection that has logged in. */
export interface Connection {
  readonly client: Client
  readonly banner: string
  readonly cipher: string
  /** Fingerprint of the key that the server showed. */
  readonly hostKey: string
  /** Ends the connection at once; idempotent. */
  destroy(): void
}

/** Why a connection did not come about, for the operator and for the metric; `kind` is what the client is told. */
export class ConnectError extends BackendError {
  readonly failure: BackendFailure
  /** The server hung up before the login was sent: busy servers do (MaxStartups), and trying again costs nothing. */
  readonly beforeLogin: boolean
  constructor(failure: BackendFailure, message: string, options: ErrorOptions & { beforeLogin?: boolean } = {}) {
    super(failure === 'auth' ? 'loginRefused' : 'unavailable', message, options)
    this.failure = failure
    this.beforeLogin = options.beforeLogin ?? false
  }
}

/**
 * Connects, exchanges keys and checks the host key; nothing secret is sent. Throws ConnectError. `signal` ends the
 * connection as long as nobody has logged in.
 */
export async function greet(options: ConnectOptions, signal: AbortSignal): Promise<Greeted> {
  const socket = await openSocket(options.host, options.port, options.connectMs, signal).catch(
    (error: BackendError) => {
      throw new ConnectError(socketFailure(error.cause), error.message, { cause: error.cause })
    },
  )
  const handshake = new Handshake(new ssh2.Client(), socket, options)
  const onAbort = () => socket.destroy()
  signal.addEventListener('abort', onAbort)
  socket.once('close', () => signal.removeEventListener('abort', onAbort))
  if (signal.aborted) onAbort()
  await handshake.start()
  return {
    async logIn(credentials, onLost) {
      await handshake.logIn(authentication(credentials))
      signal.removeEventListener('abort', onAbort)
      return handshake.connection(onLost)
    },
    destroy: () => socket.destroy(),
  }
}

const keepaliveMs = 30_000

/** From the TCP connection to the login. It keeps ssh2's 'error' listener for the life of the client: ssh2 emits late ones. */
class Handshake {
  readonly #client: Client
  readonly #socket: Socket
  readonly #options: ConnectOptions
  #cipher = ''
  #hostKey = ''
  #newestError: Error | undefined
  #refusal: ConnectError | undefined
  #authentication: Authentication | undefined
  /** The server's question how to authenticate, which came before there was an answer. */
  #asked: (() => void) | undefined
  #answered = false

  constructor(client: Client, socket: Socket, options: ConnectOptions) {
    this.#client = client
    this.#socket = socket
    this.#options = options
    client.on('error', (error: Error & { readonly level?: string }) => {
      this.#newestError = error
      // ssh2 gives up here, and would leave the rest to a peer that perhaps never closes.
      if (error.level === 'protocol' || error.level === 'handshake') socket.destroy()
    })
    // Without a listener a password change request would hang until the time-out.
    client.on('change password', () => this.#refuse(new ConnectError('auth', 'the backend wants a new password')))
  }

  /** Resolves after the key exchange. */
  start(): Promise<void> {
    const { hostKeys, keepalive } = this.#options
    const done = this.#until('handshake', 'key exchange')
    this.#client.connect({
      sock: this.#socket,
      // Each authentication method names the user again; this name is never sent.
      username: 'unused',
      readyTimeout: 0,
      keepaliveInterval: keepalive ? keepaliveMs : 0,
      keepaliveCountMax: 4,
      hostVerifier: (key: Buffer) => this.#verify(key),
      algorithms: algorithms(hostKeys.keyTypes),
      authHandler: (left, partial, next) => this.#onAsked(left, partial, next),
    })
    return done
  }

  logIn(method: Authentication): Promise<void> {
    const done = this.#until('ready', 'login')
    this.#authentication = method
    this.#asked?.()
    this.#asked = undefined
    return done
  }

  connection(onLost: (error: BackendError) => void): Connection {
    const { host, port } = this.#options
    const lost = () => onLost(new BackendError('unavailable', `${host}:${port} was lost${this.#lastError()}`))
    this.#socket.once('close', lost)
    return {
      client: this.#client,
      banner: remoteVersion(this.#client),
      cipher: this.#cipher,
      hostKey: this.#hostKey,
      destroy: () => {
        this.#socket.off('close', lost)
        // `end` sends DISCONNECT, so that the server does not log a broken connection; the socket must go in any case.
        this.#client.end()
        this.#socket.destroySoon()
      },
    }
  }

  /** Waits for an event of the client; rejects with a ConnectError, and closes, when it does not come. */
  #until(event: 'handshake' | 'ready', stage: string): Promise<void> {
    const { loginMs } = this.#options
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => this.#refuse(new ConnectError('timeout', `no SSH ${stage} within ${loginMs / 1000} s`)),
        loginMs,
      )
      const onClose = () => {
        clearTimeout(timer)
        reject(this.#failure(stage))
      }
      if (this.#socket.destroyed) return onClose()
      this.#socket.once('close', onClose)
      const onDone = (facts?: NegotiatedAlgorithms) => {
        clearTimeout(timer)
        this.#socket.off('close', onClose)
        if (facts) this.#cipher = facts.cs.cipher
        resolve()
      }
      if (event === 'ready') this.#client.once('ready', () => onDone())
      else this.#client.once('handshake', onDone)
    })
  }

  #onAsked(left: AuthenticationType[] | null, partial: boolean | null, next: NextAuthHandler): void {
    const answer = () => {
      this.#answered = true
      const method = this.#authentication?.(left, partial)
      if (method) next(method)
      else this.#refuse(new ConnectError('auth', 'the backend refused the login'))
    }
    if (this.#authentication) answer()
    else this.#asked = answer
  }

  /** Synchronous and strictly boolean: ssh2 accepts the host for anything but `false`, and it asks again at every rekey. */
  #verify(key: Buffer): boolean {
    const verdict = this.#options.hostKeys.check(key)
    this.#hostKey = fingerprint(key)
    if (verdict === 'trusted') return true
    const { host, port, hostKeys } = this.#options
    const pinned = hostKeys.expected.join(', ') || 'none'
    this.#refusal = new ConnectError(
      'host_key',
      `${host}:${port} presented the host key ${fingerprint(key)}, which is ${verdict === 'revoked' ? 'revoked' : 'not pinned'}; pinned: ${pinned}. If the key was changed on purpose, add it to hostKeys`,
    )
    return false
  }

  #refuse(why: ConnectError): void {
    this.#refusal ??= why
    this.#socket.destroy()
  }

  #failure(stage: string): ConnectError {
    if (this.#refusal) return this.#refusal
    const { host, port } = this.#options
    // Where one wrong password is all that it allows, a server refuses by hanging up (OpenSSH's MaxAuthTries 1).
    if (this.#answered && isTooManyTries(this.#newestError))
      return new ConnectError('auth', 'the backend refused the login')
    const failure = this.#newestError && this.#cipher === '' && isNegotiation(this.#newestError) ? 'kex' : 'lost'
    return new ConnectError(failure, `${host}:${port} ended the connection during the ${stage}${this.#lastError()}`, {
      beforeLogin: failure === 'lost' && !this.#answered,
    })
  }

  #lastError(): string {
    return this.#newestError ? `: ${this.#newestError.message}` : ''
  }
}

/** GCM first, then CTR with encrypt-then-MAC; no SHA-1, no CBC, no compression (it blocks the process). */
function algorithms(hostKeyTypes: readonly string[]): Algorithms {
  return {
    serverHostKey: [...hostKeyTypes] as NonNullable<Extract<Algorithms['serverHostKey'], unknown[]>>,
    cipher: [
      'aes128-gcm@openssh.com',
      'aes256-gcm@openssh.com',
      'aes128-ctr',
      'aes192-ctr',
      'aes256-ctr',
      'chacha20-poly1305@openssh.com',
    ],
    hmac: ['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com', 'hmac-sha2-256', 'hmac-sha2-512'],
    compress: ['none'],
  }
}

/** The server's version with its comment, where many products have their name; ssh2's `_remoteVer` has no comment. */
function remoteVersion(client: Client): string {
  const { _protocol: protocol } = client as unknown as { readonly _protocol?: { readonly _remoteIdentRaw?: Buffer } }
  const line = protocol?._remoteIdentRaw?.toString('latin1') ?? ''
  return line.replace(/^SSH-[\d.]+-/, '').trimEnd()
}

const noMoreAuthMethodsAvailable = 14

/** OpenSSH says it in words, with the code of a protocol error; others with the code of RFC 4253 section 11.1. */
function isTooManyTries(error: (Error & { readonly code?: unknown }) | undefined): boolean {
  return error?.code === noMoreAuthMethodsAvailable || error?.message === 'Too many authentication failures'
}

function isNegotiation(error: Error & { level?: string }): boolean {
  return error.level === 'handshake'
}

function socketFailure(cause: unknown): BackendFailure {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code
  if (code === 'ECONNREFUSED') return 'refused'
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'dns'
  return code === undefined || code === 'ETIMEDOUT' ? 'timeout' : 'lost'
}
