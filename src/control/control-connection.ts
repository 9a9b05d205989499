import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { type ByteString, toBuffer } from '../ftp/bytes.ts'
import { type Line, LineSplitter } from '../ftp/line-splitter.ts'
import { type Reply, serialise } from '../ftp/reply.ts'
import { Telnet } from '../ftp/telnet.ts'
import { type Shown, shownBy } from '../tls/client-certificates.ts'
import { type Hello, readHello } from '../tls/client-hello.ts'
import { RemovableTls } from '../tls/removable-tls.ts'
import { endSafely, safeEnd } from '../tls/safe-end.ts'
import type { SessionTls } from '../tls/session-tls.ts'

/** What comes next on a control connection: a line, its end, or a word from the gateway itself. */
export type Input = Line | { readonly kind: 'end' } | { readonly kind: Interruption }
/** How the client writes; see SessionNames. */
export interface Writing {
  shown(lines: ByteString): ByteString
  readonly translation: { readonly letter255: boolean } | undefined
}

/** `lost`: the old server behind the relay has gone. */
export type Interruption = 'loginTimeout' | 'timeout' | 'shutdown' | 'lost'

/** Facts of a finished handshake, for the log. */
export interface Handshake {
  readonly version: string
  readonly cipher: string
  readonly reused: boolean
  /** The name that the client asked for (SNI). */
  readonly serverName: string | undefined
  /** What the client showed where it was asked for a certificate. */
  readonly shown: Shown
}

/** How long the LF of an urgent `ABOR\r` may stay away; see LineSplitter.takeUrgent. */
const missingLfMs = 50
/** After our end of the connection is closed, the client has this long to close its own. */
const lingerMs = 5_000

/**
 * The control connection: lines in, replies out, plain or TLS. It pulls: nothing is read from the socket while a line is
 * being worked on, so TCP holds back a client that sends faster than it is served.
 */
export class ControlConnection {
  #socket: Socket
  /** Below the TLS, where it may be taken off, with the socket that it stands on. */
  #removable: { readonly shim: RemovableTls; readonly plain: Socket } | undefined
  readonly #lines = new LineSplitter()
  readonly #telnet = new Telnet()
  #wake: () => void = () => {}
  #interruption: Interruption | undefined
  readonly #sendMs: number
  readonly #writing: Writing
  #sending = 0
  /** Called when the client has closed its end, also while nobody reads. */
  onGone: () => void = () => {}

  /** `sendMs`: a client that does not take a reply for so long is gone. */
  constructor(socket: Socket, sendMs: number, writing: Writing) {
    this.#sendMs = sendMs
    this.#writing = writing
    socket.setNoDelay(true)
    socket.setKeepAlive(true, 30_000)
    this.#socket = this.#listenTo(socket)
  }

  get secure(): boolean {
    return this.#socket instanceof TLSSocket
  }
  get ended(): boolean {
    return this.#socket.destroyed || this.#socket.readableEnded
  }

  /** The next input. Only one call at a time. */
  async read(): Promise<Input> {
    for (;;) {
      const line = this.#lines.next()
      if (line) return line
      if (this.#interruption) {
        const kind = this.#interruption
        this.#interruption = undefined
        return { kind }
      }
      const chunk = this.#socket.read() as Buffer | null
      if (chunk) this.#take(this.secure || !this.#removable ? chunk : this.#removable.shim.records.clearPart(chunk))
      else if (this.ended) return { kind: 'end' }
      else {
        const urgent = await this.#untilReadable()
        if (urgent !== undefined) return { kind: 'line', text: urgent }
      }
    }
  }

