import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect as connectTcp, type Socket } from 'node:net'
import { checkServerIdentity, connect as connectTls, type PeerCertificate, type TLSSocket } from 'node:tls'
import { type ByteString, fromBuffer, toBuffer } from '../../src/ftp/bytes.ts'

export interface DialogueOptions {
  readonly host?: string
  readonly port: number
  /** How the control connection starts; `explicit` sends nothing by itself: `await secure()` or a scripted AUTH does. */
  readonly tls: 'explicit' | 'implicit' | 'off'
  readonly version?: '1.2' | '1.3'
  /** Path of the certificate to insist on. */
  readonly certificate: string
  /** What the client shows where it is asked for a certificate. */
  readonly identity?: Identity | undefined
  readonly named?: Named | undefined
}

/** A client that knows the gateway by a name: the names it says in TLS, and the one that certificates must be for. */
export interface Named {
  readonly control?: string
  readonly data?: string
  readonly trusts: string
}

/** PEM texts. */
export interface Identity {
  readonly cert: string
  readonly key: string
}

export interface Reply {
  readonly code: number
  /** All lines, codes included, without line ends. */
  readonly lines: readonly ByteString[]
}

export interface DataResult {
  /** The mark, where there was one, and the final reply. */
  readonly replies: readonly Reply[]
  readonly code: number
  readonly content: Buffer
}

const replyTimeoutMs = 30_000

/**
 * A control connection that is driven by a script and reads like the transcript that a help desk would paste:
 * `await client.dialogue('> MKD a', '< 257 "/a"', '> MKD a', '< 550')`. An expectation is a code, and text that the
 * reply must contain. Everything said is in `transcript`, which is also the message when an expectation fails.
 */
export class Dialogue {
  readonly #options: Required<DialogueOptions>
  #socket: Socket | TLSSocket
  readonly #raw: Socket
  #received: ByteString = ''
  #ended = false
  #wake: () => void = () => undefined
  readonly transcript: string[] = []
  /** Whether data connections resume the session of the control connection, and what they show. */
  readonly data: { resume: boolean; identity: Identity | undefined }

  private constructor(options: Required<DialogueOptions>, socket: Socket | TLSSocket) {
    this.#options = options
    this.data = { resume: true, identity: options.identity }
    this.#socket = socket
    this.#raw = socket
    this.#listen()
  }

  /** Connects; the greeting is still to be read. */
  static async connect(options: DialogueOptions): Promise<Dialogue> {
    const complete = { host: '127.0.0.1', version: '1.3' as const, identity: undefined, named: undefined, ...options }
    const socket = connectTcp(complete.port, complete.host)
    await once(socket, 'connect')
    const client = new Dialogue(complete, socket)
    if (options.tls === 'implicit') await client.#upgrade()
    return client
  }

  /** Connects, secures and logs in, up to PROT P and TYPE I. */
  static async logIn(options: DialogueOptions, user: string, password: string): Promise<Dialogue> {
    const client = await Dialogue.connect(options)
    await client.dialogue('< 220')
    if (options.tls === 'explicit') await client.secure()
    await client.dialogue(`> USER ${user}`, '< 331')
    await client.send(`PASS ${password}`, 'PASS [secret]')
    await client.dialogue('< 230', '> PBSZ 0', '< 200', '> PROT P', '< 200', '> TYPE I', '< 200')
    return client
  }

