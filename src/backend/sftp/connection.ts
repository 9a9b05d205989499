import type { Socket } from 'node:net'
import ssh2, { type Algorithms, type AnyAuthMethod, type AuthenticationType, type Client } from 'ssh2'
import type { BackendFailure } from '../../observe/observer.ts'
import { BackendError, type Credentials } from '../backend.ts'
import { fingerprint, type HostKeyPolicy } from './host-keys.ts'
import { openSocket } from './socket.ts'

/** Where and how to connect; times in milliseconds. */
export interface ConnectOptions {
  readonly host: string
  readonly port: number
  readonly hostKeys: HostKeyPolicy
  readonly connectMs: number
  /** Key exchange and authentication together. */
  readonly loginMs: number
}

/** An SSH connection that has logged in. */
export interface Connection {
  readonly client: Client
  readonly banner: string
  readonly cipher: string
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
 * Connects, checks the host key and logs in; without credentials it stops after the key exchange (a probe).
 * Throws ConnectError. `onLost` is called once if the connection ends later without `destroy`. `signal` ends the attempt.
 */
export async function connect(
  options: ConnectOptions,
  credentials: Credentials | undefined,
  onLost: (error: BackendError) => void,
  signal: AbortSignal,
): Promise<Connection> {
  const socket = await openSocket(options.host, options.port, options.connectMs, signal).catch(
    (error: BackendError) => {
      throw new ConnectError(socketFailure(error.cause), error.message, { cause: error.cause })
    },
  )
  const client = new ssh2.Client()
  const attempt = new Attempt(client, socket, options)
  const onAbort = () => socket.destroy()
  signal.addEventListener('abort', onAbort)
  try {
    await attempt.run(credentials)
  } catch (error) {
    socket.destroy()
    throw error
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
  let over = false
  socket.once('close', () => {
    if (over) return
    over = true
    onLost(
      new BackendError(
        'unavailable',
        `the connection to ${options.host}:${options.port} was lost${attempt.lastError()}`,
      ),
    )
  })
  return {
    client,
    banner: attempt.banner,
    cipher: attempt.cipher,
    destroy() {
      over = true
      // `end` sends DISCONNECT, so that the server does not log a broken connection; the socket must go in any case.
      client.end()
      socket.destroySoon()
    },
  }
}

/** One try to connect and log in. It keeps ssh2's 'error' listener for the life of the client: ssh2 emits late ones. */
class Attempt {
  banner = ''
  cipher = ''
  readonly #client: Client
  readonly #socket: Socket
  readonly #options: ConnectOptions
  #newestError: Error | undefined
  #refusal: ConnectError | undefined
  #handshakeDone = false

  constructor(client: Client, socket: Socket, options: ConnectOptions) {
    this.#client = client
    this.#socket = socket
    this.#options = options
    client.on('error', (error) => {
      this.#newestError = error
    })
    // Without a listener a password change request would hang until the time-out.
    client.on('change password', () => {
      this.#refusal = new ConnectError('auth', 'the backend wants the password to be changed')
      socket.destroy()
    })
  }

  lastError(): string {
    return this.#newestError ? `: ${this.#newestError.message}` : ''
  }

  run(credentials: Credentials | undefined): Promise<void> {
    const { loginMs, hostKeys } = this.#options
    return new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#refusal ??= new ConnectError('timeout', `no SSH login within ${loginMs / 1000} s`)
        this.#socket.destroy()
      }, loginMs)
      const done = (error?: BackendError) => {
        clearTimeout(timer)
        this.#socket.off('close', onClose)
        if (error) reject(error)
        else resolve()
      }
      const onClose = () => done(this.#failure())
      this.#socket.once('close', onClose)
      this.#client.once('handshake', (negotiated) => {
        this.#handshakeDone = true
        this.cipher = negotiated.cs.cipher
        this.banner = remoteVersion(this.#client)
        if (!credentials) done()
      })
      this.#client.once('ready', () => done())
      this.#client.connect({
        sock: this.#socket,
        username: credentials?.username ?? 'probe',
        readyTimeout: 0,
        keepaliveInterval: 30_000,
        keepaliveCountMax: 4,
        hostVerifier: (key: Buffer) => this.#verify(key),
        algorithms: algorithms(hostKeys.keyTypes),
        authHandler: (left, partial, next) => {
          // A probe has nothing to offer; it waits for its caller to hang up.
          if (!credentials) return
          const method = this.#nextMethod(credentials, left, partial)
          if (method) next(method)
          else {
            this.#refusal ??= new ConnectError('auth', 'the backend refused the login')
            this.#socket.destroy()
          }
        },
      })
    })
  }

  /** Synchronous and strictly boolean: ssh2 accepts the host for anything but `false`, and it asks again at every rekey. */
  #verify(key: Buffer): boolean {
    const verdict = this.#options.hostKeys.check(key)
    if (verdict === 'trusted') return true
    const { host, port, hostKeys } = this.#options
    const pinned = hostKeys.expected.join(', ') || 'none'
    this.#refusal = new ConnectError(
      'host_key',
      `${host}:${port} presented the host key ${fingerprint(key)}, which is ${verdict === 'revoked' ? 'revoked' : 'not pinned'}; pinned: ${pinned}. If the key was changed on purpose, add it to hostKeys`,
    )
    return false
  }

  #tried: AuthenticationType | undefined

  /**
   * The password, or keyboard-interactive where the server has no password method. Never both on one that has both:
   * each wrong password counts against the gateway's address there (OpenSSH PerSourcePenalties, fail2ban).
   */
  #nextMethod(
    credentials: Credentials,
    left: AuthenticationType[] | null,
    partial: boolean | null,
  ): AnyAuthMethod | undefined {
    const first = this.#tried === undefined
    if (credentials.kind === 'privateKey') {
      this.#tried = 'publickey'
      const { username, privateKey } = credentials
      return first ? ({ type: 'publickey', username, key: privateKey } as AnyAuthMethod) : undefined
    }
    const { username, password } = credentials
    if (first) {
      this.#tried = 'password'
      return { type: 'password', username, password: password.reveal() }
    }
    const passwordWasOffered = left?.includes('password') && !partial
    if (this.#tried !== 'password' || passwordWasOffered || !left?.includes('keyboard-interactive')) return undefined
    this.#tried = 'keyboard-interactive'
    return {
      type: 'keyboard-interactive',
      username,
      prompt: (_name, _instructions, _language, prompts, finish) => {
        // One hidden prompt is the password; anything else (a one-time code) nobody here can answer.
        const [only] = prompts
        finish(prompts.length === 1 && only && !only.echo ? [password.reveal()] : prompts.map(() => ''))
      },
    }
  }

  #failure(): ConnectError {
    if (this.#refusal) return this.#refusal
    const { host, port } = this.#options
    const stage = this.#handshakeDone ? 'login' : 'key exchange'
    const failure = this.#newestError && !this.#handshakeDone && isNegotiation(this.#newestError) ? 'kex' : 'lost'
    return new ConnectError(failure, `${host}:${port} ended the connection during the ${stage}${this.lastError()}`, {
      beforeLogin: failure === 'lost' && !this.#handshakeDone,
    })
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

function remoteVersion(client: Client): string {
  const { _remoteVer: version } = client as unknown as { readonly _remoteVer?: string }
  return version ?? ''
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
