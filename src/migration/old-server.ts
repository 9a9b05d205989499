import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { checkServerIdentity, connect as connectTls, type TLSSocket } from 'node:tls'
import { BackendError } from '../backend/backend.ts'
import { type ByteString, fromBuffer, toBuffer } from '../ftp/bytes.ts'
import { hasLineBreak } from '../ftp/pathname.ts'

export interface OldServerOptions {
  readonly host: string
  readonly port: number
  readonly tls: 'explicit' | 'implicit'
  /** PEM of what its certificate is checked with; undefined: the usual authorities. */
  readonly ca: string | undefined
  /** Silence for so long is the end. */
  readonly timeoutMs: number
}

export interface OldReply {
  readonly code: number
  /** All lines of it. */
  readonly text: ByteString
}

const replyMax = 1024 * 1024
/** One line, or all up to one with the same code and a space. */
const replyForm = /^(\d{3})(?:(?: [^\n]*|\r?)\n|-[\s\S]*?\n\1(?: [^\n]*|\r?)\n)/

/**
 * The control connection to the server that a partner comes from, by a client of our own: with TLS always, because a
 * password goes over it, and one command at a time. Throws BackendError `unavailable`.
 */
export class OldServer {
  readonly #options: OldServerOptions
  #socket: TLSSocket | Socket
  #session: Buffer | undefined
  #text = ''
  #ended: Error | undefined
  #heard = () => {}
  /** Replies and transfers that are under way. */
  #waiting = 0

  private constructor(options: OldServerOptions, socket: TLSSocket | Socket) {
    this.#options = options
    this.#socket = socket
  }

  static async connect(options: OldServerOptions): Promise<OldServer> {
    const tcp = await reach(options.host, options.port, options.timeoutMs)
    const server = new OldServer(options, tcp)
    if (options.tls === 'implicit') await server.#secure()
    server.#listen()
    server.#expect(await server.reply(), 2, 'greeting')
    if (options.tls === 'explicit') {
      await server.command('AUTH TLS', 2)
      await server.#secure()
      server.#listen()
    }
    return server
  }

  async logIn(user: ByteString, password: ByteString): Promise<void> {
    const asked = await this.command(`USER ${user}`)
    if (asked.code === 331) this.#expect(await this.command(`PASS ${password}`), 2, 'PASS')
    else this.#expect(asked, 2, 'USER')
    await this.command('PBSZ 0', 2)
    await this.command('PROT P', 2)
    await this.command('TYPE I', 2)
  }

  /** Sends a command and takes its reply, which has to begin with a digit where one is given. */
  async command(line: ByteString, first?: number): Promise<OldReply> {
    if (hasLineBreak(line))
      throw new BackendError('invalidName', 'a name with a line break in it cannot be sent by FTP')
    this.#socket.write(toBuffer(`${line}\r\n`))
    const answer = await this.reply()
    if (first !== undefined) this.#expect(answer, first, line.split(' ', 1)[0] ?? '')
    return answer
  }

  /** The bytes of a transfer. */
  async *data(line: ByteString): AsyncGenerator<Buffer> {
    const { host, timeoutMs } = this.#options
    const passive = await this.#passive()
    const tcp = await reach(host, passive, timeoutMs)
    const begun = await this.command(line)
    if (begun.code >= 400) {
      tcp.destroy()
      this.#expect(begun, 1, line.split(' ', 1)[0] ?? '')
    }
    this.#waiting++
    const socket = await this.#tlsOn(tcp, this.#session).finally(() => this.#waiting--)
    this.#waiting++
    try {
      for await (const chunk of socket) yield chunk as Buffer
    } finally {
      socket.destroy()
      this.#waiting--
    }
    this.#expect(await this.reply(), 2, line.split(' ', 1)[0] ?? '')
  }

