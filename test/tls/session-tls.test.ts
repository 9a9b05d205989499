import { spawn } from 'node:child_process'
import { constants } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { type ConnectionOptions, connect, type SecureContext, TLSSocket } from 'node:tls'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { safeEnd } from '../../src/tls/safe-end.ts'
import type { SessionTls, Tls } from '../../src/tls/session-tls.ts'
import { setTicketPolicy } from '../../src/tls/ticket-policy.ts'
import { suppressesTickets } from '../../src/tls/ticket-self-test.ts'
import { testCertificate } from '../support/certificates.ts'
import { testTls } from '../support/data-channel.ts'

interface Handshake {
  readonly reused: boolean
  /** Sessions that the client was given, tickets on TLS 1.3. */
  readonly sessions: readonly Buffer[]
}

/** One connection on a context of a session, at the end of which the client has all that the server sent. */
async function handshake(
  session: SessionTls,
  context: SecureContext,
  options: ConnectionOptions,
  server = session.resumption,
): Promise<Handshake> {
  const listener = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const sessions: Buffer[] = []
  const { port } = listener.address() as AddressInfo
  const client = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options })
  client.on('session', (given) => sessions.push(given))
  const [raw] = await once(listener, 'connection')
  listener.close()
  const socket = new TLSSocket(raw, { isServer: true, secureContext: context, server: server as never })
  await once(socket, 'secure')
  const reused = socket.isSessionReused()
  socket.resume()
  socket.write('.', () => safeEnd(socket))
  client.resume()
  await once(client, 'end')
  client.end()
  await once(socket, 'close')
  return { reused, sessions }
}

const noTicket = { secureOptions: constants.SSL_OP_NO_TICKET }

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('on %s', (version) => {
  let tls: Tls
  const client = { minVersion: version, maxVersion: version }
  beforeAll(async () => {
    tls = await testTls()
  })

  /** A new control connection, and the TLS session that its client has. */
  async function logIn(options: ConnectionOptions = {}): Promise<{ own: SessionTls; session: Buffer }> {
    const own = tls.newSession({ reuse: 'prefer' })
    const { sessions } = await handshake(own, own.control, { ...client, ...options })
    const session = sessions.at(-1)
    if (!session) throw new Error('the control connection gave the client no session')
    return { own, session }
  }

  test('data connections resume the session of their control connection', async () => {
    const { own, session } = await logIn()
    expect(await handshake(own, own.download, { ...client, session })).toMatchObject({ reused: true })
    expect(await handshake(own, own.upload, { ...client, session })).toMatchObject({ reused: true })
    expect(await handshake(own, own.control, { ...client, session })).toMatchObject({ reused: true })
  })

  test('T9: the session of another control connection is not accepted', async () => {
    const { session } = await logIn()
    const other = tls.newSession({ reuse: 'prefer' })
    for (const context of [other.upload, other.download, other.control]) {
      expect(await handshake(other, context, { ...client, session })).toMatchObject({ reused: false })
    }
  })

  test('a download gives a session that the next data connection resumes', async () => {
    const { own, session } = await logIn()
    const { sessions } = await handshake(own, own.download, { ...client, session })
    // TLS 1.2 clients use the same ticket again, and Node tells of a new one only on TLS 1.3.
    if (version === 'TLSv1.3') expect(sessions.length).toBeGreaterThan(0)
    const renewed = sessions.at(-1) ?? session
    expect(await handshake(own, own.upload, { ...client, session: renewed })).toMatchObject({ reused: true })
  })

  test('where resuming is to prove who connects, what a data connection gives to whoever comes proves nothing', async () => {
    const clients = { mode: 'request', ca: (await testCertificate()).cert, crl: [] } as const
    const proving = [
      tls.newSession({ reuse: 'require' }),
      tls.newSession({ reuse: 'prefer', clients }),
      tls.newSession({ reuse: 'prefer' }),
    ]
    proving[2]?.provingReuse()
    for (const own of proving) {
      // With `require` on the listener there is no TLS 1.3.
      const stranger = own === proving[0] ? {} : client
      for (const [context, options] of [own.download, own.upload].flatMap(
        (each) =>
          [
            [each, {}],
            [each, noTicket],
          ] as const,
      )) {
        const { sessions } = await handshake(own, context, { ...stranger, ...options }, own.dataResumption)
        for (const session of sessions) {
          const again = await handshake(own, context, { ...stranger, ...options, session }, own.dataResumption)
          expect(again.reused).toBe(false)
        }
      }
    }
  })

  test('an upload sends no ticket, resumed or not', async () => {
    const { own, session } = await logIn()
    expect((await handshake(own, own.upload, { ...client, session })).sessions).toEqual([])
    const { sessions } = await handshake(own, own.upload, client)
    // On TLS 1.2 the client is told of its new session, which has an id but no ticket: other contexts do not know it.
    for (const given of sessions) {
      expect(
        await handshake(tls.newSession({ reuse: 'prefer' }), own.download, { ...client, session: given }),
      ).toMatchObject({
        reused: false,
      })
    }
    if (version === 'TLSv1.3') expect(sessions).toEqual([])
  })
})

