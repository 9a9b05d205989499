import { expect, test } from 'vitest'
import { Pace } from '../../../src/backend/sftp/pace.ts'

/** A path with a round trip in milliseconds and a bandwidth in bytes a millisecond, driven for some round trips. */
function run(roundTrip: number, bandwidth: number, request: number, rounds: number): Pace {
  let now = 0
  const pace = new Pace(4 * request, () => now)
  let freeAt = 0
  const coming: { at: number; answered: (bytes: number) => void }[] = []
  const end = rounds * roundTrip
  while (now < end) {
    while (coming.length < Math.floor(pace.bytes / request)) {
      freeAt = Math.max(freeAt, now + roundTrip) + request / bandwidth
      coming.push({ at: freeAt, answered: pace.sent() })
    }
    const next = coming.shift()
    if (!next) break
    now = next.at
    next.answered(request)
  }
  return pace
}

test('before the first answer it asks for the least', () => {
  expect(new Pace(1000).bytes).toBe(1000)
})

test('over distance it grows to hold what the path holds, within a few round trips', () => {
  const product = 100 * 100_000
  const pace = run(100, 100_000, 256_000, 12)
  expect(pace.bytes).toBeGreaterThan(product)
  expect(pace.bytes).toBeLessThan(product * 4)
})

test('on a short path it stays small however fast the path is', () => {
  expect(run(0.1, 1_000_000, 256_000, 1000).bytes).toBeLessThan(4 * 256_000 + 1)
})
