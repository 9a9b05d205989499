import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { MissingData } from '../../src/observe/observer.ts'
import type { Dialogue } from '../support/dialogue.ts'
import { freeRange } from '../support/free-port.ts'
import { type MemoryGateway, type MemoryGatewayOptions, startMemoryGateway } from '../support/memory-gateway.ts'

const host = '127.0.0.1'

let gateway: MemoryGateway
const sockets: { destroy(): unknown }[] = []
afterEach(async () => {
  vi.useRealTimers()
  for (const socket of sockets.splice(0)) socket.destroy()
  await gateway.stop()
  expect(gateway.ports.inUse).toBe(0)
  expect(gateway.backend.openHandles).toBe(0)
  expect(gateway.events.filter(({ kind }) => kind === 'bug')).toEqual([])
})

async function logIn(options: MemoryGatewayOptions = {}): Promise<Dialogue> {
  gateway = await startMemoryGateway(options)
  gateway.backend.tree.addFile('/f', 'content')
  return gateway.logIn()
}

async function pasv(client: Dialogue): Promise<number> {
  const [reply] = await client.dialogue('> PASV', '< 227')
  const [, high, low] = /,(\d+),(\d+)\)/.exec(reply?.lines[0] ?? '') ?? []
  return Number(high) * 256 + Number(low)
}

function data(port: number, localAddress = host): Socket {
  const socket = connect({ port, host, localAddress }).on('error', () => {})
  sockets.push(socket)
  return socket
}

async function contentOf(socket: Socket): Promise<string> {
  let text = ''
  for await (const chunk of socket) text += chunk
  return text
}

async function refuses(port: number): Promise<boolean> {
  const socket = data(port)
  return new Promise((resolve) => {
    socket.on('connect', () => resolve(false)).on('close', () => resolve(true))
  })
}

const missing = (): MissingData[] =>
  gateway.events.flatMap((event) => (event.kind === 'dataConnection' && event.missing ? [event.missing] : []))

