import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { MissingCause } from '../../src/observe/observer.ts'
import type { Dialogue } from '../support/dialogue.ts'
import { type MemoryGateway, type MemoryGatewayOptions, startMemoryGateway } from '../support/memory-gateway.ts'

const host = '127.0.0.1'

let gateway: MemoryGateway
const sockets: Socket[] = []
afterEach(async () => {
  vi.useRealTimers()
  for (const socket of sockets.splice(0)) socket.destroy()
  await gateway.stop()
  expect(gateway.server.sessions).toBe(0)
  expect(gateway.backend.openHandles).toBe(0)
  expect(gateway.events.filter(({ kind }) => kind === 'bug')).toEqual([])
})

async function logIn(options: MemoryGatewayOptions): Promise<Dialogue> {
  gateway = await startMemoryGateway(options)
  gateway.backend.tree.addFile('/f', 'content')
  const client = await gateway.logIn()
  if (options.tls !== undefined) await client.dialogue('> PBSZ 0', '< 200', '> PROT P', '< 200')
  return client
}

async function openData(client: Dialogue): Promise<Socket> {
  const [epsv] = await client.dialogue('> EPSV', '< 229')
  const socket = connect({ port: Number(/\|\|\|(\d+)\|/.exec(epsv?.lines[0] ?? '')?.[1]), host, allowHalfOpen: true })
  sockets.push(socket.on('error', () => {}))
  await once(socket, 'connect')
  return socket
}

const causes = (): (MissingCause | undefined)[] =>
  gateway.events.flatMap((event) => (event.kind === 'dataConnection' ? [event.missing?.cause] : []))

describe('a data connection without the TLS that PROT P has promised', () => {
  test('on which nothing is said: 522 in time, and told as a client that speaks plain', async () => {
    const client = await logIn({ tls: 'explicit', timeouts: { handshakeMs: 300 } })
    await openData(client)
    await client.dialogue('> RETR f', '< 150', '< 522 TLS negotiation failed on the data connection. TLS was not begun')
    expect(causes()).toEqual(['plain_client'])
    await client.dialogue('> NOOP', '< 200', '> QUIT', '< 221')
  })

  test('on which the file is sent in the clear: 522 at once, and nothing is stored', async () => {
    const client = await logIn({ tls: 'explicit' })
    const data = await openData(client)
    data.write('a file in the clear')
    await client.dialogue('> STOR new', '< 150', '< 522', '> QUIT', '< 221')
    expect(causes()).toEqual(['plain_client'])
    expect(gateway.backend.content('/new')).toBeUndefined()
  })

  test('that the client leaves in the middle of: 522, and told as TLS that failed', async () => {
    const client = await logIn({ tls: 'explicit' })
    const data = await openData(client)
    await client.dialogue('> RETR f', '< 150')
    connectTls({ socket: data, ca: [] }).on('error', () => {})
    await client.dialogue('< 522', '> QUIT', '< 221')
    expect(causes()).toEqual(['tls_failed'])
  })
})

describe('a data connection on which nothing moves', () => {
  test.each(['STOR new', 'APPE f'])('%s: 426, the session goes on, and nothing has changed', async (line) => {
    const client = await logIn({ timeouts: { dataStallMs: 400 } })
    await openData(client)
    await client.dialogue(`> ${line}`, '< 150', '< 426 No data for too long', '> NOOP', '< 200', '> QUIT', '< 221')
    expect(gateway.backend.content('/new')).toBeUndefined()
    expect(gateway.backend.content('/f')?.toString()).toBe('content')
  })

  test('RETR by a client that does not read: 426', async () => {
    const client = await logIn({ timeouts: { dataStallMs: 400 } })
    gateway.backend.tree.addFile('/large', 'x'.repeat(32 * 1024 * 1024))
    const data = await openData(client)
    data.pause()
    await client.dialogue('> RETR large', '< 150', '< 426 No data for too long', '> NOOP', '< 200', '> QUIT', '< 221')
  })
})

