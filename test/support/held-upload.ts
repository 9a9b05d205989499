import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import type { Dialogue } from './dialogue.ts'

/** An upload over TLS whose client sends when it is told to. */
export interface HeldUpload {
  readonly dataPort: number
  readonly raw: Socket
  /** Resolves when the system has taken the bytes. */
  send(bytes: Buffer): Promise<void>
  /** Says that this was the whole file: close_notify, FIN. */
  end(): Promise<void>
  /** `end`, and the code of the final reply. */
  finish(): Promise<number>
  /** Resets the data connection. */
  cut(): void
}

/** Up to the mark (150) and the TLS handshake; `first` comes before the client connects. Throws for another reply. */
export async function beginUpload(
  client: Dialogue,
  name: string,
  host = '127.0.0.1',
  first: (dataPort: number) => Promise<void> = async () => {},
): Promise<HeldUpload> {
  const [epsv] = await client.dialogue('> EPSV', '< 229')
  const dataPort = Number(/\|\|\|(\d+)\|/.exec(epsv?.lines[0] ?? '')?.[1])
  await first(dataPort)
  const raw = connect({ port: dataPort, host })
  // What becomes of a connection that is lost is said by the reply.
  raw.on('error', () => undefined)
  await once(raw, 'connect')
  const secured: TLSSocket = connectTls({ socket: raw, rejectUnauthorized: false })
  secured.on('error', () => undefined)
  const ready = once(secured, 'secureConnect')
  await client.dialogue(`> STOR ${name}`, '< 150')
  await ready
  const end = async () => {
    // Node loses its close_notify when a TLS socket is ended in the turn of its last write.
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
    secured.end()
  }
  return {
    dataPort,
    raw,
    send: (bytes) => new Promise((resolve) => secured.write(bytes, () => resolve())),
    end,
    async finish() {
      await end()
      const { code } = await client.reply()
      secured.destroy()
      return code
    },
    cut: () => void raw.resetAndDestroy(),
  }
}
