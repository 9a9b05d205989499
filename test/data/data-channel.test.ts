import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { connect as connectTls, TLSSocket } from 'node:tls'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { DataChannel, OpenRequest } from '../../src/data/data-channel.ts'
import { receiveInto, sendContent } from '../../src/data/transfer.ts'
import type { SessionTls, Tls } from '../../src/tls/session-tls.ts'
import { MemorySink, testChannel, testTls, until } from '../support/data-channel.ts'

let tls: Tls
beforeAll(async () => {
  tls = await testTls()
})

const opened: { destroy(): unknown }[] = []
const channels: DataChannel[] = []
afterEach(async () => {
  for (const channel of channels.splice(0)) channel.close()
  for (const socket of opened.splice(0)) socket.destroy()
  await until('every socket is closed', () => openSockets() === 0)
})

/** Sockets and listeners of this process. */
function openSockets(): number {
  return process.getActiveResourcesInfo().filter((resource) => /^(TCP|TLS)/.test(resource)).length
}

function channelFor(session: SessionTls | undefined, options: Parameters<typeof testChannel>[1] = {}) {
  const made = testChannel(session, options)
  channels.push(made.channel)
  return made
}

function client(port: number, host = '127.0.0.1'): Socket {
  const socket = connect({ port, host, allowHalfOpen: true })
  socket.on('error', () => {})
  opened.push(socket)
  return socket
}

function tlsClient(port: number, host = '127.0.0.1', session?: Buffer): TLSSocket {
  const socket = connectTls({ port, host, rejectUnauthorized: false, ...(session && { session }) })
  socket.on('error', () => {})
  opened.push(socket)
  return socket
}

const never = new AbortController().signal
function request(changes: Partial<OpenRequest> = {}): OpenRequest {
  return { direction: 'download', protection: 'P', acceptFin: () => false, signal: never, ...changes }
}
const options = { stallMs: 10_000, signal: never }

async function* content(...chunks: string[]): AsyncGenerator<Buffer> {
  for (const chunk of chunks) yield Buffer.from(chunk)
}

async function read(socket: Socket): Promise<string> {
  let text = ''
  for await (const chunk of socket) text += chunk
  return text
}

/** A client that listens for an active data connection. */
async function listeningClient(host = '127.0.0.1'): Promise<{ server: Server; port: number }> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(0, host)
  opened.push({ destroy: () => server.close() })
  await once(server, 'listening')
  return { server, port: (server.address() as AddressInfo).port }
}

