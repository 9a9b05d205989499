import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'

export interface Reply {
  readonly code: number
  readonly text: string
}

/** A control connection of a client that only looks around. Certificates are looked at, not insisted on. */
export class FtpLine {
  #socket: Socket | TLSSocket
  #received = ''
  readonly #patienceMs: number

  private constructor(socket: Socket | TLSSocket, patienceMs: number) {
    this.#socket = socket
    this.#patienceMs = patienceMs
    this.#listen()
  }

  /** Connects. Throws the system's error (ECONNREFUSED), or one that says that nobody answers. */
  static async connect(host: string, port: number, patienceMs: number): Promise<FtpLine> {
    return new FtpLine(await openTcp(host, port, patienceMs), patienceMs)
  }

  get socket(): Socket | TLSSocket {
    return this.#socket
  }

  /** Sends a command and waits for its reply; without one, waits for the next reply. Throws when none comes. */
  async ask(command?: string): Promise<Reply> {
    if (command !== undefined) this.#socket.write(`${command}\r\n`)
    const signal = AbortSignal.timeout(this.#patienceMs)
    for (;;) {
      const last = /(?:^|\n)(\d{3}) ([^\r\n]*)\r?\n/.exec(this.#received)
      if (last) {
        const [all, code, text = ''] = last
        this.#received = this.#received.slice(last.index + all.length)
        return { code: Number(code), text: text.replace(/[^ -~]/g, '?') }
      }
      if (this.#socket.destroyed || this.#socket.readableEnded) throw new Error('the connection was closed')
      await Promise.race([once(this.#socket, 'data', { signal }), once(this.#socket, 'close', { signal })]).catch(
        () => {
          throw new Error(`no answer within ${this.#patienceMs / 1000} s`)
        },
      )
    }
  }

  async secure(servername: string | undefined): Promise<TLSSocket> {
    this.#socket.removeAllListeners('data')
    const secured = await openTls(this.#socket, servername, this.#patienceMs)
    this.#socket = secured
    this.#listen()
    return secured
  }

  close(): void {
    this.#socket.destroy()
  }

  #listen(): void {
    this.#socket.on('error', () => {})
    this.#socket.on('data', (chunk: Buffer) => {
      this.#received += chunk.toString('latin1')
    })
  }
}

/** Throws the system's error, or `ETIMEDOUT` when nobody answers. */
export async function openTcp(host: string, port: number, patienceMs: number): Promise<Socket> {
  const socket = connect({ host, port })
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(patienceMs) })
    return socket
  } catch (error) {
    socket.destroy()
    if ((error as Error).name !== 'AbortError') throw error
    const message = `no answer within ${patienceMs / 1000} s: a firewall drops it, or nothing is there`
    throw Object.assign(new Error(message), { code: 'ETIMEDOUT' })
  }
}

/** TLS on a connection; a data connection resumes the session of its control connection. */
export async function openTls(
  socket: Socket,
  servername: string | undefined,
  patienceMs: number,
  session?: Buffer,
): Promise<TLSSocket> {
  const name = servername === undefined ? {} : { servername }
  const secured = connectTls({ socket, rejectUnauthorized: false, ...name, ...(session && { session }) })
  await once(secured, 'secureConnect', { signal: AbortSignal.timeout(patienceMs) })
  return secured
}