  /** Sends the lines that start with `> ` and checks replies against those that start with `< `, in order. */
  async dialogue(...script: readonly ByteString[]): Promise<Reply[]> {
    const replies: Reply[] = []
    for (const line of script) {
      if (line.startsWith('> ')) await this.send(line.slice(2))
      else if (line.startsWith('< ')) replies.push(await this.#expect(line.slice(2)))
      else throw new Error(`A line of a dialogue starts with "> " or "< ": ${line}`)
    }
    return replies
  }

  /** AUTH TLS and the handshake. */
  async secure(): Promise<void> {
    await this.dialogue('> AUTH TLS', '< 234')
    await this.#upgrade()
  }

  async send(line: ByteString, shown = line): Promise<void> {
    this.transcript.push(`> ${shown}`)
    await new Promise<void>((resolve, reject) => {
      this.#socket.write(toBuffer(`${line}\r\n`), (error) => (error ? reject(error) : resolve()))
    })
  }

  /** The next reply, whatever it is. Throws when none comes. */
  async reply(): Promise<Reply> {
    const deadline = Date.now() + replyTimeoutMs
    for (;;) {
      const reply = this.#take()
      if (reply !== undefined) return reply
      if (this.#ended) throw new Error(this.#complaint('the connection ended instead of a reply'))
      await this.#changed(deadline, 'no reply')
    }
  }

  /** Resolves when the server has closed the connection. */
  async closed(): Promise<void> {
    const deadline = Date.now() + replyTimeoutMs
    while (!this.#ended) await this.#changed(deadline, 'the connection stays open')
  }

  /** Runs a transfer command with a data connection on EPSV: sends `content`, or reads when there is none. */
  async transfer(command: ByteString, content?: Buffer): Promise<DataResult> {
    const raw = connectTcp(await this.#passivePort(), this.#options.host)
    await once(raw, 'connect')
    // Some servers reset the connection of a transfer that they refuse.
    raw.on('error', () => undefined)
    await this.send(command)
    const mark = await this.reply()
    if (mark.code >= 300) {
      raw.destroy()
      return { replies: [mark], code: mark.code, content: Buffer.alloc(0) }
    }
    const data = this.#secureData(raw)
    const chunks: Buffer[] = []
    data.on('data', (chunk: Buffer) => chunks.push(chunk))
    // A server that gives up a transfer resets the connection; its reply says why.
    data.on('error', () => undefined)
    const over = new Promise((closed) => data.once('close', closed))
    if (content !== undefined) sendAll(data, content)
    const final = await this.reply()
    data.end()
    if (final.code >= 400) data.destroy()
    await over
    return { replies: [mark, final], code: final.code, content: Buffer.concat(chunks) }
  }

  /** Bytes below TLS, as a broken client or an attacker would send them. */
  writeRaw(bytes: Buffer): void {
    this.#raw.write(bytes)
  }

  /** Ends the connection without QUIT. */
  close(): void {
    this.#socket.destroy()
  }

  async #passivePort(): Promise<number> {
    const [reply] = await this.dialogue('> EPSV', '< 229')
    const port = /\(\|\|\|(\d+)\|\)/.exec(reply?.lines[0] ?? '')?.[1]
    if (port === undefined) throw new Error(this.#complaint('no port in the answer to EPSV'))
    return Number(port)
  }

  #secureData(raw: Socket): TLSSocket {
    const session = this.data.resume && 'getSession' in this.#socket ? this.#socket.getSession() : undefined
    return connectTls({ socket: raw, ...this.#tlsOptions('data'), ...this.data.identity, ...(session && { session }) })
  }

  #tlsOptions(channel: 'control' | 'data') {
    const { certificate, host, version, named } = this.#options
    const only = `TLSv${version}` as const
    const servername = named?.[channel]
    const trusting = named && {
      ...(servername !== undefined && { servername }),
      checkServerIdentity: (_: string, shown: PeerCertificate) => checkServerIdentity(named.trusts, shown),
    }
    return { ca: readFileSync(certificate), host, minVersion: only, maxVersion: only, ...trusting }
  }

  async #upgrade(): Promise<void> {
    this.#socket.removeAllListeners()
    const secured = connectTls({ socket: this.#socket, ...this.#tlsOptions('control'), ...this.#options.identity })
    await once(secured, 'secureConnect')
    this.#socket = secured
    this.#listen()
  }

  #listen(): void {
    const end = () => {
      this.#ended = true
      this.#wake()
    }
    this.#socket.on('data', (chunk: Buffer) => {
      this.#received += fromBuffer(chunk)
      this.#wake()
    })
    this.#socket.on('error', end).on('end', end).on('close', end)
  }

  async #expect(expected: ByteString): Promise<Reply> {
    const reply = await this.reply()
    const [code, text] = [expected.slice(0, 3), expected.slice(4)]
    if (String(reply.code) !== code || !reply.lines.join('\n').includes(text)) {
      throw new Error(this.#complaint(`expected ${expected}`))
    }
    return reply
  }

  /** Takes one whole reply off what was received (RFC 959 section 4.2). */
  #take(): Reply | undefined {
    const code = this.#received.slice(0, 3)
    const last = new RegExp(`(?:^|\\r\\n)${code} [^\\r\\n]*\\r\\n`).exec(this.#received)
    if (!/^\d{3}$/.test(code) || last === null) return undefined
    const end = last.index + last[0].length
    const lines = this.#received.slice(0, end - 2).split('\r\n')
    this.#received = this.#received.slice(end)
    this.transcript.push(...lines.map((line) => `< ${line}`))
    return { code: Number(code), lines }
  }

  async #changed(deadline: number, complaint: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(this.#complaint(complaint))), deadline - Date.now())
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  #complaint(what: string): string {
    return `${what}; the dialogue so far:\n${this.transcript.join('\n')}`
  }
}

/** Node loses its close_notify when a TLS socket is ended in the turn of its handshake or of its last write. */
function sendAll(data: TLSSocket, content: Buffer): void {
  const end = () => setImmediate(() => setImmediate(() => data.end()))
  data.once('secureConnect', () => (content.length === 0 ? end() : data.write(content, end)))
}