describe('passive', () => {
  test('PASV names the advertised address, EPSV the local one', async () => {
    const advertise = async (client: string, local: string) => `${client}/${local}`
    const { channel } = channelFor(undefined, { advertise })
    expect((await channel.listen('PASV')).host).toBe('127.0.0.1/127.0.0.1')
    expect((await channel.listen('EPSV')).host).toBe('127.0.0.1')
  })

  test('a new PASV or PORT closes the port that was there', async () => {
    const { channel, ports } = channelFor(undefined)
    const first = await channel.listen('PASV')
    const second = await channel.listen('EPSV')
    expect(second.port).not.toBe(first.port)
    expect(ports.inUse).toBe(1)
    channel.connectTo({ host: '127.0.0.1', port: 5000 })
    expect(ports.inUse).toBe(0)
    expect(channel.prepared).toBe(true)
  })

  test('PASV on an IPv6 control connection is refused and leaves what was prepared', async () => {
    const { channel } = channelFor(undefined, { clientAddress: '::1', localAddress: '::1' })
    await channel.listen('EPSV')
    await expect(channel.listen('PASV')).rejects.toMatchObject({ failure: 'wrongFamily' })
    expect(channel.prepared).toBe(true)
  })

  test('over IPv6', async () => {
    const { channel, events } = channelFor(tls.newSession(), { clientAddress: '::1', localAddress: '::1' })
    const { host, port } = await channel.listen('EPSV')
    const received = read(tlsClient(port, host))
    await sendContent(await channel.open(request()), content('over ', 'IPv6'), options)
    expect(await received).toBe('over IPv6')
    expect(events).toContainEqual(expect.objectContaining({ outcome: 'ok', advertised: `[::1]:${port}` }))
  })

  test('nothing prepared is an error, and so is using what was prepared twice', async () => {
    const { channel } = channelFor(undefined)
    expect(channel.prepared).toBe(false)
    await expect(channel.open(request())).rejects.toMatchObject({ failure: 'notPrepared' })
    client((await channel.listen('PASV')).port)
    await channel.open(request({ protection: 'C' }))
    expect(channel.prepared).toBe(false)
    await expect(channel.open(request())).rejects.toMatchObject({ failure: 'notPrepared' })
  })

  test('nobody comes: timeout, and the operator is told', async () => {
    const timeouts = { dataConnectMs: 20, handshakeMs: 20 }
    const { channel, events } = channelFor(undefined, { timeouts })
    const { port } = await channel.listen('PASV')
    await expect(channel.open(request())).rejects.toMatchObject({ failure: 'timeout' })
    expect(events).toContainEqual(
      expect.objectContaining({ outcome: 'timeout', mode: 'passive', advertised: `127.0.0.1:${port}` }),
    )
  })

  test('no port: the client and the operator are told', async () => {
    const { ports } = testChannel(undefined)
    await ports.close()
    const { channel, events } = channelFor(undefined, { ports })
    await expect(channel.listen('PASV')).rejects.toMatchObject({ failure: 'noPort' })
    expect(events).toContainEqual(expect.objectContaining({ outcome: 'no_port' }))
  })

  test('a connection with data that comes before the command waits unread, whichever the protection', async () => {
    const plain = channelFor(undefined)
    const early = client((await plain.channel.listen('PASV')).port)
    early.end('all of it')
    await until('the port is free', () => plain.ports.inUse === 0)
    const sink = new MemorySink()
    await receiveInto(
      await plain.channel.open(request({ direction: 'upload', protection: 'C' })),
      sink,
      undefined,
      options,
    )
    expect(sink.content.toString()).toBe('all of it')

    const secure = channelFor(tls.newSession())
    const secured = tlsClient((await secure.channel.listen('PASV')).port)
    await until('the port is free', () => secure.ports.inUse === 0)
    const received = read(secured)
    await sendContent(await secure.channel.open(request()), content('hello'), options)
    expect(await received).toBe('hello')
  })
})

describe('active', () => {
  test.each([
    ['another host', '127.0.0.2', 5000],
    ['a host name', 'localhost', 5000],
    ['an IPv6 host', '::1', 5000],
    ['a system port', '127.0.0.1', 1023],
  ])('PORT with %s is refused and leaves what was prepared', async (_what, host, port) => {
    const { channel } = channelFor(undefined)
    await channel.listen('PASV')
    expect(() => channel.connectTo({ host, port })).toThrow(expect.objectContaining({ failure: 'foreignAddress' }))
    expect(channel.prepared).toBe(true)
  })

  test('EPRT may spell the address of the client in another way', () => {
    const four = channelFor(undefined).channel
    four.connectTo({ host: '::ffff:127.0.0.1', port: 1024 })
    expect(four.prepared).toBe(true)
    const six = channelFor(undefined, { clientAddress: '::1', localAddress: '::1' }).channel
    six.connectTo({ host: '0:0:0:0:0:0:0:1', port: 65_535 })
    expect(six.prepared).toBe(true)
  })

  test.each(['127.0.0.1', '::1'])(
    'the gateway connects from its own address to %s and is the TLS server',
    async (host) => {
      const { server, port } = await listeningClient(host)
      const { channel, events } = channelFor(tls.newSession(), { clientAddress: host, localAddress: host })
      channel.connectTo({ host, port })
      const opening = channel.open(request())
      const [raw]: Socket[] = await once(server, 'connection')
      if (!raw) throw new Error('no connection')
      opened.push(raw)
      expect(raw.remoteAddress).toBe(host)
      const received = read(connectTls({ socket: raw, rejectUnauthorized: false }))
      await sendContent(await opening, content('active'), options)
      expect(await received).toBe('active')
      expect(events).toContainEqual(expect.objectContaining({ kind: 'dataConnection', mode: 'active', outcome: 'ok' }))
    },
  )

  test('a client that listens a little later is still reached', async () => {
    const { server, port } = await listeningClient()
    await new Promise((resolve) => server.close(resolve))
    const { channel } = channelFor(undefined)
    channel.connectTo({ host: '127.0.0.1', port })
    const opening = channel.open(request({ protection: 'C' }))
    await new Promise((resolve) => setTimeout(resolve, 100))
    const late = createServer().listen(port, '127.0.0.1')
    opened.push({ destroy: () => late.close() })
    late.on('connection', (socket) => opened.push(socket))
    await opening
  })

  test('a client that does not listen: refused, and the operator is told', async () => {
    const { server, port } = await listeningClient()
    await new Promise((resolve) => server.close(resolve))
    const { channel, events } = channelFor(undefined)
    channel.connectTo({ host: '127.0.0.1', port })
    await expect(channel.open(request())).rejects.toMatchObject({ failure: 'refused' })
    expect(events).toContainEqual(expect.objectContaining({ outcome: 'refused', advertised: `127.0.0.1:${port}` }))
  })
})

