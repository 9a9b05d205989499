import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { receiveInto, sendContent } from '../../src/data/transfer.ts'
import type { Tls } from '../../src/tls/session-tls.ts'
import { MemorySink, testChannel, testTls, until } from '../support/data-channel.ts'
import {
  channelFor,
  client,
  closeAll,
  listeningClient,
  never,
  pieces,
  readAll,
  request,
  tlsClient,
  willClose,
} from '../support/data-connections.ts'

let tls: Tls
beforeAll(async () => {
  tls = await testTls()
})
afterEach(closeAll)

const options = { stallMs: 10_000, signal: never }

describe('passive', () => {
  test('PASV names the advertised address, EPSV the local one', async () => {
    const advertise = async (client: string, local: string) => `${client}/${local}`
    const { channel } = channelFor(undefined, { advertise })
    expect((await channel.listen('PASV', 'control')).host).toBe('127.0.0.1/127.0.0.1')
    expect((await channel.listen('EPSV', 'control')).host).toBe('127.0.0.1')
  })

  test('a new PASV or PORT closes the port that was there', async () => {
    const { channel, ports } = channelFor(undefined)
    const first = await channel.listen('PASV', 'control')
    const second = await channel.listen('EPSV', 'control')
    expect(second.port).not.toBe(first.port)
    expect(ports.inUse).toBe(1)
    channel.connectTo({ host: '127.0.0.1', port: 5000 }, 'refuse')
    expect(ports.inUse).toBe(0)
    expect(channel.prepared).toBe(true)
  })

  test('PASV on an IPv6 control connection is refused and leaves what was prepared', async () => {
    const { channel } = channelFor(undefined, { clientAddress: '::1', localAddress: '::1' })
    await channel.listen('EPSV', 'control')
    await expect(channel.listen('PASV', 'control')).rejects.toMatchObject({ failure: 'wrongFamily' })
    expect(channel.prepared).toBe(true)
  })

  test('over IPv6', async () => {
    const { channel, events } = channelFor(tls.newSession({ reuse: 'prefer' }), {
      clientAddress: '::1',
      localAddress: '::1',
    })
    const { host, port } = await channel.listen('EPSV', 'control')
    const received = readAll(tlsClient(port, host))
    await sendContent(await channel.open(request()), pieces('over ', 'IPv6'), options)
    expect((await received).toString()).toBe('over IPv6')
    expect(events).toContainEqual(expect.objectContaining({ outcome: 'ok', advertised: `[::1]:${port}` }))
  })

  test('nothing prepared is an error, and so is using what was prepared twice', async () => {
    const { channel } = channelFor(undefined)
    expect(channel.prepared).toBe(false)
    await expect(channel.open(request())).rejects.toMatchObject({ failure: 'notPrepared' })
    client((await channel.listen('PASV', 'control')).port)
    await channel.open(request({ protection: 'C' }))
    expect(channel.prepared).toBe(false)
    await expect(channel.open(request())).rejects.toMatchObject({ failure: 'notPrepared' })
  })

  test('nobody comes: timeout, and the operator is told', async () => {
    const timeouts = { dataConnectMs: 20, handshakeMs: 20 }
    const { channel, events } = channelFor(undefined, { timeouts })
    const { port } = await channel.listen('PASV', 'control')
    await expect(channel.open(request())).rejects.toMatchObject({ failure: 'timeout' })
    expect(events).toContainEqual(
      expect.objectContaining({ outcome: 'timeout', mode: 'passive', advertised: `127.0.0.1:${port}` }),
    )
  })

  test('no port: the client and the operator are told', async () => {
    const { ports } = testChannel(undefined)
    await ports.close()
    const { channel, events } = channelFor(undefined, { ports })
    await expect(channel.listen('PASV', 'control')).rejects.toMatchObject({ failure: 'noPort' })
    expect(events).toContainEqual(expect.objectContaining({ outcome: 'no_port' }))
  })

  test('a connection with data that comes before the command waits unread, whichever the protection', async () => {
    const plain = channelFor(undefined)
    const early = client((await plain.channel.listen('PASV', 'control')).port)
    early.end('all of it')
    await until('the port is free', () => plain.ports.inUse === 0)
    const sink = new MemorySink()
    await receiveInto(
      await plain.channel.open(request({ direction: 'upload', protection: 'C' })),
      { sink },
      undefined,
      options,
    )
    expect(sink.content.toString()).toBe('all of it')

    const secure = channelFor(tls.newSession({ reuse: 'prefer' }))
    const secured = tlsClient((await secure.channel.listen('PASV', 'control')).port)
    await until('the port is free', () => secure.ports.inUse === 0)
    const received = readAll(secured)
    await sendContent(await secure.channel.open(request()), pieces('hello'), options)
    expect((await received).toString()).toBe('hello')
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
    await channel.listen('PASV', 'control')
    expect(() => channel.connectTo({ host, port }, 'refuse')).toThrow(
      expect.objectContaining({ failure: 'foreignAddress' }),
    )
    expect(channel.prepared).toBe(true)
  })

  test('EPRT may spell the address of the client in another way', () => {
    const four = channelFor(undefined).channel
    four.connectTo({ host: '::ffff:127.0.0.1', port: 1024 }, 'refuse')
    expect(four.prepared).toBe(true)
    const six = channelFor(undefined, { clientAddress: '::1', localAddress: '::1' }).channel
    six.connectTo({ host: '0:0:0:0:0:0:0:1', port: 65_535 }, 'refuse')
    expect(six.prepared).toBe(true)
  })

  test.each(['127.0.0.1', '::1'])(
    'the gateway connects from its own address to %s and is the TLS server',
    async (host) => {
      const { server, port } = await listeningClient(host)
      const { channel, events } = channelFor(tls.newSession({ reuse: 'prefer' }), {
        clientAddress: host,
        localAddress: host,
      })
      channel.connectTo({ host, port }, 'refuse')
      const opening = channel.open(request())
      const [raw]: Socket[] = await once(server, 'connection')
      if (!raw) throw new Error('no connection')
      willClose(raw)
      expect(raw.remoteAddress).toBe(host)
      const received = readAll(connectTls({ socket: raw, rejectUnauthorized: false }))
      await sendContent(await opening, pieces('active'), options)
      expect((await received).toString()).toBe('active')
      expect(events).toContainEqual(expect.objectContaining({ kind: 'dataConnection', mode: 'active', outcome: 'ok' }))
    },
  )

  test('a client that listens a little later is still reached', async () => {
    const { server, port } = await listeningClient()
    await new Promise((resolve) => server.close(resolve))
    const { channel } = channelFor(undefined)
    channel.connectTo({ host: '127.0.0.1', port }, 'refuse')
    const opening = channel.open(request({ protection: 'C' }))
    await new Promise((resolve) => setTimeout(resolve, 100))
    const late = createServer().listen(port, '127.0.0.1')
    willClose({ destroy: () => late.close() })
    late.on('connection', (socket) => willClose(socket))
    await opening
  })

  test('a client that does not listen: refused, and the operator is told', async () => {
    const { server, port } = await listeningClient()
    await new Promise((resolve) => server.close(resolve))
    const { channel, events } = channelFor(undefined)
    channel.connectTo({ host: '127.0.0.1', port }, 'refuse')
    await expect(channel.open(request())).rejects.toMatchObject({ failure: 'refused' })
    expect(events).toContainEqual(expect.objectContaining({ outcome: 'refused', advertised: `127.0.0.1:${port}` }))
  })
})

test('strangers are reported and the transfer works', async () => {
  const { channel, events } = channelFor(undefined)
  const { port } = await channel.listen('PASV', 'control')
  const stranger = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.2' }).resume()
  await once(stranger, 'close')
  const received = readAll(client(port))
  await sendContent(await channel.open(request({ protection: 'C' })), pieces('mine'), options)
  expect((await received).toString()).toBe('mine')
  const outcomes = events.flatMap((event) => (event.kind === 'dataConnection' ? [event.outcome] : []))
  expect(outcomes).toEqual(['wrong_peer', 'ok'])
})
