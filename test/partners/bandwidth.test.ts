import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Bandwidth } from '../../src/partners/bandwidth.ts'

test('bytes pass at the rate, one chunk after the other', () => {
  const bandwidth = new Bandwidth(1000)
  const waits = Array.from({ length: 5 }, () => bandwidth.reserve(1000, 0))
  expect(waits).toEqual([0, 800, 1800, 2800, 3800])
})

test('what was not used in a long pause is not given later', () => {
  const bandwidth = new Bandwidth(1000)
  bandwidth.reserve(1000, 0)
  expect(bandwidth.reserve(1000, 3_600_000)).toBe(0)
  expect(bandwidth.reserve(1000, 3_600_000)).toBe(800)
})

test('several that take at once share the rate', () => {
  const bandwidth = new Bandwidth(10_000)
  let [a, b] = [0, 0]
  for (let i = 0; i < 20; i++) {
    a = Math.max(a, bandwidth.reserve(500, 0))
    b = Math.max(b, bandwidth.reserve(500, 0))
  }
  // 20 000 bytes, less the last chunk and what 200 ms are worth.
  expect([a, b]).toEqual([1700, 1750])
})

test('in no span of time do more bytes pass than the rate allows, one chunk, and 200 ms', () => {
  const steps = fc.array(fc.record({ bytes: fc.integer({ min: 1, max: 65_536 }), pause: fc.nat(5000) }), {
    minLength: 1,
  })
  fc.assert(
    fc.property(steps, fc.integer({ min: 1024, max: 10_000_000 }), (asked, rate) => {
      const bandwidth = new Bandwidth(rate)
      let now = 0
      const passed = asked.map(({ bytes, pause }) => {
        now += pause
        return { bytes, at: now + bandwidth.reserve(bytes, now) }
      })
      for (const [i, from] of passed.entries()) {
        let bytes = 0
        for (const { bytes: more, at } of passed.slice(i)) {
          bytes += more
          expect(bytes).toBeLessThanOrEqual(((at - from.at + 200) * rate) / 1000 + 65_536 + 1)
        }
      }
    }),
    { numRuns: 50 },
  )
})