describe('TLS', () => {
  test('resumption is told, and required where the policy says so', async () => {
    const capped = await testTls({ sessionReuse: 'require' })
    const session = capped.newSession()
    const { channel, events } = channelFor(session, { reuse: 'require' })
    // The control connection, as far as TLS is concerned.
    const { server, port } = await listeningClient()
    const control = tlsClient(port)
    let ticket: Buffer | undefined
    control.on('session', (given) => {
      ticket = given
    })
    const [raw]: Socket[] = await once(server, 'connection')
    if (!raw) throw new Error('no connection')
    opened.push(raw)
    await once(new TLSSocket(raw, { isServer: true, secureContext: session.control }), 'secure')
    await until('the client has its session', () => ticket !== undefined)

    for (const direction of ['upload', 'download'] as const) {
      tlsClient((await channel.listen('PASV')).port, '127.0.0.1', ticket)
      expect(await channel.open(request({ direction }))).toMatchObject({ reused: true, tls: 'TLSv1.2' })
      const stranger = tlsClient((await channel.listen('PASV')).port)
      await expect(channel.open(request({ direction }))).rejects.toMatchObject({ failure: 'notResumed' })
      await until('the stranger is turned away', () => stranger.destroyed)
    }
    const outcomes = events.flatMap((event) => (event.kind === 'tls' ? [event.outcome, event.reused] : []))
    expect(outcomes).toEqual(['ok', true, 'failed', undefined, 'ok', true, 'failed', undefined])
  })

  test('PROT P without TLS on the control connection fails', async () => {
    const { channel } = channelFor(undefined)
    client((await channel.listen('PASV')).port)
    await expect(channel.open(request())).rejects.toMatchObject({ failure: 'tls' })
  })

  test('ALPN for FTP data is answered, another protocol is refused', async () => {
    const { channel } = channelFor(tls.newSession())
    for (const [offered, agreed] of [
      ['ftp-data', 'ftp-data'],
      ['ftp', 'ftp'],
      [undefined, false],
    ] as const) {
      const { port } = await channel.listen('PASV')
      const ALPNProtocols = offered ? [offered] : []
      const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols })
      opened.push(socket)
      await channel.open(request())
      await until('the client has finished the handshake', () => socket.alpnProtocol !== null)
      expect(socket.alpnProtocol).toBe(agreed)
    }
    const { port } = await channel.listen('PASV')
    const foreign = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] })
    foreign.on('error', () => {})
    opened.push(foreign)
    await expect(channel.open(request())).rejects.toMatchObject({ failure: 'tls' })
  })

  const spoilers: [string, (socket: Socket) => void][] = [
    ['speaks no TLS', (socket) => socket.write('GET / HTTP/1.1\r\n\r\n')],
    ['ends at once', (socket) => socket.end()],
    ['ends in its first record', (socket) => socket.end(Buffer.from('160301', 'hex'))],
    ['resets at once', (socket) => socket.resetAndDestroy()],
    ['resets after a part of its first record', (socket) => socket.write('\x16', () => socket.resetAndDestroy())],
  ]
  for (const direction of ['upload', 'download'] as const) {
    test.each(spoilers)(
      `a client of an ${direction} that %s instead of a handshake fails as tls`,
      async (_what, spoil) => {
        const { channel, events } = channelFor(tls.newSession())
        const socket = client((await channel.listen('PASV')).port)
        socket.once('connect', () => spoil(socket))
        socket.resume()
        await expect(channel.open(request({ direction, acceptFin: () => true }))).rejects.toMatchObject({
          failure: 'tls',
        })
        expect(events).toContainEqual(expect.objectContaining({ kind: 'tls', outcome: 'failed', channel: 'data' }))
        expect(events).toContainEqual(expect.objectContaining({ kind: 'dataConnection', outcome: 'tls' }))
        if (!socket.destroyed) await once(socket, 'end')
      },
    )

    test(`a client of an ${direction} that says nothing fails as tls`, async () => {
      const timeouts = { dataConnectMs: 10_000, handshakeMs: 30 }
      const { channel } = channelFor(tls.newSession(), { timeouts })
      const silent = client((await channel.listen('PASV')).port).resume()
      await expect(channel.open(request({ direction }))).rejects.toMatchObject({ failure: 'tls' })
      await once(silent, 'end')
    })
  }
})

