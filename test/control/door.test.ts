import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import { Door } from '../../src/control/door.ts'
import type { ListenerPolicy } from '../../src/control/session-options.ts'

const policy: ListenerPolicy = {
  name: 'main',
  tls: 'off',
  requireTls: false,
  sessionReuse: undefined,
  active: undefined,
}

let door: Door
const came: { readonly socket: Socket; readonly listener: string }[] = []
const clients: Socket[] = []
const trouble = vi.fn()

afterEach(() => {
  for (const client of clients.splice(0)) client.destroy()
  for (const { socket } of came.splice(0)) socket.destroy()
  void door.close()
})

async function open(): Promise<void> {
  const enter = (socket: Socket, { name }: ListenerPolicy) => void came.push({ socket, listener: name })
  door = await Door.open({ address: '127.0.0.1', port: 0 }, { enter, trouble })
}

async function arrive(): Promise<Socket> {
  const client = connect(door.port, '127.0.0.1')
  clients.push(client)
  client.on('error', () => {})
  await once(client, 'connect')
  return client
}

const listeners = () => came.map(({ listener }) => listener)

test('who connects before anybody may come in waits, and comes in under the policy that is said then', async () => {
  await open()
  for (let i = 0; i < 3; i++) await arrive()
  const leaving = await arrive()
  leaving.resetAndDestroy()
  // So that all four have been accepted by now.
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(came).toEqual([])
  door.admit(policy)
  await vi.waitFor(() => expect(listeners()).toEqual(['main', 'main', 'main', 'main']))
  door.admit({ ...policy, name: 'other' })
  await arrive()
  await vi.waitFor(() => expect(listeners().at(-1)).toBe('other'))
  expect(trouble).not.toHaveBeenCalled()
})

test('who waits before a door that is closed again is sent away', async () => {
  await open()
  const client = await arrive()
  const gone = once(client, 'close')
  client.resume()
  void door.close()
  await gone
  expect(came).toEqual([])
})

test('nobody comes in where there is no listener any more, and who is in stays', async () => {
  await open()
  door.admit(policy)
  const first = await arrive()
  await vi.waitFor(() => expect(came).toHaveLength(1))
  door.admit('nobody')
  const second = (await arrive()).resume()
  await once(second, 'close')
  first.write('still here')
  const [bytes] = await once(came[0]?.socket as Socket, 'data')
  expect(String(bytes)).toBe('still here')
  expect(came).toHaveLength(1)
})
