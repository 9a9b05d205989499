import { once } from 'node:events'
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Dialogue } from './dialogue.ts'

/** A download over TLS whose client has read its first bytes, and reads no more until it is told to. */
export interface HeldDownload {
  /** Reads what is left: the code of the final reply, and everything from the first byte on. */
  finish(): Promise<{ readonly code: number; readonly content: Buffer }>
}

export async function beginDownload(client: Dialogue, name: string, host = '127.0.0.1'): Promise<HeldDownload> {
  const [epsv] = await client.dialogue('> EPSV', '< 229')
  const raw = connect({ port: Number(/\|\|\|(\d+)\|/.exec(epsv?.lines[0] ?? '')?.[1]), host })
  // What becomes of a connection that is lost is said by the reply.
  raw.on('error', () => undefined)
  await once(raw, 'connect')
  const secured = connectTls({ socket: raw, rejectUnauthorized: false })
  secured.on('error', () => undefined)
  await client.dialogue(`> RETR ${name}`, '< 150')
  await once(secured, 'readable')
  return {
    async finish() {
      const chunks: Buffer[] = []
      const over = new Promise((closed) => secured.once('close', closed))
      secured.on('data', (chunk: Buffer) => chunks.push(chunk)).once('end', () => secured.end())
      await over
      return { code: (await client.reply()).code, content: Buffer.concat(chunks) }
    },
  }
}
