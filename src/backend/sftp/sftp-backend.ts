import type { ByteString } from '../../ftp/bytes.ts'
import { resolve } from '../../ftp/pathname.ts'
import type { Observer } from '../../observe/observer.ts'
import type { Backend, BackendError, Credentials, FileSystem, Preparation } from '../backend.ts'
import type { ByteBudget } from './byte-budget.ts'
import type { CapabilityOverrides } from './capabilities.ts'
import type { Connection, ConnectOptions } from './connection.ts'
import { Dialer } from './dialer.ts'
import { SftpFileSystem } from './file-system.ts'
import { type GatewayMark, loginTag } from './part-name.ts'
import { Partials } from './partials.ts'
import { Pool } from './pool.ts'
import type { PoolLimits } from './pooled-account.ts'
import type { ConnectionUse, Lease } from './pooled-line.ts'
import { type PreflightOptions, type PreflightReport, report } from './preflight-report.ts'
import { LearnedCapabilities } from './server.ts'
import { openSftpChannel, type SftpChannel } from './sftp-channel.ts'
import { SftpClient } from './sftp-client.ts'
import type { EndedRequest, SessionTimeouts } from './sftp-session.ts'
import { StandingLease } from './standing-lease.ts'
import { Strays } from './strays.ts'
import { ToldSizes } from './told-sizes.ts'
import type { UploadSettings } from './upload-settings.ts'

export interface SftpBackendOptions extends Omit<ConnectOptions, 'keepalive'>, SessionTimeouts {
  readonly name: string
  readonly fsync: 'auto' | 'off'
  readonly verify: 'size' | 'hash'
  readonly uploadMode: UploadSettings['mode']
  /** Where uploads are collected, an absolute path or one below the home; undefined: beside their targets. */
  readonly staging?: ByteString | undefined
  /** How long what was interrupted of an upload is kept; 0: not at all. */
  readonly keepPartialMs: number
  readonly gateway: GatewayMark
  /** Those of the backend of this name before a reload. */
  readonly partials?: Partials | undefined
  /** See `StrayRules`. */
  readonly abandonedAfterMs: number
  /** How long a session that is lost in the middle of a transfer is tried to be replaced; 0: not at all. */
  readonly reconnectMs: number
  readonly bytesInFlightPerTransfer: number
  readonly budget: ByteBudget
  readonly pool: PoolLimits
  /** Connections over which one large file is moved. */
  readonly stripe: number
  readonly health: { readonly everyMs: number; readonly timeoutMs: number }
  readonly observer: Observer
  /** What the operator says of the server; it has the last word. */
  readonly capabilities?: CapabilityOverrides
}

/**
 * An SFTP server. A login with the client's own password has a connection of its own; logins with a secret that the
 * gateway holds share pooled connections, a channel each.
 */
export class SftpBackend implements Backend {
  readonly name: string
  readonly #options: SftpBackendOptions
  readonly #learned: LearnedCapabilities
  readonly #partials: Partials
  readonly #strays: Strays
  readonly #dialer: Dialer
  readonly #pool: Pool
  /** Those of one login alone. */
  readonly #connections = new Set<Connection>()
  readonly #told = new WeakSet<Connection>()
  readonly #health: NodeJS.Timeout
  #warned = false

