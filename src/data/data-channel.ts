import { isIPv6, type Socket } from 'node:net'
import type { DataOutcome, Observer } from '../observe/observer.ts'
import type { SessionReuse, SessionTls } from '../tls/session-tls.ts'
import { connectToClient } from './active-connect.ts'
import { type Address, canonicalAddress, formatAddress } from './addresses.ts'
import type { DataConnection } from './data-connection.ts'
import { DataConnectionError, type DataFailure } from './data-error.ts'
import type { PassivePorts } from './passive-ports.ts'
import { plainConnection } from './plain-connection.ts'
import type { PortLease } from './port-lease.ts'
import { secureConnection } from './secure-connection.ts'

export interface DataChannelOptions {
  readonly session: string
  /** Both ends of the control connection, numeric; IPv4 that came mapped into IPv6 as IPv4. */
  readonly clientAddress: string
  readonly localAddress: string
  readonly ports: PassivePorts
  /** The IPv4 address that PASV tells this client. */
  readonly advertise: (client: string, local: string) => Promise<string>
  readonly timeouts: {
    /** From the transfer command to the TCP connection. */
    readonly dataConnectMs: number
    readonly handshakeMs: number
  }
  readonly observer: Observer
}

export interface OpenRequest {
  /** A listing is a download. */
  readonly direction: 'upload' | 'download'
  readonly protection: 'C' | 'P'
  /** Whether the connection must resume the TLS session of the control connection. */
  readonly reuse: SessionReuse
  /** Whether an upload of so many bytes may end by FIN without TLS close_notify. */
  readonly acceptFin: (bytes: number) => boolean
  readonly signal: AbortSignal
}

/** Where the next data connection comes from; `advertised` is for the operator. */
type Route =
  | { readonly mode: 'passive'; readonly lease: PortLease; readonly advertised: string }
  | { readonly mode: 'active'; readonly address: Address; readonly advertised: string }

const portMin = 1024

/** The data connections of one session (the server-DTP of RFC 959): prepared by PASV, EPSV, PORT or EPRT, opened by a transfer command. */
export class DataChannel {
  /** Set when the control connection is on TLS. */
  tls: SessionTls | undefined
  readonly #options: DataChannelOptions
  readonly #connections = new Set<DataConnection>()
  /** Ends the `open` in progress. */
  #opening: AbortController | undefined
  #closed = false
  #route: Route | undefined

  constructor(options: DataChannelOptions) {
    this.#options = options
  }

  /**
   * Opens a passive port instead of what was prepared before, and answers with what the client is to be told.
   * Throws DataConnectionError `noPort`, or `wrongFamily` for PASV on an IPv6 control connection.
   */
  async listen(family: 'PASV' | 'EPSV'): Promise<Address> {
    const { clientAddress, localAddress, ports } = this.#options
    if (family === 'PASV' && isIPv6(clientAddress)) {
      throw new DataConnectionError('wrongFamily', 'PASV cannot name an IPv6 address')
    }
    this.forget()
    const host = family === 'PASV' ? await this.#options.advertise(clientAddress, localAddress) : localAddress
    const onStranger = (stranger: string, port: number) => {
      this.#tell('passive', 'wrong_peer', formatAddress(host, port), `turned away ${stranger}`)
    }
    const lease = await ports.lease(localAddress, clientAddress, onStranger).catch((error: Error) => {
      this.#tell('passive', 'no_port', host, error.message)
      throw error
    })
    if (this.#closed) {
      lease.close()
      throw new DataConnectionError('aborted', 'the session ended meanwhile')
    }
    this.#route = { mode: 'passive', lease, advertised: formatAddress(host, lease.port) }
    return { host, port: lease.port }
  }

  /**
   * Remembers where the client listens, instead of what was prepared before. Throws DataConnectionError `foreignAddress`
   * for any host but the client itself and for system ports, so nobody is attacked through the gateway (RFC 2577).
   */
  connectTo(address: Address): void {
    const { clientAddress } = this.#options
    const advertised = formatAddress(address.host, address.port)
    if (canonicalAddress(address.host) !== canonicalAddress(clientAddress) || address.port < portMin) {
      throw new DataConnectionError('foreignAddress', `${advertised} is not a port of the client ${clientAddress}`)
    }
    this.forget()
    // The client's own spelling lacks the scope that a link-local address needs.
    this.#route = { mode: 'active', address: { host: clientAddress, port: address.port }, advertised }
  }

