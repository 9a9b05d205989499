import { Socket } from 'node:net'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { watchProgress } from '../../src/data/watch-progress.ts'

const stallMs = 1000
const moving = { bytes: 0, unsent: 0, inSystem: 0 }
let controller: AbortController
let failure: unknown

beforeEach(() => {
  vi.useFakeTimers()
  Object.assign(moving, { bytes: 0, unsent: 0, inSystem: 0 })
  controller = new AbortController()
  failure = undefined
})
afterEach(() => {
  vi.useRealTimers()
})

function watch() {
  const connection = {
    stream: new Socket(),
    tls: undefined,
    reused: undefined,
    get bytes() {
      return moving.bytes
    },
    get unsent() {
      return moving.unsent
    },
    inSystem: async () => moving.inSystem,
    cipher: undefined,
    endOfData: 'none',
    end: async () => {},
    close: () => {},
  } as const
  const made = watchProgress(connection, { stallMs, signal: controller.signal })
  made.failed.catch((error) => {
    failure = error
  })
  return made
}

test('nothing moves: stalled, in good time', async () => {
  watch()
  await vi.advanceTimersByTimeAsync(stallMs)
  expect(failure).toBeUndefined()
  await vi.advanceTimersByTimeAsync(stallMs / 4)
  expect(failure).toMatchObject({ failure: 'stalled', message: 'nothing moved for 1000 ms after 0 bytes' })
})

test.each(['bytes', 'unsent', 'inSystem'] as const)('it is no stall as long as %s change', async (what) => {
  const { stop } = watch()
  for (let i = 0; i < 20; i++) {
    moving[what]++
    await vi.advanceTimersByTimeAsync(stallMs * 0.9)
  }
  expect(failure).toBeUndefined()
  await vi.advanceTimersByTimeAsync(stallMs * 1.5)
  expect(failure).toMatchObject({ failure: 'stalled' })
  stop()
})

test('the time of others does not count, and the client has all of its own time afterwards', async () => {
  const { clientTurn } = watch()
  clientTurn(false)
  await vi.advanceTimersByTimeAsync(stallMs * 10)
  clientTurn(true)
  await vi.advanceTimersByTimeAsync(stallMs * 0.9)
  expect(failure).toBeUndefined()
  await vi.advanceTimersByTimeAsync(stallMs / 2)
  expect(failure).toMatchObject({ failure: 'stalled' })
})

test('the signal ends it, also one that fired before', async () => {
  watch()
  controller.abort()
  await vi.advanceTimersByTimeAsync(0)
  expect(failure).toMatchObject({ failure: 'aborted' })
  failure = undefined
  watch()
  await vi.advanceTimersByTimeAsync(0)
  expect(failure).toMatchObject({ failure: 'aborted' })
})

test('after stop there is no timer', () => {
  watch().stop()
  expect(vi.getTimerCount()).toBe(0)
})
