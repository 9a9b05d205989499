import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { passedSockets } from '../../src/cli/passed-sockets.ts'
import { type Send, type ServiceManager, serviceManager } from '../../src/cli/service-manager.ts'

let manager: ServiceManager | undefined
beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(async () => {
  await manager?.close()
  vi.useRealTimers()
})

const trouble = (message: string) => {
  throw new Error(message)
}

/** A manager whose messages are kept, and delivered when the test says so. */
function listening(env: NodeJS.ProcessEnv) {
  const said: string[] = []
  const waiting: (() => void)[] = []
  const send: Send = (message) => {
    said.push(message.join(' '))
    return new Promise((delivered) => waiting.push(delivered))
  }
  manager = serviceManager({ NOTIFY_SOCKET: '/run/notify', ...env }, trouble, send)
  const deliver = async () => {
    waiting.shift()?.()
    await vi.advanceTimersByTimeAsync(0)
  }
  const end = async () => {
    for (const delivered of waiting) delivered()
    await vi.advanceTimersByTimeAsync(0)
  }
  return { said, deliver, end, manager }
}

describe('A service manager', () => {
  test('hears one message after the other, in their order', async () => {
    const { said, deliver, manager: told } = listening({})
    told.ready('serving')
    told.reloading()
    told.stopping('bye')
    await vi.advanceTimersByTimeAsync(0)
    expect(said).toEqual(['READY=1 STATUS=serving'])
    await deliver()
    expect(said.at(-1)).toMatch(/^RELOADING=1 MONOTONIC_USEC=\d+$/)
    await deliver()
    expect(said.slice(2)).toEqual(['STOPPING=1 STATUS=bye'])
    await deliver()
  })

  test('gets a sign of life twice within the time of its watchdog, and none behind one that is under way', async () => {
    const { said, deliver, end } = listening({ WATCHDOG_USEC: '60000000', WATCHDOG_PID: String(process.pid) })
    await vi.advanceTimersByTimeAsync(29_999)
    expect(said).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    expect(said).toEqual(['WATCHDOG=1'])
    await vi.advanceTimersByTimeAsync(90_000)
    expect(said).toEqual(['WATCHDOG=1'])
    await deliver()
    await vi.advanceTimersByTimeAsync(30_000)
    expect(said).toEqual(['WATCHDOG=1', 'WATCHDOG=1'])
    await end()
  })

  test.each([
    ['without a watchdog', {}],
    ['whose watchdog is for another process', { WATCHDOG_USEC: '1000000', WATCHDOG_PID: '1' }],
    ['whose watchdog has no time', { WATCHDOG_USEC: 'soon' }],
  ])('%s gets no signs of life', async (_, env) => {
    const { said } = listening(env)
    await vi.advanceTimersByTimeAsync(600_000)
    expect(said).toEqual([])
  })

  test('that did not start us is told nothing', async () => {
    const send = vi.fn<Send>(async () => {})
    manager = serviceManager({ WATCHDOG_USEC: '1000000' }, trouble, send)
    manager.ready('serving')
    await vi.advanceTimersByTimeAsync(5_000)
    expect(send).not.toHaveBeenCalled()
  })

  test('that cannot be reached is complained of once', async () => {
    vi.useRealTimers()
    const complaints: string[] = []
    manager = serviceManager({ NOTIFY_SOCKET: '/nowhere', PATH: '/nowhere' }, (text) => complaints.push(text))
    manager.ready('serving')
    manager.stopping('bye')
    await manager.close()
    expect(complaints).toEqual([expect.stringMatching(/^systemd hears nothing .*systemd-notify cannot be started: /)])
  })
})

describe('Passed sockets', () => {
  test('have the names of their units; a unit with two addresses has two', () => {
    const env = { LISTEN_PID: '7', LISTEN_FDS: '3', LISTEN_FDNAMES: 'explicit:implicit:explicit' }
    expect([...passedSockets(env, 7)]).toEqual([
      ['explicit', [3, 5]],
      ['implicit', [4]],
    ])
  })

  test.each([
    ['are none without the variables', {}],
    ['of another process are none of ours', { LISTEN_PID: '8', LISTEN_FDS: '1' }],
    ['without a number are none', { LISTEN_PID: '7', LISTEN_FDS: 'all' }],
  ])('%s', (_, env) => {
    expect(passedSockets(env, 7).size).toBe(0)
  })
})