  /** Whether a transfer command has something to open. */
  get prepared(): boolean {
    return this.#route?.mode === 'passive' ? this.#route.lease.open : this.#route !== undefined
  }

  /**
   * Opens the connection that was prepared: accepts or connects, then TLS with its checks. Throws DataConnectionError
   * `notPrepared`, `timeout`, `refused`, `tls`, `notResumed` or `aborted`; nothing stays open then.
   */
  async open(request: OpenRequest): Promise<DataConnection> {
    const route = this.#route
    this.#route = undefined
    if (!route) throw new DataConnectionError('notPrepared', 'no PASV, EPSV, PORT or EPRT before the transfer')
    const opening = new AbortController()
    const abort = () => opening.abort()
    request.signal.addEventListener('abort', abort)
    if (request.signal.aborted || this.#closed) abort()
    this.#opening = opening
    try {
      const connection = await this.#openRoute(route, { ...request, signal: opening.signal })
      this.#connections.add(connection)
      connection.stream.once('close', () => this.#connections.delete(connection))
      this.#tell(route.mode, 'ok', route.advertised)
      return connection
    } catch (error) {
      const failure = error instanceof DataConnectionError ? error.failure : undefined
      this.#tell(route.mode, (failure && outcomes[failure]) ?? 'closed', route.advertised, messageOf(error))
      throw error
    } finally {
      this.#opening = undefined
      request.signal.removeEventListener('abort', abort)
    }
  }

  /** Drops all there is, except that a transfer which is done may take its time until the client has read the end. */
  close(): void {
    this.#closed = true
    this.#opening?.abort()
    this.forget()
    for (const connection of this.#connections) {
      if (!connection.stream.writableFinished) connection.close()
    }
  }

  async #openRoute(route: Route, request: OpenRequest): Promise<DataConnection> {
    const { localAddress, timeouts } = this.#options
    const options = { localAddress, timeoutMs: timeouts.dataConnectMs, signal: request.signal }
    const raw = await (route.mode === 'passive' ? route.lease.accept(options) : connectToClient(route.address, options))
    return request.protection === 'P' ? this.#secure(raw, request) : plainConnection(raw, request.direction)
  }

  async #secure(raw: Socket, request: OpenRequest): Promise<DataConnection> {
    const { session, observer, timeouts } = this.#options
    try {
      if (!this.tls) throw new DataConnectionError('tls', 'PROT P without TLS on the control connection')
      const options = { ...request, tls: this.tls, timeoutMs: timeouts.handshakeMs }
      const { connection, version, cipher, reused } = await secureConnection(raw, options)
      if (request.reuse === 'require' && !reused) {
        throw new DataConnectionError(
          'notResumed',
          'the client did not resume the TLS session of its control connection',
        )
      }
      observer({ kind: 'tls', session, channel: 'data', outcome: 'ok', version, cipher, reused })
      return connection
    } catch (error) {
      raw.destroy()
      observer({ kind: 'tls', session, channel: 'data', outcome: 'failed', reason: messageOf(error) })
      throw error
    }
  }

  /** Closes a passive port that waits, and forgets where to connect to: what PASV or PORT has prepared is undone. */
  forget(): void {
    if (this.#route?.mode === 'passive') this.#route.lease.close()
    this.#route = undefined
  }

  #tell(mode: 'passive' | 'active', outcome: DataOutcome, advertised: string, reason?: string): void {
    const { session, observer } = this.#options
    observer({ kind: 'dataConnection', session, mode, outcome, advertised, ...(reason !== undefined && { reason }) })
  }
}

/** What the operator reads; failures that are not here can only come after the connection was there. */
const outcomes: { readonly [failure in DataFailure]?: DataOutcome } = {
  timeout: 'timeout',
  refused: 'refused',
  tls: 'tls',
  notResumed: 'tls',
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
