import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { canonicalAddress } from './addresses.ts'
import { DataConnectionError } from './data-error.ts'

/** How long a client may take from PASV or EPSV to the command that uses the port. */
const unusedMs = 120_000
const keepAliveInitialDelay = 30_000

export interface LeaseOptions {
  /** Numeric; the address that the client reached the control connection at. */
  readonly localAddress: string
  /** Numeric; the only peer that is let in. */
  readonly clientAddress: string
  /** Lets in whoever comes first. */
  readonly anyPeer?: boolean | undefined
  /** Called for the first stranger that is turned away. */
  readonly onStranger?: ((stranger: string, port: number) => void) | undefined
  /** Called once, when the port is free again: an accepted connection does not keep it. */
  readonly onFree?: (() => void) | undefined
}

/**
 * A passive port that listens for one connection of one client. Strangers are turned away and it goes on listening, so
 * nobody can lock the client out by being first. It stops listening when the client has connected, when it is closed,
 * or when no transfer command came for two minutes. The connection waits unread until `accept`.
 */
export class PortLease {
  readonly port: number
  readonly #server: Server
  readonly #options: LeaseOptions
  readonly #unused: NodeJS.Timeout
  #accepted: Socket | undefined
  #stranger: string | undefined
  #wake: (() => void) | undefined
  #listening = true
  #closed = false

  private constructor(server: Server, options: LeaseOptions) {
    this.port = (server.address() as AddressInfo).port
    this.#server = server
    this.#options = options
    server.on('connection', (socket) => this.#take(socket))
    // A listening server reports errors of accept (EMFILE); the next connection may work again.
    server.on('error', () => {})
    this.#unused = setTimeout(() => this.close(), unusedMs)
  }

  /** Listens on the port, 0 for any; rejects with the system's error, EADDRINUSE when it is taken. */
  static listen(port: number, options: LeaseOptions): Promise<PortLease> {
    return new Promise((resolve, reject) => {
      // Data sockets are half-open always: an upload's end must not end our side before its answer is sent.
      const server = createServer({
        allowHalfOpen: true,
        pauseOnConnect: true,
        noDelay: true,
        keepAlive: true,
        keepAliveInitialDelay,
      })
      server.once('error', reject)
      server.listen({ port, host: options.localAddress, exclusive: true }, () => {
        server.off('error', reject)
        resolve(new PortLease(server, options))
      })
    })
  }

  /** The first peer that was turned away. */
  get stranger(): string | undefined {
    return this.#stranger
  }

  /** Whether the client's connection is here and waits. */
  get connected(): boolean {
    return this.#accepted !== undefined
  }

  /** Whether a transfer command may still use it. */
  get open(): boolean {
    return !this.#closed
  }

  /**
   * The client's connection, paused; waits for it. To be called once. Throws DataConnectionError `timeout`, `aborted`
   * when the signal fires or the lease is closed, `notPrepared` when it was closed before; the port is free afterwards.
   */
  async accept({ timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal }): Promise<Socket> {
    if (this.#closed)
      throw new DataConnectionError('notPrepared', 'the passive port was closed, being unused for too long')
    clearTimeout(this.#unused)
    const onAbort = () => this.close()
    const timer = setTimeout(() => this.#wake?.(), timeoutMs)
    signal.addEventListener('abort', onAbort)
    try {
      if (!this.#accepted && !signal.aborted) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
      const socket = this.#accepted
      if (signal.aborted || this.#closed) throw new DataConnectionError('aborted', 'closed before the client connected')
      if (!socket) {
        throw new DataConnectionError('timeout', `no connection from ${this.#options.clientAddress} in ${timeoutMs} ms`)
      }
      this.#accepted = undefined
      return socket
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      this.close()
    }
  }

  /** Stops listening and drops a connection that was not accepted yet; may be called twice. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    clearTimeout(this.#unused)
    this.#accepted?.destroy()
    this.#stopListening()
    this.#wake?.()
  }

  #stopListening(): void {
    if (!this.#listening) return
    this.#listening = false
    this.#server.close()
    this.#options.onFree?.()
  }

  #take(socket: Socket): void {
    const peer = canonicalAddress(socket.remoteAddress ?? '')
    const { clientAddress, anyPeer, onStranger } = this.#options
    const stranger = anyPeer !== true && peer !== canonicalAddress(clientAddress)
    if (stranger || !this.#listening) {
      socket.destroy()
      if (stranger && this.#stranger === undefined) {
        this.#stranger = peer
        onStranger?.(peer, this.port)
      }
      return
    }
    // Nobody else listens until the transfer command comes; what went wrong shows when the socket is used.
    socket.on('error', () => {})
    this.#accepted = socket
    this.#stopListening()
    this.#wake?.()
  }
}
