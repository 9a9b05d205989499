import { isIPv6, type Socket } from 'node:net'
import type { Dialect } from '../ftp/dialect.ts'
import type { DataOutcome, MissingData, Observer } from '../observe/observer.ts'
import type { ClientCertificate } from '../tls/client-certificates.ts'
import type { SessionReuse, SessionTls } from '../tls/session-tls.ts'
import { connectToClient } from './active-connect.ts'
import { type Address, canonicalAddress, formatAddress, isPrivate } from './addresses.ts'
import type { Advertise } from './advertised-address.ts'
import type { DataConnection } from './data-connection.ts'
import { DataConnectionError, type DataFailure } from './data-error.ts'
import { diagnose, type Missing } from './missing-connection.ts'
import type { PassivePorts } from './passive-ports.ts'
import { plainConnection } from './plain-connection.ts'
import type { PortLease } from './port-lease.ts'
import { secureConnection } from './secure-connection.ts'
import type { SourcePorts } from './source-ports.ts'

export interface DataChannelOptions {
  readonly session: string
  /** Both ends of the control connection, numeric; IPv4 that came mapped into IPv6 as IPv4. */
  readonly clientAddress: string
  readonly localAddress: string
  readonly ports: PassivePorts
  /** The IPv4 address that PASV tells this client. */
  readonly advertise: Advertise
  readonly sourcePorts: SourcePorts
  /** Whether the gateway's own clients connect there. */
  readonly isListener: (port: number) => boolean
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

/** Where the next data connection comes from; `told` is what the client was told or has named. */
type Route = Passive | Active
interface Passive {
  readonly mode: 'passive'
  readonly command: 'PASV' | 'EPSV'
  readonly lease: PortLease
  readonly told: Address
  readonly since: number
  /** Whether a transfer command came that was refused for another reason. */
  asked: boolean
}
interface Active {
  readonly mode: 'active'
  readonly command: 'PORT'
  readonly address: Address
  readonly told: Address
}

const portMin = 1024
/** A client that gives up after so long had expected a connection; before, it has only changed its mind. */
const patienceMs = 5_000
const lastChanceMs = 5_000

/** The data connections of one session (the server-DTP of RFC 959): prepared by PASV, EPSV, PORT or EPRT, opened by a transfer command. */
export class DataChannel {
  /** Set when the control connection is on TLS. */
  tls: SessionTls | undefined
  /** What the client showed on the control connection; its data connections show the same, or resume its TLS session. */
  certificate: ClientCertificate | undefined
  readonly #options: DataChannelOptions
  readonly #connections = new Set<DataConnection>()
  /** Ends the `open` in progress. */
  #opening: AbortController | undefined
  #closed = false
  #route: Route | undefined
  /** What became of the newest data connection. */
  #before: Missing['before'] = 'none'

  constructor(options: DataChannelOptions) {
    this.#options = options
  }

  /** Where the client's control connection has come in. */
  get localAddress(): string {
    return this.#options.localAddress
  }

  /**
   * Opens a passive port instead of what was prepared before, and answers with what the client is to be told.
   * Throws DataConnectionError `noPort`, or `wrongFamily` for PASV on an IPv6 control connection.
   */
  async listen(command: 'PASV' | 'EPSV', peer: Dialect['passive']['peerMustMatch']): Promise<Address> {
    const { clientAddress, localAddress, ports } = this.#options
    if (command === 'PASV' && isIPv6(clientAddress)) {
      throw new DataConnectionError('wrongFamily', 'PASV cannot name an IPv6 address')
    }
    this.forget()
    const host = command === 'PASV' ? await this.#options.advertise(clientAddress, localAddress) : localAddress
    const onStranger = (stranger: string, port: number) => {
      this.#tell('passive', 'wrong_peer', { host, port }, `turned away ${stranger}`)
    }
    const startedAt = performance.now()
    const lease = await ports
      .lease({ localAddress, clientAddress, anyPeer: peer === 'any', onStranger })
      .catch((error: Error) => {
        throw this.#missing({ mode: 'passive', command, told: { host, port: 0 } }, error, startedAt)
      })
    // The session may have ended, or a second PASV may have come, while the port was being opened.
    if (this.#closed) {
      lease.close()
      throw new DataConnectionError('aborted', 'the session ended meanwhile')
    }
    this.forget()
    const told = { host, port: lease.port }
    this.#route = { mode: 'passive', command, lease, told, since: performance.now(), asked: false }
    return told
  }

  /**
   * Remembers where the client listens, instead of what was prepared before. Throws DataConnectionError `foreignAddress`
   * for any host but the client itself, for system ports, and for the gateway's own listeners, so nobody is attacked
   * through the gateway (RFC 2577). `rewrite` takes a private address for the client's own, seen from behind its NAT.
   */
  connectTo(told: Address, privateAddress: Dialect['active']['privateAddress']): void {
    const { clientAddress, localAddress, isListener } = this.#options
    const [host, client] = [canonicalAddress(told.host), canonicalAddress(clientAddress)]
    const behindNat = privateAddress === 'rewrite' && isPrivate(host) && isIPv6(host) === isIPv6(client)
    const ours = client === canonicalAddress(localAddress) && isListener(told.port)
    if ((host !== client && !behindNat) || told.port < portMin || ours) {
      const named = formatAddress(told.host, told.port)
      const error = new DataConnectionError('foreignAddress', `${named} is not a port of the client ${clientAddress}`)
      throw this.#missing({ mode: 'active', command: 'PORT', told }, error, performance.now())
    }
    this.forget()
    // The client's own spelling lacks the scope that a link-local address needs.
    this.#route = { mode: 'active', command: 'PORT', address: { host: clientAddress, port: told.port }, told }
  }