test('a client that keeps its end of the data connection open has its 226, and 15 seconds', async () => {
  const client = await logIn({ timeouts: { idleMs: 600_000 } })
  const data = await openData(client)
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  await client.dialogue('> RETR f', '< 150', '< 226')
  await once(data.resume(), 'end')
  let reset = false
  data.on('error', () => {
    reset = true
  })
  vi.advanceTimersByTime(14_999)
  await client.dialogue('> NOOP', '< 200')
  data.write('anybody there?')
  await client.dialogue('> NOOP', '< 200')
  expect(reset).toBe(false)
  vi.advanceTimersByTime(1)
  vi.useRealTimers()
  await expect
    .poll(() => {
      if (!data.destroyed) data.write('anybody there?')
      return reset
    })
    .toBe(true)
  await client.dialogue('> QUIT', '< 221')
})

describe('limits', () => {
  test('of one address do not count the others; a session that ends makes room', async () => {
    gateway = await startMemoryGateway({ limits: { sessionsPerAddress: 1 } })
    const first = await gateway.logIn()
    const second = await gateway.connect()
    await second.dialogue('< 421')
    const elsewhere = connect({ port: gateway.port, host, localAddress: '127.0.0.2' })
    sockets.push(elsewhere)
    const [greeting]: Buffer[] = await once(elsewhere, 'data')
    expect(greeting?.toString()).toMatch(/^220 /)
    await first.dialogue('> QUIT', '< 221')
    await first.closed()
    await expect.poll(() => gateway.server.sessions).toBe(1)
    const third = await gateway.logIn()
    await third.dialogue('> QUIT', '< 221')
    const refused = gateway.events.filter(({ kind }) => kind === 'connectionRefused')
    expect(refused).toMatchObject([{ address: host, reason: 'limit' }])
  })

  test('of all sessions count every address', async () => {
    gateway = await startMemoryGateway({ limits: { sessions: 1 } })
    await gateway.logIn()
    const elsewhere = connect({ port: gateway.port, host, localAddress: '127.0.0.2' })
    sockets.push(elsewhere)
    const [refusal]: Buffer[] = await once(elsewhere, 'data')
    expect(refusal?.toString()).toMatch(/^421 /)
  })

  test('at an implicit listener are kept without a word, which nobody could read', async () => {
    gateway = await startMemoryGateway({ tls: 'implicit', limits: { sessions: 0 } })
    const socket = connect({ port: gateway.port, host })
    sockets.push(socket)
    let received = 0
    socket.on('data', (chunk) => (received += chunk.length)).on('error', () => {})
    await once(socket, 'close')
    expect(received).toBe(0)
  })

  test('of refused logins: 421 for the address, also where a session is open already; the others go on', async () => {
    gateway = await startMemoryGateway({ limits: { refusalsPerAddress: 2 } })
    const loggedIn = await gateway.logIn()
    const [open, guessing] = [await gateway.connect(), await gateway.connect()]
    await guessing.dialogue('< 220', '> USER a', '< 331', '> PASS wrong', '< 530', '> USER b', '< 331')
    await guessing.dialogue('> PASS wrong', '< 530')
    await guessing.closed()
    await open.dialogue('< 220', '> USER test', '< 331', '> PASS secret', '< 421')
    await open.closed()
    const late = await gateway.connect()
    await late.dialogue('< 421 Too many refused logins')
    await late.closed()
    await loggedIn.dialogue('> PWD', '< 257', '> QUIT', '< 221')
    const told = gateway.events.flatMap((event) => (event.kind === 'login' ? [event.outcome] : []))
    expect(told).toEqual(['ok', 'bad_password', 'bad_password', 'limit'])
    expect(gateway.events).toContainEqual(expect.objectContaining({ kind: 'connectionRefused', reason: 'logins' }))
  })

  test('of bad commands end with the login', async () => {
    const client = await logIn({})
    for (let i = 0; i < 20; i++) await client.dialogue('> NONSENSE', '< 500')
    await client.dialogue('> QUIT', '< 221')
  })
})