test('TLS 1.2 clients without tickets resume by session id, in their own session only', async () => {
  const tls = await testTls()
  const own = tls.newSession({ reuse: 'prefer' })
  const other = tls.newSession({ reuse: 'prefer' })
  const client = { maxVersion: 'TLSv1.2', ...noTicket } as const
  const { sessions } = await handshake(own, own.control, client)
  const session = sessions[0]
  if (!session) throw new Error('no session')
  expect(await handshake(own, own.download, { ...client, session })).toMatchObject({ reused: true })
  expect(await handshake(own, own.upload, { ...client, session })).toMatchObject({ reused: true })
  expect(await handshake(other, other.download, { ...client, session })).toMatchObject({ reused: false })
})

test('the store keeps the 16 newest session ids', () => {
  return testTls().then((tls) => {
    const { resumption } = tls.newSession({ reuse: 'prefer' })
    for (let i = 0; i < 20; i++) resumption.emit('newSession', Buffer.from([i]), Buffer.from('data'), () => {})
    const found: number[] = []
    for (let i = 0; i < 20; i++) {
      resumption.emit(
        'resumeSession',
        Buffer.from([i]),
        (_error: unknown, data: Buffer | null) => data && found.push(i),
      )
    }
    expect(found).toEqual([4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19])
  })
})

test('TLS 1.3 is offered where tickets can be suppressed', async () => {
  expect(await testTls()).toMatchObject({ ticketSuppression: true })
})

test('the self-test sees when tickets are not suppressed', async () => {
  const own = (await testTls()).newSession({ reuse: 'prefer' })
  expect(await suppressesTickets(own)).toBe(true)
  expect(await suppressesTickets({ upload: own.download, download: own.download })).toBe(false)
  expect(await suppressesTickets({ upload: own.upload, download: own.upload })).toBe(false)
})

test('a Node without the ticket hook is left as it is', () => {
  const context = { context: {} }
  setTicketPolicy(context as SecureContext, Buffer.alloc(48), 'never')
  expect(context).toEqual({ context: {} })
})

test('T10: a session may be continued for a week, not for the two hours of Node', async () => {
  const session = (await testTls()).newSession({ reuse: 'prefer' })
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, '-tls1_2'])
  const [raw] = await once(server, 'connection')
  const socket = new TLSSocket(raw, { isServer: true, secureContext: session.control })
  let told = ''
  client.stdout.on('data', (chunk) => {
    told += chunk
  })
  await vi.waitFor(() => expect(told).toContain('TLS session ticket lifetime hint: 604800 (seconds)'), 10_000)
  const exited = once(client, 'exit')
  socket.destroy()
  await exited
  server.close()
})
