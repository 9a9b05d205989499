import type { ByteString } from '../../ftp/bytes.ts'
import type { BackendError } from '../backend.ts'
import type { Connection } from './connection.ts'
import type { Server } from './server.ts'
import { ChannelRefused, type SftpChannel } from './sftp-channel.ts'
import { SftpClient } from './sftp-client.ts'

/** One login's use of an SFTP session. */
export interface Lease {
  readonly client: SftpClient
  readonly server: Server
  readonly home: ByteString
  /** The connection under it, to tell whether two leases have the same. */
  readonly connection: Connection
  /** Ends the use; idempotent. What is still under way fails. */
  release(): void
}

/** Whether somebody has a session on a connection, or it is only kept warm. */
export type ConnectionUse = 'in_use' | 'idle'

export interface LineOptions {
  openChannel(connection: Connection, onEnd: () => void): Promise<SftpChannel>
  /** Channels that the server allows on a connection, as far as is known. */
  channels(connection: Connection | undefined): number
  /** Called when it turns out to allow no more than these. */
  learnChannels(connection: Connection, channels: number): void
  readonly idleMs: number
  /** Called when a connection begins to have this use, or no longer has it. */
  onUse?(before: ConnectionUse | undefined, after: ConnectionUse | undefined): void
}

export interface LineEvents {
  /** A lease has ended; there may be room for another. */
  onRoom(): void
  /** The connection has gone, or never came; called once. */
  onGone(): void
}

/**
 * One SSH connection with several SFTP sessions, each used by one login at a time and kept for the next. A session that
 * fails ends alone, but the connection takes no new ones after it: what made one fail may be the connection's fault.
 */
export class Line {
  /** Sessions that are leased, kept or being opened. */
  used = 0
  readonly #options: LineOptions
  readonly #events: LineEvents
  readonly #ready: Promise<Connection>
  readonly #kept: SftpChannel[] = []
  readonly #leased = new Set<SftpChannel>()
  #connection: Connection | undefined
  #state: 'open' | 'retired' | 'gone' = 'open'
  #timer: NodeJS.Timeout | undefined
  #use: ConnectionUse | undefined
  /** Sessions that this connection had when the server refused one more, whatever is said of such servers. */
  #refusedAt = Number.POSITIVE_INFINITY
  /** Whether a session has ended here: the server may count it until its process has gone. */
  #ended = false

  constructor(
    connect: (onLost: (error: BackendError) => void) => Promise<Connection>,
    options: LineOptions,
    events: LineEvents,
  ) {
    this.#options = options
    this.#events = events
    this.#ready = this.#connect(connect)
    this.#ready.catch(() => {})
  }

  /** Once there is one. */
  get connection(): Connection | undefined {
    return this.#connection
  }
  /** Whether it may be asked for a lease again. */
  get open(): boolean {
    return this.#state === 'open'
  }
  get hasIdle(): boolean {
    return this.#kept.length > 0
  }
  /** Whether nobody has a session on it or opens one. */
  get unused(): boolean {
    return this.used === this.#kept.length
  }
  get hasRoom(): boolean {
    if (!this.open) return false
    return this.hasIdle || this.used < Math.min(this.#refusedAt, this.#options.channels(this.#connection))
  }

  /** Throws what made the connection fail, ChannelRefused when the server allows no further channel. */
  async lease(): Promise<Lease> {
    clearTimeout(this.#timer)
    const kept = this.#kept.pop()
    this.#tellUse()
    const channel = kept ?? (await this.#open())
    const connection = await this.#ready
    this.#leased.add(channel)
    const { session, server, home } = channel
    const client = new SftpClient(session)
    let over = false
    return {
      client,
      server,
      home,
      connection,
      release: () => {
        if (over) return
        over = true
        client.end()
        this.#release(channel, client)
      },
    }
  }

  /** Takes no more leases, and goes when the last one has ended. */
  retire(): void {
    if (this.#state === 'open') this.#state = 'retired'
    for (const { session } of this.#kept.splice(0)) session.close()
    this.#rest()
  }

  close(): void {
    if (this.#state === 'gone') return
    this.#state = 'gone'
    clearTimeout(this.#timer)
    this.#tellUse()
    this.#connection?.destroy()
    for (const { session } of [...this.#kept.splice(0), ...this.#leased]) session.close()
    this.#events.onGone()
  }

  async #connect(connect: (onLost: (error: BackendError) => void) => Promise<Connection>): Promise<Connection> {
    try {
      const connection = await connect((error) => this.#onLost(error))
      if (this.#state === 'gone') {
        connection.destroy()
        throw new ChannelRefused('unavailable', 'the backend is no longer used')
      }
      this.#connection = connection
      this.#tellUse()
      return connection
    } catch (error) {
      this.close()
      throw error
    }
  }

  #onLost(error: BackendError): void {
    for (const { session } of [...this.#kept, ...this.#leased]) session.fail(error)
    this.close()
  }

  async #open(): Promise<SftpChannel> {
    this.used++
    this.#tellUse()
    try {
      const connection = await this.#ready
      const channel: SftpChannel = await this.#options.openChannel(connection, () => this.#onEnd(channel))
      return channel
    } catch (error) {
      this.used--
      const connection = this.#connection
      if (error instanceof ChannelRefused && connection && this.used > 0) {
        this.#refusedAt = this.used
        if (!this.#ended) this.#options.learnChannels(connection, this.used)
      } else this.retire()
      this.#rest()
      throw error
    }
  }

  /** A session that ends while it is leased has failed, unless the lease itself closed it. */
  #onEnd(channel: SftpChannel): void {
    this.used--
    this.#ended = true
    const kept = this.#kept.indexOf(channel)
    if (kept >= 0) this.#kept.splice(kept, 1)
    if (this.#leased.delete(channel)) this.retire()
    this.#rest()
    if (this.open) this.#events.onRoom()
  }

  /** Keeps the session for the next login once nothing of the last one is left; a file left open ends it. */
  #release(channel: SftpChannel, client: SftpClient): void {
    this.#leased.delete(channel)
    const { session } = channel
    if (client.openHandles > 0) session.close()
    else void session.quiet().then(() => this.#keep(channel, client))
  }

  #keep(channel: SftpChannel, client: SftpClient): void {
    if (channel.session.dead || client.openHandles > 0 || !this.open) {
      channel.session.close()
      return
    }
    this.#kept.push(channel)
    this.#rest()
    this.#events.onRoom()
  }

  /** With nobody on it, the connection is kept warm for a while, or ended if it is to go. */
  #rest(): void {
    this.#tellUse()
    if (this.#state === 'gone' || !this.unused) return
    clearTimeout(this.#timer)
    if (this.#state === 'retired') this.close()
    else this.#timer = setTimeout(() => this.close(), this.#options.idleMs)
  }

  #tellUse(): void {
    const before = this.#use
    if (this.#state === 'gone' || !this.#connection) this.#use = undefined
    else this.#use = this.unused ? 'idle' : 'in_use'
    if (this.#use !== before) this.#options.onUse?.(before, this.#use)
  }
}
