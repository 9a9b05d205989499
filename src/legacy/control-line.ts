import { connect, type Socket } from 'node:net'
import { connect as connectTls, type SecureContext, TLSSocket } from 'node:tls'
import { BackendError } from '../backend/backend.ts'
import type { ByteString } from '../ftp/bytes.ts'
import { toBuffer } from '../ftp/bytes.ts'
import { safeEnd } from '../tls/safe-end.ts'
import { Asked } from './asked.ts'
import type { Asking, OldReply } from './old-server.ts'
import { ReplyReader } from './replies.ts'
import { contextOf, fault, identityOf, type OldTls } from './verify.ts'

export interface OldServerSettings {
  readonly name: string
  readonly host: string
  readonly port: number
  readonly tls: OldTls
  readonly timeouts: {
    /** TCP connection and TLS handshake, of the control connection and of each data connection. */
    readonly connectMs: number
    /** Everything from the greeting to the answer to PASS. */
    readonly loginMs: number
    /** A reply, or the first one of a transfer. */
    readonly replyMs: number
    /** The final reply of a transfer, behind its data. */
    readonly finishMs: number
    /** A data connection on which nothing moves while it is the old server's turn. */
    readonly stallMs: number
  }
}

const goodbyeMs = 2_000
const injected = 'plaintext came behind the answer to AUTH'

/** The control connection to an old server: lines out, replies in, each to who has asked for it. */
export class ControlLine {
  readonly settings: OldServerSettings
  /** Shared with data connections, which continue its TLS session. */
  readonly context: SecureContext | undefined
  /** The newest TLS session that the server has offered on this connection. */
  tlsSession: Buffer | undefined
  onLost: (lastWords: OldReply | undefined) => void = () => {}
  #socket: Socket
  #reader = new ReplyReader()
  readonly #asked: Asked[] = []
  #timer: NodeJS.Timeout | undefined
  #lost: BackendError | undefined
  /** AUTH was sent: what comes behind its answer, in the clear, may be anybody's. */
  #authenticating = false

  constructor(settings: OldServerSettings) {
    this.settings = settings
    this.context = settings.tls.mode === 'off' ? undefined : contextOf(settings.tls)
    this.#socket = connect({ host: settings.host, port: settings.port, allowHalfOpen: true })
    this.#socket.setNoDelay(true)
    this.#socket.setKeepAlive(true, 30_000)
  }

