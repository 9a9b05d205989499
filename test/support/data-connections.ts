import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import type { DataChannel, DataChannelOptions, OpenRequest } from '../../src/data/data-channel.ts'
import type { DataConnection } from '../../src/data/data-connection.ts'
import type { SessionTls } from '../../src/tls/session-tls.ts'
import { type TestChannel, testChannel, until } from './data-channel.ts'

const opened: { destroy(): unknown }[] = []
const channels: DataChannel[] = []

/** A signal that does not fire. */
export const never: AbortSignal = new AbortController().signal

/** Closes what the functions below have opened, and waits until no socket of this process is left. To run after each test. */
export async function closeAll(): Promise<void> {
  for (const channel of channels.splice(0)) channel.close()
  await closeClients()
}

/** `closeAll`, but for the channels: what they had open must be closed already. */
export async function closeClients(): Promise<void> {
  for (const socket of opened.splice(0)) socket.destroy()
  await until('every socket is closed', () => {
    return !process.getActiveResourcesInfo().some((resource) => /^(TCP|TLS)/.test(resource))
  })
}

export function willClose<T extends { destroy(): unknown }>(socket: T): T {
  opened.push(socket)
  return socket
}

export function channelFor(session: SessionTls | undefined, options: Partial<DataChannelOptions> = {}): TestChannel {
  const made = testChannel(session, options)
  channels.push(made.channel)
  return made
}

export function client(port: number, host = '127.0.0.1'): Socket {
  return willClose(connect({ port, host, allowHalfOpen: true })).on('error', () => {})
}

export function tlsClient(
  port: number,
  host = '127.0.0.1',
  session?: Buffer,
  maxVersion: 'TLSv1.2' | 'TLSv1.3' = 'TLSv1.3',
): TLSSocket {
  const options = { port, host, rejectUnauthorized: false, maxVersion, ...(session && { session }) }
  return willClose(connectTls(options)).on('error', () => {})
}

/** A client that listens for an active data connection. */
export async function listeningClient(host = '127.0.0.1'): Promise<{ server: Server; port: number }> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(0, host)
  willClose({ destroy: () => server.close() })
  await once(server, 'listening')
  return { server, port: (server.address() as AddressInfo).port }
}

export function request(changes: Partial<OpenRequest> = {}): OpenRequest {
  return { direction: 'download', protection: 'P', reuse: 'prefer', acceptFin: () => false, signal: never, ...changes }
}

/** An open data connection, and the client's end of it with the TCP socket below. */
export async function connected(
  session: SessionTls,
  direction: 'upload' | 'download',
  protection: 'C' | 'P',
): Promise<{ connection: DataConnection; client: Socket; raw: Socket; channel: DataChannel }> {
  const { channel } = channelFor(session)
  const raw = client((await channel.listen('EPSV', 'control')).port)
  const secured = protection === 'P' ? willClose(connectTls({ socket: raw, rejectUnauthorized: false })) : raw
  secured.on('error', () => {})
  const connection = await channel.open(request({ direction, protection }))
  return { connection, client: secured, raw, channel }
}

/** The chunks as a backend would give them. */
export async function* pieces(...chunks: (string | Buffer)[]): AsyncGenerator<Buffer> {
  for (const chunk of chunks) yield Buffer.from(chunk)
}

export async function readAll(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk)
  return Buffer.concat(chunks)
}
