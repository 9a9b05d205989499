import { once } from 'node:events'
import type { Server, Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { SourcePorts } from '../../src/data/source-ports.ts'
import type { Event } from '../../src/observe/observer.ts'
import { channelFor, closeAll, listeningClient, request, willClose } from '../support/data-connections.ts'
import { freePort, freeRange } from '../support/free-port.ts'

afterEach(closeAll)

const host = '127.0.0.1'
const plain = request({ protection: 'C' })

async function connectionOf(server: Server): Promise<Socket> {
  const [socket]: Socket[] = await once(server, 'connection')
  if (!socket) throw new Error('no connection')
  return willClose(socket)
}

const from = (first: number, last = first) => ({ sourcePorts: new SourcePorts({ first, last }, () => {}) })

describe('T16: active mode', () => {
  test('connects from the port that is set, to two clients at the same time', async () => {
    const sourcePort = await freePort()
    for (let i = 0; i < 2; i++) {
      const { server, port } = await listeningClient()
      const { channel } = channelFor(undefined, from(sourcePort))
      channel.connectTo({ host, port }, 'refuse')
      const [connection] = await Promise.all([connectionOf(server), channel.open(plain)])
      expect(connection.remotePort).toBe(sourcePort)
    }
  })

  test('connects from any port where the set one goes to the same address and port already', async () => {
    const sourcePort = await freePort()
    const { server, port } = await listeningClient()
    const remotePorts: (number | undefined)[] = []
    for (let i = 0; i < 2; i++) {
      const { channel } = channelFor(undefined, from(sourcePort))
      channel.connectTo({ host, port }, 'refuse')
      const [connection] = await Promise.all([connectionOf(server), channel.open(plain)])
      remotePorts.push(connection.remotePort)
    }
    expect(remotePorts[0]).toBe(sourcePort)
    expect(remotePorts[1]).not.toBe(sourcePort)
  })

  test('connects from the range that is set', async () => {
    const { first, last } = await freeRange(4)
    const { server, port } = await listeningClient()
    for (let i = 0; i < 3; i++) {
      const { channel } = channelFor(undefined, from(first, last))
      channel.connectTo({ host, port }, 'refuse')
      const [connection] = await Promise.all([connectionOf(server), channel.open(plain)])
      expect(connection.remotePort).toBeGreaterThanOrEqual(first)
      expect(connection.remotePort).toBeLessThanOrEqual(last)
      connection.resetAndDestroy()
    }
  })

  test('refused: within the time for it, and the operator and the client hear of passive mode', async () => {
    const { server, port } = await listeningClient()
    await new Promise((resolve) => server.close(resolve))
    const { channel, events } = channelFor(undefined)
    channel.connectTo({ host, port }, 'refuse')
    const hint = 'Behind NAT or a firewall use passive mode. (session test)'
    await expect(channel.open(plain)).rejects.toMatchObject({ failure: 'refused', hint })
    const missing = events.flatMap((event) => (event.kind === 'dataConnection' ? [event.missing] : []))
    expect(missing).toMatchObject([{ client: host, cause: 'client_refuses' }])
  })

  test.each([
    ['the address of somebody else', '127.0.0.2', 5000],
    ['a private address', '192.168.1.5', 5000],
    ['an IPv6 address', '::1', 5000],
    ['port 1023', host, 1023],
    ['port 0', host, 0],
  ])('%s is refused and told', (_what, named, port) => {
    const { channel, events } = channelFor(undefined)
    const failing = () => channel.connectTo({ host: named, port }, 'refuse')
    expect(failing).toThrow(expect.objectContaining({ failure: 'foreignAddress' }))
    expect(channel.prepared).toBe(false)
    const connections = events.filter(({ kind }) => kind === 'dataConnection')
    expect(connections).toMatchObject([
      { mode: 'active', outcome: 'wrong_peer', missing: { cause: 'foreign_address' } },
    ])
  })

  test('a listener of the gateway itself is refused, on this machine only', () => {
    const isListener = (port: number) => port === 2121
    const near = channelFor(undefined, { isListener }).channel
    expect(() => near.connectTo({ host, port: 2121 }, 'refuse')).toThrow()
    near.connectTo({ host, port: 2122 }, 'refuse')
    const far = channelFor(undefined, { isListener, localAddress: '127.0.0.9' }).channel
    far.connectTo({ host, port: 2121 }, 'refuse')
    expect([near.prepared, far.prepared]).toEqual([true, true])
  })

  test('a private address is replaced by the one of the client where that is set, and any other is not', async () => {
    const { server, port } = await listeningClient()
    const { channel, events } = channelFor(undefined)
    channel.connectTo({ host: '192.168.1.5', port }, 'rewrite')
    const [connection] = await Promise.all([connectionOf(server), channel.open(plain)])
    expect(connection.localAddress).toBe(host)
    expect(events.at(-1)).toMatchObject({ outcome: 'ok', advertised: `192.168.1.5:${port}` })
    for (const other of ['198.51.100.7', 'fd00::5']) {
      expect(() => channel.connectTo({ host: other, port }, 'rewrite')).toThrow()
    }
    expect(() => channel.connectTo({ host: '192.168.1.5', port: 80 }, 'rewrite')).toThrow()
  })
})

test('a source port without the right to use it is reported once', () => {
  const events: Event[] = []
  const ports = new SourcePorts({ first: 20, last: 20 }, (event) => events.push(event))
  expect(ports.candidates()).toEqual([20, 0])
  expect([ports.isToBlame(20, 'EACCES'), ports.isToBlame(20, 'EACCES'), ports.isToBlame(20, 'EADDRINUSE')]).toEqual([
    true,
    true,
    true,
  ])
  expect([ports.isToBlame(0, 'EADDRNOTAVAIL'), ports.isToBlame(20, 'ECONNREFUSED')]).toEqual([false, false])
  expect(events).toMatchObject([{ kind: 'warning', topic: 'active_source_port' }])
})