  async #passive(): Promise<number> {
    const extended = await this.command('EPSV')
    const [, port] = extended.code === 229 ? (/\(\|\|\|(\d+)\|\)/.exec(extended.text) ?? []) : []
    if (port !== undefined) return Number(port)
    // The address in it is not looked at: behind NAT it is often wrong, and it could be anybody's.
    const { text } = await this.command('PASV', 2)
    const [, high, low] = /\d+,\d+,\d+,\d+,(\d+),(\d+)/.exec(text) ?? []
    return Number(high) * 256 + Number(low)
  }

  async close(): Promise<void> {
    // In the middle of something it is too late to say good-bye.
    if (!this.#ended && this.#waiting === 0) await this.command('QUIT').catch(() => {})
    this.#socket.destroy()
  }

  #listen(): void {
    this.#socket.on('data', (chunk: Buffer) => {
      this.#text += fromBuffer(chunk)
      if (this.#text.length > replyMax) this.#socket.destroy(new Error('a reply without an end'))
      this.#heard()
    })
    const end = (error?: Error) => {
      this.#ended ??= error ?? new Error('it has hung up')
      this.#heard()
    }
    this.#socket.on('error', end).on('close', () => end())
  }

  /** The next reply, all lines of it (RFC 959 section 4.2). */
  async reply(): Promise<OldReply> {
    this.#waiting++
    const late = () => this.#socket.destroy(new Error('no answer in time'))
    const timer = setTimeout(late, this.#options.timeoutMs)
    try {
      for (;;) {
        const [whole, code] = replyForm.exec(this.#text) ?? []
        if (whole !== undefined) {
          this.#text = this.#text.slice(whole.length)
          return { code: Number(code), text: whole }
        }
        if (this.#ended) throw unavailable(this.#options.host, this.#ended)
        await new Promise<void>((resolve) => {
          this.#heard = resolve
        })
      }
    } finally {
      clearTimeout(timer)
      this.#waiting--
    }
  }

  #expect({ code, text }: OldReply, first: number, what: string): void {
    if (Math.floor(code / 100) === first) return
    const kind = code === 530 ? 'loginRefused' : code === 550 ? 'notFound' : 'unavailable'
    throw new BackendError(kind, `${what} was answered ${text.trim().slice(0, 200)}`)
  }

  async #secure(): Promise<void> {
    this.#socket.removeAllListeners('data').removeAllListeners('close')
    const socket = await this.#tlsOn(this.#socket, undefined)
    // It may be silent for as long as the other side takes; `reply` has a time limit of its own.
    socket.setTimeout(0)
    this.#session = socket.getSession()
    // With TLS 1.3 there is nothing to resume before the server has sent a ticket.
    socket.on('session', (session: Buffer) => {
      this.#session = session
    })
    this.#socket = socket
  }

  async #tlsOn(socket: Socket, session: Buffer | undefined): Promise<TLSSocket> {
    const { host, ca, timeoutMs } = this.#options
    const secure = connectTls({
      socket,
      minVersion: 'TLSv1.2',
      ...(ca !== undefined && { ca }),
      ...(isIP(host) === 0 ? { servername: host } : {}),
      host,
      checkServerIdentity: (name, shown) => (isNamed(shown.raw, ca) ? undefined : checkServerIdentity(name, shown)),
      ...(session && { session }),
    })
    secure.setTimeout(timeoutMs, () => secure.destroy(new Error('no TLS in time')))
    await once(secure, 'secureConnect').catch((error: unknown) => {
      socket.destroy()
      throw unavailable(host, error)
    })
    return secure.on('error', unheard)
  }
}

async function reach(host: string, port: number, timeoutMs: number): Promise<Socket> {
  const socket = connectTcp({ host, port })
  socket.setTimeout(timeoutMs, () => socket.destroy(new Error('no connection in time')))
  await once(socket, 'connect').catch((error: unknown) => {
    throw unavailable(host, error)
  })
  socket.setTimeout(0)
  return socket.on('error', unheard)
}

/** Whoever waits for something is told by what it waits for; without a listener Node would end the process. */
function unheard(): void {}

/** Whether the certificate itself is among those that were named: then it does not matter what name is in it. */
function isNamed(certificate: Buffer, pem: string | undefined): boolean {
  const named = pem?.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? []
  return named.some((text) => new X509Certificate(text).raw.equals(certificate))
}

function unavailable(host: string, error: unknown): BackendError {
  return new BackendError('unavailable', `${host}: ${error instanceof Error ? error.message : error}`, { cause: error })
}