  /** Numeric address of the server. */
  get address(): string {
    return (this.#socket.remoteAddress ?? this.settings.host).replace(/^::ffff:(?=\d+\.)/i, '')
  }
  /** Where the connection has TLS. */
  get secured(): TLSSocket | undefined {
    return this.#socket instanceof TLSSocket ? this.#socket : undefined
  }

  /** Connects, secures the connection, and returns the greeting. Throws BackendError `unavailable`. */
  async open(): Promise<OldReply> {
    const { tls } = this.settings
    await this.#happens(this.#socket, 'connect')
    if (tls.mode === 'implicit') await this.#secure()
    const asked = new Asked('connect', {})
    this.#asked.push(asked)
    this.#listen()
    const greeting = await asked.promise
    if (greeting.code >= 300) throw this.#fail(new Error(`it greets with ${greeting.code}`), greeting)
    if (tls.mode === 'explicit') await this.#authenticate()
    return greeting
  }

  async #authenticate(): Promise<void> {
    this.#authenticating = true
    let answer = await this.ask('AUTH TLS')
    // What was there before RFC 4217.
    if (answer.code >= 500) answer = await this.ask('AUTH SSL')
    if (answer.code >= 400) throw this.#fail(new Error(`it refuses AUTH TLS with ${answer.code}`))
    const plain = this.#socket
    for (const event of ['data', 'end', 'close', 'error']) plain.removeAllListeners(event)
    if (this.#reader.pending || plain.readableLength > 0) this.#fail(new Error(injected))
    if (this.#lost) throw this.#lost
    this.#authenticating = false
    await this.#secure()
    this.#listen()
  }

  async #secure(): Promise<void> {
    const { host, tls } = this.settings
    const secured = connectTls({
      socket: this.#socket,
      secureContext: this.context,
      rejectUnauthorized: false,
      ...identityOf(host),
    })
    // Tickets of TLS 1.3 come behind the handshake, but before the first word that the server says in it.
    secured.on('session', (session) => {
      this.tlsSession = session
    })
    await this.#happens(secured, 'secureConnect')
    this.#socket = secured
    this.tlsSession ??= secured.getProtocol() === 'TLSv1.3' ? undefined : secured.getSession()
    const wrong = fault(secured, tls)
    if (wrong !== undefined) throw this.#fail(new Error(wrong))
  }

  /** See OldSession. */
  ask(line: ByteString, asking: Asking = {}): Promise<OldReply> {
    if (this.#lost) return Promise.reject(this.#lost)
    const asked = new Asked(line, asking)
    this.#asked.push(asked)
    if (this.#asked.length === 1) this.#watch()
    asking.data
      ?.finally(() => {
        asked.dataOver = true
        if (this.#asked[0] === asked) this.#watch()
      })
      .catch(() => {})
    // Telnet: 0xFF is doubled (RFC 959 section 2.3).
    this.#socket.write(toBuffer(`${line.replaceAll('\xff', '\xff\xff')}\r\n`))
    return asked.promise
  }

  giveUp(why: string): void {
    this.#lose(new Error(why))
  }

  close(): void {
    if (this.#lost) return
    this.#lost = new BackendError('unavailable', 'the login has ended')
    clearTimeout(this.#timer)
    for (const asked of this.#asked.splice(0)) asked.fail(this.#lost)
    const socket = this.#socket
    socket.write('QUIT\r\n')
    if (socket instanceof TLSSocket) safeEnd(socket)
    else socket.end()
    setTimeout(() => socket.destroy(), goodbyeMs).unref()
  }

  #listen(): void {
    const ended = () => this.#lose(new Error('it has closed the control connection'))
    this.#socket.on('data', (chunk: Buffer) => this.#hear(chunk))
    this.#socket
      .on('error', (error) => this.#lose(error))
      .on('end', ended)
      .on('close', ended)
    this.#watch()
  }

  #hear(chunk: Buffer): void {
    try {
      for (const reply of this.#reader.push(chunk)) this.#give(reply)
    } catch (error) {
      this.#lose(error)
    }
  }

  #give(reply: OldReply): void {
    const [first, second] = this.#asked
    if (this.#lost) return
    if (reply.code < 200 && first) first.mark(reply)
    else if (reply.code === 421 && !first) this.#lose(new Error(`it says ${reply.code}`), reply)
    else if (reply.code >= 200) {
      // One that nobody has asked for is dropped: given to the next who asks, all answers would be one behind.
      const asked = second && !first?.ends(reply.code) ? second : first
      if (!asked && this.#authenticating) this.#lose(new Error(injected))
      if (!asked) return
      this.#asked.splice(this.#asked.indexOf(asked), 1)
      asked.final(reply.code === 421 ? { ...reply, afterwards: 'close' } : reply)
    }
    this.#watch()
  }

  /** The time of whoever's turn it is. */
  #watch(): void {
    clearTimeout(this.#timer)
    const [first] = this.#asked
    if (!first || first.underWay) return
    const { replyMs, finishMs } = this.settings.timeouts
    const ms = first.dataOver ? finishMs : replyMs
    this.#timer = setTimeout(() => this.#lose(new Error(`it has not answered ${first.verb} within ${ms} ms`)), ms)
  }

  #lose(cause: unknown, lastWords?: OldReply): void {
    if (this.#lost) return
    const error = this.#fail(cause)
    for (const asked of this.#asked.splice(0)) asked.fail(error)
    this.onLost(lastWords)
  }

  async #happens(socket: Socket, event: string): Promise<void> {
    await happened(socket, event, this.settings.timeouts.connectMs).catch((error: unknown) => {
      throw this.#fail(error)
    })
  }

  /** Ends the connection for good; the error to throw. */
  #fail(cause: unknown, reply?: OldReply): BackendError {
    clearTimeout(this.#timer)
    const why = cause instanceof Error ? cause.message : String(cause)
    this.#lost ??= new BackendError('unavailable', `old server ${this.settings.name}: ${why}`, { cause, reply })
    this.#socket.on('error', () => {})
    this.#socket.destroy()
    return this.#lost
  }
}

export function happened(socket: Socket, event: string, ms: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => settle(new Error(`no ${event} within ${ms} ms`)), ms)
    const settle = (error?: Error) => {
      clearTimeout(timer)
      socket.off(event, done).off('error', settle).off('close', closed)
      if (error) reject(error)
      else resolve()
    }
    const done = () => settle()
    const closed = () => settle(new Error('the connection was closed'))
    socket.on(event, done).on('error', settle).on('close', closed)
  })
}