describe('T15: passive ports', () => {
  test('exhausted: 425 at once, told with its cause; a port that is freed is given out again', async () => {
    const first = await logIn({ passivePorts: await freeRange(2) })
    const [second, third] = [await gateway.logIn(), await gateway.logIn()]
    await pasv(first)
    await pasv(second)
    const [reply] = await third.dialogue('> PASV', '< 425 No data port is free')
    expect(reply?.lines[0]).toMatch(/\(session s-[0-9a-f]{8}\)$/)
    expect(missing()).toMatchObject([{ cause: 'ports_exhausted', client: host }])
    await third.dialogue('> EPSV', '< 425', '> LIST', '< 425 Use PASV')
    await first.dialogue('> ABOR', '< 225')
    const socket = data(await pasv(third))
    await third.dialogue('> RETR f', '< 150')
    expect(await contentOf(socket)).toBe('content')
    await third.dialogue('< 226', '> QUIT', '< 221')
  })

  test('F16 a stranger who connects first is dropped, and the client still gets its file', async () => {
    const client = await logIn()
    const port = await pasv(client)
    await once(data(port, '127.0.0.2').resume(), 'close')
    const socket = data(port)
    await client.dialogue('> RETR f', '< 150')
    expect(await contentOf(socket)).toBe('content')
    await client.dialogue('< 226', '> QUIT', '< 221')
    expect(missing()).toEqual([])
  })

  test('a stranger in place of the client: 425 in time, and told as what it most likely is', async () => {
    const client = await logIn({ timeouts: { dataConnectMs: 300 } })
    const port = await pasv(client)
    await once(data(port, '127.0.0.2').resume(), 'close')
    await client.dialogue(
      '> RETR f',
      '< 150',
      '< 425 Data connection was not opened in time. Data connections must come',
    )
    expect(missing()).toMatchObject([{ cause: 'peer_mismatch', likely: expect.stringContaining('127.0.0.2') }])
    await client.dialogue('> NOOP', '< 200', '> QUIT', '< 221')
  })

  test('from any address where the dialect says so', async () => {
    const client = await logIn({ dialect: { passive: { peerMustMatch: 'any' } } })
    const socket = data(await pasv(client), '127.0.0.2')
    await client.dialogue('> RETR f', '< 150')
    expect(await contentOf(socket)).toBe('content')
    await client.dialogue('< 226', '> QUIT', '< 221')
  })

  test('nobody comes: 425 in time with a hint and the session, and the session goes on', async () => {
    const client = await logIn({ timeouts: { dataConnectMs: 300 } })
    const [, , reply] = await client.dialogue('> EPSV', '< 229', '> LIST', '< 150', '< 425 Data connection was not')
    expect(reply?.lines[0]).toMatch(
      /A firewall or NAT between us may drop the passive ports\. \(session s-[0-9a-f]{8}\)$/,
    )
    await client.dialogue('> EPSV', '< 229', '> LIST', '< 150', '< 425')
    const socket = data(await pasv(client))
    await client.dialogue('> RETR f', '< 150')
    expect(await contentOf(socket)).toBe('content')
    await client.dialogue('< 226', '> PASV', '< 227', '> LIST', '< 150', '< 425', '> QUIT', '< 221')
    expect(missing().map(({ cause }) => cause)).toEqual(['firewall', 'firewall_again', 'client_silent'])
    expect(missing()[0]?.seconds).toBeGreaterThanOrEqual(0.29)
  })

  test('unused for two minutes: the port is closed, and the next transfer is 425', async () => {
    const client = await logIn({ timeouts: { idleMs: 600_000 } })
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const port = await pasv(client)
    await client.dialogue('> NOOP', '< 200')
    vi.advanceTimersByTime(119_000)
    expect(gateway.ports.inUse).toBe(1)
    vi.advanceTimersByTime(1_000)
    expect(gateway.ports.inUse).toBe(0)
    expect(await refuses(port)).toBe(true)
    await client.dialogue('> LIST', '< 425 Use PASV', '> QUIT', '< 221')
  })

  test('a second PASV closes the port of the first one', async () => {
    const client = await logIn()
    const [first, second] = [await pasv(client), await pasv(client)]
    expect(second).not.toBe(first)
    expect(await refuses(first)).toBe(true)
    const socket = data(second)
    await client.dialogue('> RETR f', '< 150')
    expect(await contentOf(socket)).toBe('content')
    await client.dialogue('< 226', '> QUIT', '< 221')
  })

  test('a connection that waits on the first port is dropped by the second PASV', async () => {
    const client = await logIn()
    const waiting = data(await pasv(client)).resume()
    await once(waiting, 'connect')
    const socket = data(await pasv(client))
    await once(waiting, 'close')
    await client.dialogue('> RETR f', '< 150')
    expect(await contentOf(socket)).toBe('content')
    await client.dialogue('< 226', '> QUIT', '< 221')
  })

  test('EPRT after PASV: the gateway connects, and the passive port is closed; PASV after EPRT the other way round', async () => {
    const client = await logIn()
    const listening = createServer().listen(0, host)
    sockets.push({ destroy: () => listening.close() })
    await once(listening, 'listening')
    const { port } = listening.address() as AddressInfo
    const passive = await pasv(client)
    await client.dialogue(`> EPRT |1|${host}|${port}|`, '< 200')
    expect(await refuses(passive)).toBe(true)
    const connection = once(listening, 'connection') as Promise<[Socket]>
    await client.dialogue('> RETR f', '< 150')
    expect(await contentOf((await connection)[0])).toBe('content')
    await client.dialogue('< 226', `> EPRT |1|${host}|${port}|`, '< 200')
    let active = 0
    listening.on('connection', () => active++)
    const socket = data(await pasv(client))
    await client.dialogue('> RETR f', '< 150')
    expect(await contentOf(socket)).toBe('content')
    await client.dialogue('< 226', '> QUIT', '< 221')
    expect(active).toBe(0)
  })
})

describe('T16: active mode', () => {
  test('a foreign address, a low port and a refused connection: 500, 500 and 425 with a hint', async () => {
    const client = await logIn({ timeouts: { dataConnectMs: 5_000 } })
    await client.dialogue(
      '> PORT 127,0,0,2,19,136',
      '< 500',
      '> EPRT |1|127.0.0.1|1023|',
      '< 500',
      '> LIST',
      '< 425 Use',
    )
    const { first: port } = await freeRange(1)
    await client.dialogue(`> EPRT |1|${host}|${port}|`, '< 200', '> LIST', '< 150')
    await client.dialogue("< 425 Can't open data connection. Behind NAT or a firewall use passive mode. (session s-")
    await client.dialogue('> QUIT', '< 221')
    expect(missing().map(({ cause }) => cause)).toEqual(['foreign_address', 'foreign_address', 'client_refuses'])
  })

  test('the port of the gateway itself is refused', async () => {
    const client = await logIn()
    await client.dialogue(`> EPRT |1|${host}|${gateway.port}|`, '< 500', '> QUIT', '< 221')
  })

  test('switched off: 502, and passive mode works', async () => {
    const client = await logIn({ dialect: { active: { mode: 'off' } } })
    await client.dialogue('> PORT 127,0,0,1,19,136', '< 502', '> EPRT |1|127.0.0.1|5000|', '< 502')
    const socket = data(await pasv(client))
    await client.dialogue('> RETR f', '< 150')
    expect(await contentOf(socket)).toBe('content')
    await client.dialogue('< 226', '> QUIT', '< 221')
  })
})

