import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'

export interface Login {
  readonly port: number
  readonly user: string
  readonly password: string
  readonly tls: 'TLSv1.2' | 'TLSv1.3'
  /** After so long without an answer or a byte the client gives the connection up. */
  readonly patienceMs: number
}

/**
 * How a client ends an upload, after how many of its bytes. Only `well` is the end of a whole file; `hangUp` ends the
 * control connection and then the upload, well, as printers do.
 */
export type Ending = 'well' | 'hangUp' | 'cut' | 'reset' | 'abort' | 'vanish'

/** The control connection is gone, or nothing came for too long: nobody knows what became of the command. */
export class Lost extends Error {
  override readonly name = 'Lost'
}

const host = '127.0.0.1'

/** A client of explicit FTPS that can also misbehave. Every method throws Lost. */
export class FtpsClient {
  readonly #login: Login
  #control: Socket
  #text = ''
  #wake: () => void = () => {}
  #lost = false

  private constructor(login: Login, control: Socket) {
    this.#login = login
    this.#control = control
  }

  /** Connects and logs in, up to TYPE I. */
  static async logIn(login: Login): Promise<FtpsClient> {
    const socket = connectTcp({ port: login.port, host, noDelay: true })
    const client = new FtpsClient(login, socket)
    client.#listen(socket)
    await client.#expect(220)
    await client.#expect(234, 'AUTH TLS')
    socket.removeAllListeners('data')
    const secured = client.#secure(socket)
    client.#control = secured
    client.#listen(secured)
    await client.#expect(331, `USER ${login.user}`)
    await client.#expect(230, `PASS ${login.password}`)
    for (const line of ['PBSZ 0', 'PROT P', 'TYPE I']) await client.#expect(200, line)
    return client
  }

  /** Whether the newest upload was answered with 150. */
  begun = false

  /** SIZE; undefined where there is no such file. */
  async size(path: string): Promise<number | undefined> {
    const code = await this.command(`SIZE ${path}`)
    return code === 213 ? Number(this.#last.slice(4)) : undefined
  }

  get lost(): boolean {
    return this.#lost
  }

  /** The code of the final reply. */
  async command(line: string): Promise<number> {
    this.#send(line)
    return this.#reply()
  }

  /** STOR or APPE: sends the first `bytes` of the content and ends as told. The code of the final reply. */
  async upload(line: string, content: Buffer, ending: Ending, bytes = content.length): Promise<number> {
    this.begun = false
    const data = await this.#passive()
    const mark = await this.command(line)
    if (mark >= 200) {
      data.raw.destroy()
      return mark
    }
    this.begun = true
    const secured = this.#secure(data.raw)
    secured.on('error', () => {})
    const sent = writeAll(secured, content.subarray(0, bytes))
    const code = this.#afterwards(ending, secured, data.raw, sent)
    return code.finally(() => data.raw.destroy())
  }

  /** RETR: the code of the final reply, and what came. */
  async download(line: string): Promise<{ readonly code: number; readonly content: Buffer }> {
    const data = await this.#passive()
    const mark = await this.command(line)
    const chunks: Buffer[] = []
    if (mark >= 200) {
      data.raw.destroy()
      return { code: mark, content: Buffer.alloc(0) }
    }
    const secured = this.#secure(data.raw)
    secured.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', () => {})
    const closed = closeOf(secured)
    try {
      const code = await this.#reply()
      if (code >= 400) data.raw.destroy()
      secured.end()
      await closed
      return { code, content: Buffer.concat(chunks) }
    } finally {
      data.raw.destroy()
    }
  }

  /** Ends the connection without a word. */
  destroy(): void {
    this.#lost = true
    this.#control.destroy()
    this.#wake()
  }

  async #afterwards(ending: Ending, secured: TLSSocket, raw: Socket, sent: Promise<void>): Promise<number> {
    switch (ending) {
      case 'abort':
        // Where the server is does not matter: the command's own reply comes first, then the one to ABOR.
        await Promise.race([sent, new Promise((resolve) => setTimeout(resolve, 20))])
        this.#send('ABOR')
        secured.destroy()
        return this.#reply().then(async (code) => {
          await this.#reply()
          return code
        })
      case 'reset':
      case 'cut':
        await sent
        if (ending === 'reset') raw.resetAndDestroy()
        else raw.destroy()
        return this.#reply()
      case 'vanish':
        await Promise.race([sent, new Promise((resolve) => setTimeout(resolve, 20))])
        this.destroy()
        raw.resetAndDestroy()
        throw new Lost('the client has vanished')
      case 'hangUp':
        await sent
        this.destroy()
        endWell(secured)
        await closeOf(secured)
        throw new Lost('the client has hung up')
      default:
        await sent
        endWell(secured)
        return this.#reply()
    }
  }

  async #passive(): Promise<{ readonly raw: Socket }> {
    this.#send('EPSV')
    const [code, text] = [await this.#reply(), this.#text]
    const port = Number(/\(\|\|\|(\d+)\|\)/.exec(this.#last)?.[1])
    if (code !== 229 || !port) throw new Lost(`no passive port: ${code} ${text}`)
    const raw = connectTcp({ port, host, noDelay: true })
    raw.on('error', () => {})
    return { raw }
  }

  /** The data connections continue the session of the control connection. */
  #secure(socket: Socket): TLSSocket {
    const { tls } = this.#login
    const session = this.#control === socket ? undefined : (this.#control as TLSSocket).getSession()
    return connectTls({
      socket,
      rejectUnauthorized: false,
      minVersion: tls,
      maxVersion: tls,
      ...(session && { session }),
    })
  }

  async #expect(code: number, line?: string): Promise<void> {
    const answer = line === undefined ? await this.#reply() : await this.command(line)
    if (answer === code) return
    this.destroy()
    throw new Lost(`${code} expected, not ${this.#last}`)
  }

  #send(line: string): void {
    if (this.#lost) throw new Lost('the control connection is gone')
    this.#control.write(`${line}\r\n`)
  }

  #last = ''
  async #reply(): Promise<number> {
    const timer = setTimeout(() => this.destroy(), this.#login.patienceMs)
    try {
      for (;;) {
        const match = /^(\d{3}) .*\r\n/m.exec(this.#text)
        if (match) {
          this.#text = this.#text.slice(match.index + match[0].length)
          this.#last = match[0].trim()
          return Number(match[1])
        }
        if (this.#lost) throw new Lost('the control connection is gone')
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
    } finally {
      clearTimeout(timer)
    }
  }

  #listen(socket: Socket): void {
    const end = () => {
      if (socket === this.#control) this.#lost = true
      this.#wake()
    }
    socket.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString('latin1')
      this.#wake()
    })
    socket.on('error', end).on('end', end).on('close', end)
  }
}

/** Resolves when the bytes have been handed to the system, or the connection is gone. */
function writeAll(socket: TLSSocket, content: Buffer): Promise<void> {
  return new Promise((resolve) => {
    if (socket.closed) resolve()
    socket.once('close', () => resolve())
    socket.once('secureConnect', () => {
      if (content.length === 0) resolve()
      else socket.write(content, () => resolve())
    })
  })
}

/** Resolves when the connection is gone, however it went. */
function closeOf(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.closed) resolve()
    else socket.once('close', () => resolve())
  })
}

/** Node loses its close_notify when a TLS socket is ended in the turn of its handshake or of its last write. */
function endWell(socket: TLSSocket): void {
  setImmediate(() => setImmediate(() => socket.end()))
  socket.resume()
}