  /** Whether a transfer command has something to open. */
  get prepared(): boolean {
    return this.#route?.mode === 'passive' ? this.#route.lease.open : this.#route !== undefined
  }

  /** A transfer command is here, whatever becomes of it. Throws DataConnectionError `notPrepared`. */
  checkPrepared(): void {
    if (!this.prepared) throw new DataConnectionError('notPrepared', 'no PASV, EPSV, PORT or EPRT')
    if (this.#route?.mode === 'passive') this.#route.asked = true
  }

  /**
   * Opens the connection that was prepared: accepts or connects, then TLS with its checks. Throws DataConnectionError
   * `notPrepared`, `timeout`, `refused`, `tls`, `notResumed` or `aborted`; nothing stays open then.
   */
  async open(request: OpenRequest): Promise<DataConnection> {
    const route = this.#route
    this.#route = undefined
    if (!route) throw new DataConnectionError('notPrepared', 'no PASV, EPSV, PORT or EPRT before the transfer')
    const startedAt = performance.now()
    const opening = new AbortController()
    const abort = () => opening.abort()
    request.signal.addEventListener('abort', abort)
    if (request.signal.aborted || this.#closed) abort()
    this.#opening = opening
    try {
      const connection = await this.#openRoute(route, { ...request, signal: opening.signal })
      this.#connections.add(connection)
      connection.stream.once('close', () => this.#connections.delete(connection))
      this.#before = 'came'
      this.#tell(route.mode, 'ok', route.told)
      return connection
    } catch (error) {
      throw this.#missing(route, error, startedAt)
    } finally {
      this.#opening = undefined
      request.signal.removeEventListener('abort', abort)
    }
  }

  /** The control connection is gone: a data connection that is awaited may be on its way, but not for long. */
  clientLeft(): void {
    const opening = this.#opening
    if (opening) setTimeout(() => opening.abort(), lastChanceMs).unref()
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
    const { localAddress, sourcePorts, timeouts } = this.#options
    const options = { localAddress, sourcePorts, timeoutMs: timeouts.dataConnectMs, signal: request.signal }
    const raw = await (route.mode === 'passive' ? route.lease.accept(options) : connectToClient(route.address, options))
    return request.protection === 'P' ? this.#secure(raw, request) : plainConnection(raw, request.direction)
  }

  async #secure(raw: Socket, request: OpenRequest): Promise<DataConnection> {
    const { session, observer, timeouts } = this.#options
    try {
      if (!this.tls) throw new DataConnectionError('tls', 'PROT P without TLS on the control connection')
      const options = { ...request, tls: this.tls, timeoutMs: timeouts.handshakeMs }
      const { connection, version, cipher, reused, shown } = await secureConnection(raw, options)
      if (request.reuse === 'require' && !reused) {
        throw new DataConnectionError(
          'notResumed',
          'the client did not resume the TLS session of its control connection',
        )
      }
      if (this.certificate && !reused && shown.certificate?.fingerprint !== this.certificate.fingerprint) {
        const instead =
          shown.refused ?? (shown.certificate ? `it showed ${shown.certificate.fingerprint}` : 'it showed none')
        const needed = 'the data connection needs the client certificate or the TLS session of the control connection'
        throw new DataConnectionError('notResumed', `${needed}: ${instead}`)
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
    const route = this.#route
    this.#route = undefined
    if (route?.mode !== 'passive') return
    const { lease, since, asked } = route
    // Most clients connect first and send their command then: all that is seen of a firewall is that they do neither,
    // and wait, or leave at once where it refuses. Some ask for another port without a try at the first one.
    const waited = this.#closed || lease.stranger !== undefined || performance.now() - since >= patienceMs
    const inVain = waited && !asked && !lease.connected
    lease.close()
    if (inVain) this.#missing(route, new DataConnectionError('timeout', 'neither connection nor command'), since)
  }

  /** Tells the operator that a connection did not come about, and why; the same error with a hint for the client. */
  #missing(route: Pick<Route, 'mode' | 'command' | 'told'> | Route, error: unknown, startedAt: number): unknown {
    if (!(error instanceof DataConnectionError)) return error
    const { failure, message: reason } = error
    const { mode, command, told } = route
    const waitedMs = performance.now() - startedAt
    const outcome = outcomes[failure] ?? 'closed'
    if (outcome === 'closed' && waitedMs < patienceMs) {
      this.#tell(mode, outcome, told, reason)
      return error
    }
    const stranger = 'lease' in route ? route.lease.stranger : undefined
    const { clientAddress: client, session } = this.#options
    const facts = { command, failure, reason, ...told, client, stranger, before: this.#before }
    const { cause, likely, hint } = diagnose(facts)
    this.#before = 'missing'
    this.#tell(mode, outcome, told, reason, { client, seconds: waitedMs / 1000, cause, likely })
    const words = `${hint} (session ${session})`.trimStart()
    return new DataConnectionError(failure, reason, { cause: error, hint: words })
  }

  #tell(mode: Route['mode'], outcome: DataOutcome, told: Address, reason?: string, missing?: MissingData): void {
    const { session, observer } = this.#options
    const advertised = formatAddress(told.host, told.port)
    observer({
      kind: 'dataConnection',
      session,
      mode,
      outcome,
      advertised,
      ...(reason !== undefined && { reason }),
      ...(missing && { missing }),
    })
  }
}

/** What the operator reads; failures that are not here come from ABOR or the end of the session. */
const outcomes: { readonly [failure in DataFailure]?: DataOutcome } = {
  timeout: 'timeout',
  refused: 'refused',
  tls: 'tls',
  notResumed: 'tls',
  noPort: 'no_port',
  foreignAddress: 'wrong_peer',
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