  /** Makes `read` return this once, after the lines that are already here. A send that is stuck ends the connection. */
  interrupt(kind: Interruption): void {
    this.#interruption = kind
    if (this.#sending > 0 && kind !== 'lost') this.#socket.destroy()
    this.#wake()
  }

  /** Sends a reply in one write, and waits until the kernel has it. A connection that is gone is not an error here. */
  async send(reply: Reply): Promise<void> {
    if (!this.#socket.writable) return
    const text = this.#writing.shown(serialise(reply))
    this.#sending++
    const timer = setTimeout(() => this.#socket.destroy(), this.#sendMs)
    await new Promise<void>((done) => this.#socket.write(toBuffer(text), () => done()))
    clearTimeout(timer)
    this.#sending--
  }

  /**
   * Upgrades to TLS as the server. Plaintext that came behind AUTH is an injection attempt (CVE-2011-0411 and its
   * family), never a command. Throws on that, and when the handshake fails or takes too long. `tlsFor` gets the name that the
   * client asks for. `removable`: `clear` may come.
   */
  async upgrade(
    tlsFor: (serverName: string | undefined) => SessionTls,
    handshakeMs: number,
    removable: boolean,
  ): Promise<Handshake> {
    if (this.#lines.pending > 0 || this.#telnet.pending) throw new Error('plaintext was pipelined behind AUTH')
    const until = performance.now() + handshakeMs
    const serverName = await this.#serverName(until)
    if (this.ended) throw new Error('the client left during the TLS handshake')
    const tls = tlsFor(serverName)
    const plain = this.#socket
    for (const event of ['readable', 'end', 'close']) plain.removeAllListeners(event)
    this.#removable = removable ? { shim: new RemovableTls(plain), plain } : undefined
    const secured = new TLSSocket(this.#removable?.shim ?? plain, {
      isServer: true,
      secureContext: tls.control,
      server: tls.resumption as never,
      ALPNProtocols: ['ftp'],
      requestCert: tls.clientCertificates !== 'off',
      // Only whether there is one: what it is worth is judged after the handshake.
      rejectUnauthorized: tls.clientCertificates === 'require',
    })
    // What goes wrong after the handshake is told only by this event on a socket that no tls.Server has made.
    secured.on('_tlsError', (error: Error) => secured.destroy(error))
    try {
      const facts = await handshaken(secured, Math.max(1, until - performance.now()))
      const { certificate, refused } = facts.shown
      if (tls.clientCertificates === 'require' && certificate === undefined) {
        throw new Error(refused ?? 'the client showed no certificate')
      }
      this.#socket = this.#listenTo(secured)
      return { ...facts, serverName }
    } catch (error) {
      secured.destroy()
      plain.destroy()
      throw error
    }
  }

  /**
   * Sends a reply, the last one in TLS, then close_notify, and goes on in the clear (RFC 4217 section 12.3). Some clients
   * answer with their close_notify, some never do; both is dropped, and so is whatever they still encrypt.
   */
  async clear(reply: Reply): Promise<void> {
    const secured = this.#socket
    if (!(secured instanceof TLSSocket) || !this.#removable) throw new Error('the TLS cannot be taken off here')
    const { shim, plain } = this.#removable
    for (const event of ['readable', 'end', 'close']) secured.removeAllListeners(event)
    // Before the reply: what the client sends behind it is not for TLS, and may come at once.
    shim.release()
    await this.send(reply)
    await endSafely(secured, shim).catch(() => plain.destroy())
    secured.destroy()
    this.#socket = this.#listenTo(plain)
  }

  /** Ends our side in order (TLS close_notify, FIN), then waits a little for the client's. */
  async close(): Promise<void> {
    const socket = this.#socket
    if (socket.destroyed) return
    if (socket instanceof TLSSocket) safeEnd(socket, this.#removable?.shim)
    else socket.end()
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => socket.destroy(), lingerMs)
      socket.once('close', () => {
        clearTimeout(timer)
        resolve()
      })
      socket.once('end', () => socket.writableFinished && socket.destroy())
      socket.once('finish', () => socket.readableEnded && socket.destroy())
      // Unread input would keep 'end' from coming.
      socket.removeAllListeners('readable')
      socket.resume()
    })
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /** One set of listeners per socket; each only wakes the reader, which then looks for itself. */
  #listenTo<S extends Socket>(socket: S): S {
    for (const event of ['readable', 'end', 'close']) socket.on(event, () => this.#wake())
    for (const event of ['end', 'close']) socket.on(event, () => this.onGone())
    socket.on('error', () => socket.destroy())
    return socket
  }

  #take(chunk: Buffer): void {
    this.#telnet.letter255 = this.#writing.translation?.letter255 ?? false
    const { bytes, replies } = this.#telnet.push(chunk)
    this.#lines.push(bytes)
    if (replies.length > 0 && this.#socket.writable) this.#socket.write(replies)
  }

  /** Whether the client sends anything within so long; what it sends is still to be read. */
  async speaks(withinMs: number): Promise<boolean> {
    const socket = this.#socket
    if (socket.readableLength === 0 && !this.ended) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, withinMs)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      this.#wake = () => {}
    }
    return socket.readableLength > 0 || this.ended
  }

  /** Whom a client that begins TLS wants to talk to; what it has sent is still to be read. */
  async #serverName(until: number): Promise<string | undefined> {
    const socket = this.#socket
    let bytes = Buffer.alloc(0)
    let hello: Hello = 'more'
    while (hello === 'more' && (await this.speaks(until - performance.now()))) {
      const chunk = socket.read() as Buffer | null
      if (chunk === null) break
      bytes = Buffer.concat([bytes, chunk])
      hello = readHello(bytes)
    }
    if (bytes.length > 0 && !this.ended) socket.unshift(bytes)
    return hello === 'more' ? undefined : hello.serverName
  }

  /** Waits for a change; returns an urgent verb whose LF did not come. */
  #untilReadable(): Promise<string | undefined> {
    return new Promise((resolve) => {
      const timer = this.#lines.pending > 0 ? setTimeout(() => done(this.#lines.takeUrgent()), missingLfMs) : undefined
      const done = (urgent?: string) => {
        clearTimeout(timer)
        this.#wake = () => {}
        resolve(urgent)
      }
      this.#wake = () => done()
    })
  }
}

/**
 * Resolves when the handshake is done; rejects when it fails, when the client leaves, or when it takes too long. The facts
 * are read within the event: a moment later a client that has left would have taken them along.
 */
function handshaken(socket: TLSSocket, timeoutMs: number): Promise<Omit<Handshake, 'serverName'>> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => fail(new Error('the TLS handshake took too long')), timeoutMs)
    const onEnd = () => fail(new Error('the client left during the TLS handshake'))
    const done = () => {
      clearTimeout(timer)
      socket.off('secure', onSecure).off('error', fail).off('end', onEnd).off('close', onEnd)
    }
    const fail = (error: Error) => {
      done()
      // A destroyed socket may still emit an error.
      socket.on('error', () => {})
      reject(error)
    }
    const onSecure = () => {
      done()
      const [version, cipher, reused] = [socket.getProtocol(), socket.getCipher(), socket.isSessionReused()]
      resolve({ version: version ?? '', cipher: cipher?.name ?? '', reused, shown: shownBy(socket) })
    }
    socket.on('secure', onSecure).on('error', fail).on('end', onEnd).on('close', onEnd)
  })
}
