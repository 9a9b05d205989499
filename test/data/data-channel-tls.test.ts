import { once } from 'node:events'
import type { Socket } from 'node:net'
import { connect as connectTls, TLSSocket } from 'node:tls'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { DataChannel, OpenRequest } from '../../src/data/data-channel.ts'
import type { Tls } from '../../src/tls/session-tls.ts'
import { testTls, until } from '../support/data-channel.ts'
import {
  channelFor,
  client,
  closeAll,
  closeClients,
  listeningClient,
  request,
  tlsClient,
  willClose,
} from '../support/data-connections.ts'

let tls: Tls
beforeAll(async () => {
  tls = await testTls()
})
afterEach(closeAll)

describe('TLS', () => {
  test('resumption is told, and required where the policy says so', async () => {
    const session = tls.newSession({ reuse: 'require' })
    const { channel, events } = channelFor(session)
    // The control connection, as far as TLS is concerned.
    const { server, port } = await listeningClient()
    const control = tlsClient(port)
    let ticket: Buffer | undefined
    control.on('session', (given) => {
      ticket = given
    })
    const [raw]: Socket[] = await once(server, 'connection')
    if (!raw) throw new Error('no connection')
    willClose(raw)
    await once(new TLSSocket(raw, { isServer: true, secureContext: session.control }), 'secure')
    await until('the client has its session', () => ticket !== undefined)

    for (const direction of ['upload', 'download'] as const) {
      tlsClient((await channel.listen('PASV', 'control')).port, '127.0.0.1', ticket)
      expect(await channel.open(request({ direction, reuse: 'require' }))).toMatchObject({
        reused: true,
        tls: 'TLSv1.2',
      })
      const stranger = tlsClient((await channel.listen('PASV', 'control')).port)
      await expect(channel.open(request({ direction, reuse: 'require' }))).rejects.toMatchObject({
        failure: 'notResumed',
      })
      await until('the stranger is turned away', () => stranger.destroyed)
    }
    const outcomes = events.flatMap((event) => (event.kind === 'tls' ? [event.outcome, event.reused] : []))
    expect(outcomes).toEqual(['ok', true, 'failed', undefined, 'ok', true, 'failed', undefined])
  })

  const versions = ['TLSv1.2', 'TLSv1.3'] as const
  const who = ['its listener', 'its partner'] as const
  for (const [maxVersion, says] of versions.flatMap((version) => who.map((each) => [version, each] as const))) {
    test(`with sessionReuse off, as ${says} says, no data connection resumes the control session on ${maxVersion}`, async () => {
      const session = tls.newSession({ reuse: says === 'its listener' ? 'off' : 'prefer' })
      const { channel } = channelFor(session)
      const { server, port } = await listeningClient()
      const control = tlsClient(port, '127.0.0.1', undefined, maxVersion)
      let ticket: Buffer | undefined
      control.on('session', (given) => {
        ticket = given
      })
      const [raw]: Socket[] = await once(server, 'connection')
      if (!raw) throw new Error('no connection')
      willClose(raw)
      const options = { isServer: true, secureContext: session.control, server: session.resumption as never }
      await once(new TLSSocket(raw, options), 'secure')
      await until('the client has its session', () => ticket !== undefined)
      if (says === 'its partner') session.withoutReuse()
      for (const direction of ['upload', 'download'] as const) {
        tlsClient((await channel.listen('PASV', 'control')).port, '127.0.0.1', ticket, maxVersion)
        expect(await channel.open(request({ direction }))).toMatchObject({ reused: false, tls: maxVersion })
      }
    })
  }

  test('PROT P without TLS on the control connection fails', async () => {
    const { channel } = channelFor(undefined)
    client((await channel.listen('PASV', 'control')).port)
    await expect(channel.open(request())).rejects.toMatchObject({ failure: 'tls' })
  })

  test('ALPN for FTP data is answered, another protocol is refused', async () => {
    const { channel } = channelFor(tls.newSession({ reuse: 'prefer' }))
    for (const [offered, agreed] of [
      ['ftp-data', 'ftp-data'],
      ['ftp', 'ftp'],
      [undefined, false],
    ] as const) {
      const { port } = await channel.listen('PASV', 'control')
      const ALPNProtocols = offered ? [offered] : []
      const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols })
      willClose(socket)
      await channel.open(request())
      await until('the client has finished the handshake', () => socket.alpnProtocol !== null)
      expect(socket.alpnProtocol).toBe(agreed)
    }
    const { port } = await channel.listen('PASV', 'control')
    const foreign = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] })
    foreign.on('error', () => {})
    willClose(foreign)
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
        const { channel, events } = channelFor(tls.newSession({ reuse: 'prefer' }))
        const socket = client((await channel.listen('PASV', 'control')).port)
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
      const { channel } = channelFor(tls.newSession({ reuse: 'prefer' }), { timeouts })
      const silent = client((await channel.listen('PASV', 'control')).port).resume()
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
    const { channel, ports, events } = channelFor(tls.newSession({ reuse: 'prefer' }))
    await prepare(channel)
    const opening = channel.open(request({ ...changes, signal: controller.signal }))
    abort(channel, controller)
    await expect(opening).rejects.toMatchObject({ failure: 'aborted' })
    expect(events).toContainEqual(expect.objectContaining({ kind: 'dataConnection', outcome: 'closed' }))
    expect(ports.inUse).toBe(0)
    await closeClients()
  }
  const ways: [string, (channel: DataChannel, controller: AbortController) => void][] = [
    ['by the signal', (_channel, controller) => controller.abort()],
    ['by closing the channel', (channel) => channel.close()],
    ['by the signal, later', (_channel, controller) => void setTimeout(() => controller.abort(), 20)],
    ['by closing the channel, later', (channel) => void setTimeout(() => channel.close(), 20)],
  ]
  describe.each(ways)('%s', (_way, abort) => {
    test('while the client has not connected', () =>
      aborted({}, async (channel) => void (await channel.listen('PASV', 'control')), abort))

    test.each(['upload', 'download'] as const)('in the TLS handshake of an %s', (direction) =>
      aborted(
        { direction },
        async (channel) => {
          const silent = client((await channel.listen('PASV', 'control')).port)
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
          channel.connectTo({ host: '127.0.0.1', port }, 'refuse')
        },
        abort,
      ))
  })

  test('a signal that has fired already opens nothing', () => {
    const controller = new AbortController()
    controller.abort()
    return aborted(
      { signal: controller.signal },
      async (channel) => void (await channel.listen('PASV', 'control')),
      (channel) => channel.close(),
    )
  })

  test('close drops what waits and what is open, and nothing opens afterwards', async () => {
    const { channel, ports } = channelFor(undefined)
    const socket = client((await channel.listen('PASV', 'control')).port).resume()
    await channel.open(request({ protection: 'C' }))
    await channel.listen('PASV', 'control')
    channel.close()
    channel.close()
    await once(socket, 'end')
    expect(ports.inUse).toBe(0)
    await expect(channel.listen('PASV', 'control')).rejects.toMatchObject({ failure: 'aborted' })
    expect(ports.inUse).toBe(0)
  })
})
