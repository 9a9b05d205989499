import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import { PassivePorts } from '../../src/data/passive-ports.ts'
import type { PortLease } from '../../src/data/port-lease.ts'
import type { Event } from '../../src/observe/observer.ts'
import { until } from '../support/data-channel.ts'
import { freeRange } from '../support/free-port.ts'

const host = '127.0.0.1'
const clients: Socket[] = []
const leases: PortLease[] = []
afterEach(() => {
  vi.useRealTimers()
  for (const client of clients.splice(0)) client.destroy()
  for (const lease of leases.splice(0)) lease.close()
})

function client(port: number, localAddress = host): Socket {
  const socket = connect({ port, host, localAddress })
  socket.on('error', () => {})
  clients.push(socket)
  return socket
}

async function lease(ports: PassivePorts, onStranger?: (stranger: string, port: number) => void): Promise<PortLease> {
  const leased = await ports.lease({ localAddress: host, clientAddress: host, onStranger })
  leases.push(leased)
  return leased
}

const patient = { timeoutMs: 10_000, signal: new AbortController().signal }

test('a leased port takes the connection of the client, before or after it is asked for', async () => {
  const events: Event[] = []
  const ports = new PassivePorts(await freeRange(3), (event) => events.push(event))
  const early = await lease(ports)
  const late = await lease(ports)
  expect(ports.inUse).toBe(2)
  await once(client(early.port), 'connect')
  const first = await early.accept(patient)
  const accepting = late.accept(patient)
  client(late.port)
  const second = await accepting
  expect([first.localPort, second.localPort]).toEqual([early.port, late.port])
  expect(first.allowHalfOpen).toBe(true)
  expect(ports.inUse).toBe(0)
  expect(events).toEqual([0, 1, 2, 1, 0].map((inUse) => ({ kind: 'passivePorts', inUse, size: 3 })))
  first.destroy()
  second.destroy()
})

test('0-0 takes any port', async () => {
  const ports = new PassivePorts({ first: 0, last: 0 }, () => {})
  const all = await Promise.all([lease(ports), lease(ports), lease(ports)])
  expect(new Set(all.map(({ port }) => port)).size).toBe(3)
  expect(ports.inUse).toBe(3)
})

test('every port of the range is leased before the range is exhausted, and a freed one is leased again', async () => {
  const range = await freeRange(5)
  const ports = new PassivePorts(range, () => {})
  const all = await Promise.all(Array.from({ length: 5 }, () => lease(ports)))
  expect(all.map(({ port }) => port).toSorted()).toEqual([0, 1, 2, 3, 4].map((i) => range.first + i))
  await expect(lease(ports)).rejects.toMatchObject({
    failure: 'noPort',
    message: 'no passive port is free, 5 are in use',
  })
  all[2]?.close()
  expect((await lease(ports)).port).toBe(all[2]?.port)
})

test('a port that another program uses is passed over', async () => {
  const range = await freeRange(2)
  const other = createServer().listen(range.first, host)
  await once(other, 'listening')
  const ports = new PassivePorts(range, () => {})
  expect((await lease(ports)).port).toBe(range.last)
  await expect(lease(ports)).rejects.toThrow('EADDRINUSE')
  await new Promise((resolve) => other.close(resolve))
})

test('a client gets the same port again within a minute only if there is no other', async () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  const ports = new PassivePorts(await freeRange(3), () => {})
  const next = async () => {
    const leased = await lease(ports)
    leased.close()
    return leased.port
  }
  for (let round = 0; round < 10; round++) {
    const three = [await next(), await next(), await next()]
    expect(new Set(three).size).toBe(3)
    await next()
    vi.advanceTimersByTime(60_000)
  }
})

test('a stranger is turned away and the client still gets in', async () => {
  const strangers: [string, number][] = []
  const ports = new PassivePorts({ first: 0, last: 0 }, () => {})
  const leased = await lease(ports, (stranger, port) => strangers.push([stranger, port]))
  for (let i = 0; i < 3; i++) await once(client(leased.port, '127.0.0.2').resume(), 'close')
  const accepting = leased.accept(patient)
  await once(client(leased.port, '127.0.0.2').resume(), 'close')
  client(leased.port)
  const accepted = await accepting
  expect(accepted.remoteAddress).toBe(host)
  expect(strangers).toEqual([['127.0.0.2', leased.port]])
  accepted.destroy()
})

test('where any peer may come, the first one is taken', async () => {
  const ports = new PassivePorts({ first: 0, last: 0 }, () => {})
  const leased = await ports.lease({ localAddress: host, clientAddress: host, anyPeer: true })
  leases.push(leased)
  client(leased.port, '127.0.0.2')
  const accepted = await leased.accept(patient)
  expect(accepted.remoteAddress).toBe('127.0.0.2')
  accepted.destroy()
})

test('one connection is taken, the port is closed for a second one', async () => {
  const ports = new PassivePorts({ first: 0, last: 0 }, () => {})
  const leased = await lease(ports)
  await once(client(leased.port), 'connect')
  await until('the port is free', () => ports.inUse === 0)
  const [refused] = await once(connect(leased.port, host), 'error')
  expect(refused).toMatchObject({ code: 'ECONNREFUSED' })
  const accepted = await leased.accept(patient)
  accepted.destroy()
})

test('nobody comes: timeout, and the port is free', async () => {
  const ports = new PassivePorts({ first: 0, last: 0 }, () => {})
  const leased = await lease(ports)
  await expect(leased.accept({ ...patient, timeoutMs: 20 })).rejects.toMatchObject({ failure: 'timeout' })
  expect(ports.inUse).toBe(0)
})

test('accepting is aborted by the signal and by closing', async () => {
  const ports = new PassivePorts({ first: 0, last: 0 }, () => {})
  const abort = new AbortController()
  const accepting = (await lease(ports)).accept({ timeoutMs: 10_000, signal: abort.signal })
  abort.abort()
  await expect(accepting).rejects.toMatchObject({ failure: 'aborted' })
  await expect((await lease(ports)).accept({ ...patient, signal: abort.signal })).rejects.toMatchObject({
    failure: 'aborted',
  })
  const closed = await lease(ports)
  const waiting = closed.accept(patient)
  closed.close()
  await expect(waiting).rejects.toMatchObject({ failure: 'aborted' })
  expect(ports.inUse).toBe(0)
})

test('a port that no transfer command uses is closed after two minutes, with the connection that waits there', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const ports = new PassivePorts({ first: 0, last: 0 }, () => {})
  const [unused, connected] = [await lease(ports), await lease(ports)]
  const waiting = client(connected.port)
  await once(waiting, 'connect')
  vi.advanceTimersByTime(119_999)
  expect(unused.open).toBe(true)
  vi.advanceTimersByTime(1)
  expect(unused.open).toBe(false)
  expect(ports.inUse).toBe(0)
  await once(waiting.resume(), 'close')
  await expect(connected.accept(patient)).rejects.toMatchObject({ failure: 'notPrepared' })
})

test('after close nothing listens and nothing is leased', async () => {
  const ports = new PassivePorts({ first: 0, last: 0 }, () => {})
  const leased = await lease(ports)
  const starting = ports.lease({ localAddress: host, clientAddress: host })
  await ports.close()
  await expect(starting).rejects.toMatchObject({ failure: 'noPort' })
  await expect(lease(ports)).rejects.toMatchObject({ failure: 'noPort' })
  expect(leased.open).toBe(false)
  expect(ports.inUse).toBe(0)
})