describe('abort', () => {
  /** Opens with an abort signal; `meanwhile` says when to abort. */
  async function aborted(
    changes: Partial<OpenRequest>,
    prepare: (channel: DataChannel) => Promise<void>,
    abort: (channel: DataChannel, controller: AbortController) => void,
  ): Promise<void> {
    const controller = new AbortController()
    const { channel, ports, events } = channelFor(tls.newSession())
    await prepare(channel)
    const opening = channel.open(request({ ...changes, signal: controller.signal }))
    abort(channel, controller)
    await expect(opening).rejects.toMatchObject({ failure: 'aborted' })
    expect(events).toContainEqual(expect.objectContaining({ kind: 'dataConnection', outcome: 'closed' }))
    expect(ports.inUse).toBe(0)
    for (const socket of opened.splice(0)) socket.destroy()
    await until('every socket is closed', () => openSockets() === 0)
  }
  const ways: [string, (channel: DataChannel, controller: AbortController) => void][] = [
    ['by the signal', (_channel, controller) => controller.abort()],
    ['by closing the channel', (channel) => channel.close()],
    ['by the signal, later', (_channel, controller) => void setTimeout(() => controller.abort(), 20)],
    ['by closing the channel, later', (channel) => void setTimeout(() => channel.close(), 20)],
  ]
  describe.each(ways)('%s', (_way, abort) => {
    test('while the client has not connected', () =>
      aborted({}, async (channel) => void (await channel.listen('PASV')), abort))

    test.each(['upload', 'download'] as const)('in the TLS handshake of an %s', (direction) =>
      aborted(
        { direction },
        async (channel) => {
          const silent = client((await channel.listen('PASV')).port)
          await once(silent, 'connect')
        },
        abort,
      ),
    )

    test('while connecting to the client', () =>
      aborted(
        {},
        async (channel) => {
          const { server, port } = await listeningClient()
          await new Promise((resolve) => server.close(resolve))
          channel.connectTo({ host: '127.0.0.1', port })
        },
        abort,
      ))
  })

  test('a signal that has fired already opens nothing', () => {
    const controller = new AbortController()
    controller.abort()
    return aborted(
      { signal: controller.signal },
      async (channel) => void (await channel.listen('PASV')),
      (channel) => channel.close(),
    )
  })

  test('close drops what waits and what is open, and nothing opens afterwards', async () => {
    const { channel, ports } = channelFor(undefined)
    const socket = client((await channel.listen('PASV')).port).resume()
    await channel.open(request({ protection: 'C' }))
    await channel.listen('PASV')
    channel.close()
    channel.close()
    await once(socket, 'end')
    expect(ports.inUse).toBe(0)
    await expect(channel.listen('PASV')).rejects.toMatchObject({ failure: 'aborted' })
    expect(ports.inUse).toBe(0)
  })
})

test('strangers are reported and the transfer works', async () => {
  const { channel, events } = channelFor(undefined)
  const { port } = await channel.listen('PASV')
  const stranger = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.2' }).resume()
  await once(stranger, 'close')
  const received = read(client(port))
  await sendContent(await channel.open(request({ protection: 'C' })), content('mine'), options)
  expect(await received).toBe('mine')
  const outcomes = events.flatMap((event) => (event.kind === 'dataConnection' ? [event.outcome] : []))
  expect(outcomes).toEqual(['wrong_peer', 'ok'])
})
