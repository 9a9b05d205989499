import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import { DataChannel } from '../data/data-channel.ts'
import { closing, serialise } from '../ftp/reply.ts'
import type { Refusal, SessionEnd } from '../observe/observer.ts'
import { ControlConnection } from './control-connection.ts'
import { Door, type DoorPlace } from './door.ts'
import { RefusedLogins } from './refused-logins.ts'
import { FtpSession } from './session.ts'
import { SessionNames } from './session-names.ts'
import type { ListenerPolicy, SessionOptions } from './session-options.ts'
import { SessionState } from './session-state.ts'
import { TransferRunner } from './transfer-runner.ts'

export interface ServerLimits {
  readonly sessions: number
  readonly sessionsPerAddress: number
  /** Refused logins within ten minutes. */
  readonly refusalsPerAddress: number
}

/** The listeners and the sessions that came in through them. New sessions get the newest options; old ones keep theirs. */
export class FtpServer {
  options: SessionOptions
  limits: ServerLimits
  readonly #doors = new Set<Door>()
  readonly #passed = new Set<Door>()
  readonly #sessions = new Map<FtpSession, { readonly address: string; readonly ended: Promise<void> }>()
  readonly #refused = new RefusedLogins()
  #draining = false

  constructor(options: SessionOptions, limits: ServerLimits) {
    this.options = options
    this.limits = limits
  }

  get sessions(): number {
    return this.#sessions.size
  }

  get draining(): boolean {
    return this.#draining
  }

  /** Opens a door, through which nobody comes before `admit`. Rejects with the error of `listen` (EADDRINUSE, EACCES). */
  async open(place: DoorPlace): Promise<Door> {
    const door = await Door.open(place, {
      enter: (socket, policy) => this.#accept(socket, policy),
      trouble: (error) => this.options.observer({ kind: 'bug', error }),
    })
    this.#doors.add(door)
    if (place.descriptor !== undefined) this.#passed.add(door)
    return door
  }

  /** Closes a door for good. Who came in through it stays. */
  close(door: Door): void {
    this.#doors.delete(door)
    this.#passed.delete(door)
    void door.close()
  }

  /** Takes no more sessions, ends the idle ones, and lets transfers finish for so long; then cuts what is left. */
  async stop(drainMs: number): Promise<void> {
    if (!this.#draining && this.#doors.size > 0)
      this.options.observer({ kind: 'draining', sessions: this.#sessions.size })
    this.#draining = true
    // Whoever connects from now on waits in the socket for the gateway that comes next.
    const passed = [...this.#passed].map((door) => door.close())
    this.#passed.clear()
    for (const session of this.#sessions.keys()) session.stop(drainMs > 0 ? 'drain' : 'cut')
    const timer = setTimeout(() => {
      for (const session of this.#sessions.keys()) session.stop('cut')
    }, drainMs)
    await Promise.all([...this.#sessions.values()].map(({ ended }) => ended))
    clearTimeout(timer)
    const doors = [...this.#doors].map((door) => door.close())
    this.#doors.clear()
    await Promise.all([...passed, ...doors])
  }

  #accept(socket: Socket, listener: ListenerPolicy): void {
    const address = plainAddress(socket.remoteAddress)
    const reason = this.#reasonToRefuse(address)
    if (address === '' || reason !== undefined) {
      socket.on('error', () => {})
      if (reason) this.options.observer({ kind: 'connectionRefused', listener: listener.name, address, reason })
      refuse(socket, listener, reason)
      return
    }
    const id = `s-${randomBytes(4).toString('hex')}`
    const session = this.#newSession(id, socket, address, listener)
    const ended = this.#run(id, session, address, listener)
    this.#sessions.set(session, { address, ended })
  }

  #reasonToRefuse(address: string): Refusal | undefined {
    if (this.#draining) return 'draining'
    if (this.#refused.atLeast(address, this.limits.refusalsPerAddress)) return 'logins'
    if (this.#sessions.size >= this.limits.sessions) return 'limit'
    let same = 0
    for (const session of this.#sessions.values()) if (session.address === address) same++
    return same >= this.limits.sessionsPerAddress ? 'limit' : undefined
  }

  #newSession(id: string, socket: Socket, clientAddress: string, listener: ListenerPolicy): FtpSession {
    const { options } = this
    const { observer } = options
    const names = new SessionNames({ session: id, settings: options.dialect.names, observer })
    const control = new ControlConnection(socket, options.timeouts.idleMs, names)
    const data = new DataChannel({
      session: id,
      clientAddress,
      localAddress: plainAddress(socket.localAddress),
      ports: options.ports,
      advertise: options.advertise,
      sourcePorts: options.sourcePorts,
      isListener: (port) => this.#listensOn(port),
      timeouts: options.timeouts,
      observer,
    })
    const settings = {
      stallMs: options.timeouts.dataStallMs,
      observer,
      records: options.records,
    }
    const refusals = {
      tooMany: () => this.#refused.atLeast(clientAddress, this.limits.refusalsPerAddress),
      add: () => this.#refused.add(clientAddress),
    }
    const transfers = new TransferRunner(data, settings, (mark) => control.send(mark))
    return new FtpSession(
      control,
      new SessionState({ id, clientAddress, listener, options, refusals, data, transfers, names }),
    )
  }

  #listensOn(port: number): boolean {
    return [...this.#doors].some((door) => door.port === port)
  }

  async #run(id: string, session: FtpSession, address: string, listener: ListenerPolicy): Promise<void> {
    const { observer } = this.options
    const startedAt = performance.now()
    observer({ kind: 'sessionOpened', session: id, listener: listener.name, address })
    const reason: SessionEnd = await session.run()
    this.#sessions.delete(session)
    const seconds = (performance.now() - startedAt) / 1000
    observer({ kind: 'sessionClosed', session: id, listener: listener.name, reason, seconds })
  }
}

/** Node shows IPv4 clients of a `::` listener as `::ffff:192.0.2.1`. */
function plainAddress(address: string | undefined): string {
  return (address ?? '').replace(/^::ffff:(?=\d+\.)/i, '')
}

const refusals: Readonly<Record<Refusal, string>> = {
  limit: 'Too many connections, try again later.',
  logins: 'Too many refused logins, try again later.',
  draining: 'Service is restarting, please reconnect.',
}

/** 421 where it can be read: inside an implicit TLS connection nobody would. */
function refuse(socket: Socket, listener: ListenerPolicy, reason: Refusal = 'limit'): void {
  if (listener.tls === 'implicit') socket.destroy()
  else socket.end(serialise(closing(421, refusals[reason])), () => socket.destroySoon())
}