  constructor(options: SftpBackendOptions) {
    this.name = options.name
    this.#options = options
    this.#learned = new LearnedCapabilities(options.capabilities)
    this.#partials = options.partials ?? new Partials()
    this.#strays = new Strays({ ...options, partials: this.#partials })
    this.#dialer = new Dialer({ ...options, keepalive: this.#learned.beforeBanner.keepalive === 'ssh' })
    this.#pool = new Pool({
      limits: options.pool,
      connect: (credentials, onLost) => this.#dialer.logIn(credentials, onLost),
      openChannel: (connection, onEnd) => this.#openChannel(connection, onEnd),
      channels: (connection) => this.#learned.server(connection?.banner).can.channels,
      onUse: (before, after) => this.#tellUse(before, after),
      learnChannels: ({ banner }, channels) => this.#learned.server(banner).learn({ channels }),
    })
    this.#health = setInterval(() => void this.#checkHealth(), options.health.everyMs)
    this.#health.unref()
  }

  /** For the backend that takes over after a reload: what is being uploaded, and what was interrupted. */
  get partials(): Partials {
    return this.#partials
  }

  get up(): boolean | undefined {
    return this.#dialer.up
  }

  async open(credentials: Credentials, preparation?: Preparation, owner = credentials.username): Promise<FileSystem> {
    return this.#fileSystem(await this.#lease(credentials, { preparation }), credentials, owner)
  }

  #fileSystem(lease: Lease, credentials: Credentials, owner: string): FileSystem {
    const { bytesInFlightPerTransfer: inFlightMax, budget, keepPartialMs } = this.#options
    const settings = { ...this.#uploads(lease, owner), inFlightMax, budget, keepPartialMs }
    const openLane = (apartFrom: ReadonlySet<Connection>) => this.#lease(credentials, { apartFrom })
    const standing = new StandingLease(lease, {
      lease: () => this.#lease(credentials, {}),
      renewMs: this.#options.reconnectMs,
      onRenewed: ({ error, ...facts }) => {
        const told = error && { reason: error.message }
        const outcome = error ? 'failed' : 'ok'
        this.#options.observer({ kind: 'backendRenewed', backend: this.name, outcome, ...facts, ...told })
      },
    })
    return new SftpFileSystem(standing, settings, { count: this.#options.stripe, openLane })
  }

  #uploads({ home }: Lease, owner: string): UploadSettings {
    const { fsync, verify, uploadMode: mode, gateway, keepPartialMs, abandonedAfterMs, staging: folder } = this.#options
    const staging = folder === undefined ? undefined : resolve(home, folder, home)
    const mine = { tag: loginTag(owner), gateway, staging, partials: this.#partials, strays: this.#strays }
    const touchEveryMs = abandonedAfterMs / 4
    return { ...mine, told: new ToldSizes(), mode, fsync, verify, keepPartial: keepPartialMs > 0, touchEveryMs }
  }

  /** Tries out with an account all that uploads need, and leaves nothing behind. Throws as `open` does. */
  async preflight(credentials: Credentials, options: PreflightOptions): Promise<PreflightReport> {
    const lease = await this.#lease(credentials, {})
    const files = this.#fileSystem(lease, credentials, credentials.username)
    let spare: Lease | undefined
    const another = async () => {
      spare = await this.#lease(credentials, {})
      return spare.client
    }
    try {
      return await report(lease, files, this.#uploads(lease, credentials.username), { ...options, another })
    } finally {
      await files.close()
      spare?.release()
    }
  }

  prepare(): Preparation | undefined {
    return this.#dialer.prepare()
  }

  async probe(): Promise<void> {
    await this.#dialer.probe(this.#options.health.timeoutMs)
  }

  /** Stops asking for the server's health; logins that are open go on to their own end. */
  retire(): void {
    clearInterval(this.#health)
    this.#pool.retire()
  }

  async close(): Promise<void> {
    clearInterval(this.#health)
    this.#dialer.close()
    this.#pool.close()
    for (const connection of [...this.#connections]) {
      connection.destroy()
      this.#forget(connection)
    }
  }

  #lease(
    credentials: Credentials,
    how: { readonly preparation?: Preparation | undefined; readonly apartFrom?: ReadonlySet<Connection> },
  ): Promise<Lease> {
    const held = credentials.kind !== 'password' || credentials.held
    return held ? this.#pool.lease(credentials, how.apartFrom) : this.#ownConnection(credentials, how.preparation)
  }

  /** A connection for this login alone: it ends with its session, and the other way round. */
  async #ownConnection(credentials: Credentials, preparation: Preparation | undefined): Promise<Lease> {
    let channel: SftpChannel | undefined
    let lost: BackendError | undefined
    const onLost = (error: BackendError) => {
      lost = error
      this.#forget(connection)
      channel?.session.fail(error)
    }
    const connection = await this.#dialer.logIn(credentials, onLost, this.#dialer.own(preparation))
    this.#connections.add(connection)
    this.#tellUse(undefined, 'in_use')
    const disconnect = () => {
      this.#forget(connection)
      connection.destroy()
    }
    try {
      channel = await this.#openChannel(connection, disconnect)
    } catch (error) {
      disconnect()
      throw lost ?? error
    }
    const { session, server, home } = channel
    const client = new SftpClient(session)
    return { client, server, home, connection, release: () => session.close() }
  }

  #forget(connection: Connection): void {
    if (this.#connections.delete(connection)) this.#tellUse('in_use', undefined)
  }

  #tellUse(before: ConnectionUse | undefined, after: ConnectionUse | undefined): void {
    const change = { ...(before && { before }), ...(after && { after }) }
    this.#options.observer({ kind: 'backendConnectionUse', backend: this.name, ...change })
  }

  async #openChannel(connection: Connection, onEnd: () => void): Promise<SftpChannel> {
    const { requestMs, closeMs, bytesInFlightPerTransfer: inFlightMax } = this.#options
    const { observer } = this.#options
    const onRequest = (ended: EndedRequest) => observer({ kind: 'sftpRequest', backend: this.name, ...ended })
    const options = { requestMs, closeMs, inFlightMax, learned: this.#learned, onRequest }
    const channel = await openSftpChannel(connection, options, onEnd)
    this.#tellReady(connection, channel)
    return channel
  }

  /** Logins tell how the backend is; only when there were none is it asked. */
  async #checkHealth(): Promise<void> {
    if (!this.#dialer.heardWithin(this.#options.health.everyMs)) await this.probe().catch(() => {})
  }

  #tellReady(connection: Connection, { session, server }: SftpChannel): void {
    if (this.#told.has(connection)) return
    this.#told.add(connection)
    const { banner, cipher } = connection
    const { observer } = this.#options
    const extensions = [...session.extensions.keys()]
    observer({ kind: 'backendReady', backend: this.name, banner, cipher, extensions })
    if (this.#warned || server.can.rename !== 'swap') return
    this.#warned = true
    const message = `backend ${this.name} cannot replace a file in one step (no posix-rename): when its connection breaks at just that moment, the old file is left as .<8 hex digits>.old beside its name`
    observer({ kind: 'warning', topic: 'no_posix_rename', message })
  }
}