describe('a client that does not wait to the end', () => {
  test('and sends ABOR after some seconds: told as missing', async () => {
    const client = await logIn()
    vi.useFakeTimers({ toFake: ['performance'] })
    await client.dialogue('> EPSV', '< 229', '> LIST', '< 150')
    vi.advanceTimersByTime(20_000)
    await client.dialogue('> ABOR', '< 426', '< 226', '> QUIT', '< 221')
    expect(missing()).toMatchObject([{ cause: 'firewall' }])
    expect(missing()[0]?.seconds).toBeGreaterThan(19)
  })

  test('and sends ABOR at once: not told as missing', async () => {
    const client = await logIn()
    await client.dialogue('> EPSV', '< 229', '> LIST', '< 150', '> ABOR', '< 426', '< 226', '> QUIT', '< 221')
    expect(missing()).toEqual([])
  })

  test.each([
    ['asks for another port', ['> PASV', '< 227']],
    ['sends ABOR', ['> ABOR', '< 225']],
    ['leaves', []],
  ])('and has connected to nothing before its command, then %s: told as missing', async (_what, next) => {
    const client = await logIn({ timeouts: { idleMs: 600_000 } })
    vi.useFakeTimers({ toFake: ['performance'] })
    await client.dialogue('> EPSV', '< 229')
    vi.advanceTimersByTime(10_000)
    await client.dialogue(...next, '> QUIT', '< 221')
    await client.closed()
    await expect.poll(() => gateway.server.sessions).toBe(0)
    expect(missing()[0]).toMatchObject({ cause: 'firewall', seconds: expect.closeTo(10, 0) })
  })

  test('but leaves at once, as a firewall that refuses makes it do: told as missing', async () => {
    const client = await logIn()
    await client.dialogue('> EPSV', '< 229', '> QUIT', '< 221')
    await client.closed()
    await expect.poll(() => gateway.server.sessions).toBe(0)
    expect(missing()).toMatchObject([{ cause: 'firewall' }])
  })

  test('but has connected, or was refused its file, or asks for another port soon: not told as missing', async () => {
    const client = await logIn({ timeouts: { idleMs: 600_000 } })
    vi.useFakeTimers({ toFake: ['performance'] })
    await once(data(await pasv(client)), 'connect')
    await expect.poll(() => gateway.ports.inUse).toBe(0)
    vi.advanceTimersByTime(10_000)
    await client.dialogue('> EPSV', '< 229', '> RETR missing', '< 550')
    vi.advanceTimersByTime(10_000)
    await client.dialogue('> EPSV', '< 229', '> EPSV', '< 229')
    await once(data(await pasv(client)), 'connect')
    await expect.poll(() => gateway.ports.inUse).toBe(0)
    await client.dialogue('> QUIT', '< 221')
    await client.closed()
    expect(missing()).toEqual([])
  })

  test('and hangs up: is not waited for as long as one that is there', async () => {
    const client = await logIn({ timeouts: { dataConnectMs: 600_000 } })
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    await client.dialogue('> EPSV', '< 229', '> LIST', '< 150')
    client.close()
    await expect
      .poll(() => {
        vi.advanceTimersByTime(1_000)
        return gateway.server.sessions
      })
      .toBe(0)
    expect(missing()).toMatchObject([{ cause: 'firewall' }])
  })

  test('and hangs up behind the last byte of an upload: the file is stored', async () => {
    const client = await logIn()
    const port = await pasv(client)
    await client.dialogue('> STOR new', '< 150')
    client.close()
    data(port).end('all of it')
    await expect.poll(() => gateway.server.sessions).toBe(0)
    expect(gateway.backend.content('/new')?.toString()).toBe('all of it')
  })
})
