import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { type ByteString, fromBuffer, toBuffer } from '../../src/ftp/bytes.ts'
import { testCertificate } from './certificates.ts'

/** What a scripted server does with a line: the bytes it answers with, or nothing. Undefined for what every server does. */
export type Script = (
  line: ByteString,
  client: ScriptedClient,
) => Promise<ByteString | null | undefined> | ByteString | null | undefined

/** The gateway's connection, as the old server sees it. */
export interface ScriptedClient {
  say(bytes: ByteString): void
  /** The data connection that comes in on the newest passive port, ready for bytes. */
  data(): Promise<Socket>
  /** Opens a passive port, as EPSV does. */
  passive(): Promise<number>
  /** Closes the control connection. */
  leave(): void
}

export interface ScriptedServer {
  readonly port: number
  /** PEM text. */
  readonly certificate: string
  /** Every line that came, of all connections. */
  readonly lines: ByteString[]
  readonly client: ScriptedClient
  stop(): Promise<void>
}

export interface ScriptedOptions {
  readonly tls?: 'explicit' | 'implicit' | 'off'
  readonly greeting?: ByteString
  readonly script?: Script
  /** Said in the clear behind the answer to AUTH. */
  readonly injected?: ByteString
}

/** An old server that does what a test says; without a script it lets everybody in and knows no command. */
export async function startScriptedServer(options: ScriptedOptions = {}): Promise<ScriptedServer> {
  const certificate = await testCertificate()
  const lines: ByteString[] = []
  const clients: Client[] = []
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    clients.push(new Client(socket, options, { cert: certificate.cert, key: certificate.key }, lines))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    certificate: certificate.cert,
    lines,
    get client() {
      const newest = clients.at(-1)
      if (!newest) throw new Error('nobody has connected')
      return newest
    },
    async stop() {
      for (const client of clients) client.end()
      server.close()
      await once(server, 'close')
    },
  }
}

class Client implements ScriptedClient {
  #socket: Socket
  readonly #raw: Socket
  readonly #options: ScriptedOptions
  readonly #keys: { readonly cert: string; readonly key: string }
  readonly #lines: ByteString[]
  #received = ''
  #passive: Server | undefined
  #data: Promise<Socket> | undefined

  constructor(
    socket: Socket,
    options: ScriptedOptions,
    keys: { readonly cert: string; readonly key: string },
    lines: ByteString[],
  ) {
    this.#raw = socket
    this.#socket = socket
    this.#options = options
    this.#keys = keys
    this.#lines = lines
    if (options.tls === 'implicit') this.#secure()
    else this.#listen()
    this.say(options.greeting ?? '220 Old server\r\n')
  }

  say(bytes: ByteString): void {
    this.#socket.write(toBuffer(bytes))
  }

  async data(): Promise<Socket> {
    if (!this.#data) throw new Error('no EPSV or PASV')
    return this.#data
  }

  leave(): void {
    this.#socket.end()
  }

  end(): void {
    this.#raw.destroy()
    this.#socket.destroy()
    this.#passive?.close()
  }

  #secure(): void {
    this.#raw.removeAllListeners('data')
    this.#socket = new TLSSocket(this.#raw, { isServer: true, ...this.#keys })
    this.#listen()
  }

  #listen(): void {
    this.#socket.on('error', () => {})
    this.#socket.on('data', (chunk: Buffer) => {
      this.#received += fromBuffer(chunk)
      for (let end = this.#received.indexOf('\r\n'); end !== -1; end = this.#received.indexOf('\r\n')) {
        const line = this.#received.slice(0, end)
        this.#received = this.#received.slice(end + 2)
        this.#lines.push(line)
        void this.#obey(line)
      }
    })
  }

  async #obey(line: ByteString): Promise<void> {
    const scripted = await this.#options.script?.(line, this)
    const answer = scripted === undefined ? await this.#usual(line) : scripted
    if (answer) this.say(answer)
    if (line === 'AUTH TLS' && answer?.startsWith('234')) this.#secure()
  }

  async #usual(line: ByteString): Promise<ByteString | undefined> {
    switch (line.split(' ', 1)[0]) {
      case 'AUTH':
        return `234 Go\r\n${this.#options.injected ?? ''}`
      case 'USER':
        return '331 Password?\r\n'
      case 'PASS':
        return '230 In\r\n'
      case 'PBSZ':
      case 'PROT':
        return '200 OK\r\n'
      case 'PWD':
        return '257 "/home" is here\r\n'
      case 'EPSV':
        return `229 Entering (|||${await this.passive()}|)\r\n`
      case 'QUIT':
        return '221 Bye\r\n'
      default:
        return '500 What?\r\n'
    }
  }

  /** Opens a passive port. */
  async passive(): Promise<number> {
    this.#passive?.close()
    const server = createServer({ allowHalfOpen: true })
    this.#passive = server
    const plain = this.#options.tls === 'off'
    this.#data = once(server, 'connection').then(([raw]: Socket[]) => {
      if (!raw) throw new Error('no connection')
      server.close()
      raw.on('error', () => {})
      const stream = plain ? raw : new TLSSocket(raw, { isServer: true, ...this.#keys })
      stream.on('error', () => {})
      return stream
    })
    this.#data.catch(() => {})
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }
}
