import { expect, test } from 'vitest'
import { BackendError } from '../../src/backend/backend.ts'
import { RefusalTimes } from '../../src/partners/refusal-times.ts'

function setUp() {
  let time = 0
  const waited: number[] = []
  const times = new RefusalTimes({ now: () => time, wait: async (ms) => void waited.push(ms) })
  const attempt = (ms: number, error?: Error) =>
    times
      .measure('main', async () => {
        time += ms
        if (error) throw error
      })
      .catch(() => {})
  return { times, waited, attempt }
}

const refused = new BackendError('loginRefused', 'no')

test('one refusal takes as long as the newest one that the backend made', async () => {
  const { times, waited, attempt } = setUp()
  await attempt(3000, refused)
  await attempt(2000, refused)
  await times.wait('main')
  expect(waited).toEqual([2000])
})

test('nobody waits for a backend that has refused nobody yet, and successes and failures say nothing', async () => {
  const { times, waited, attempt } = setUp()
  await attempt(500)
  await attempt(10_000, new BackendError('unavailable', 'away'))
  await times.wait('main')
  await times.wait('other')
  expect(waited).toEqual([])
})
