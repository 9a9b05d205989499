import { expect, test } from 'vitest'
import { sliceOf } from '../../src/data/port-slice.ts'

test.each([
  [{ first: 50_000, last: 50_099 }, 1],
  [{ first: 50_000, last: 50_099 }, 3],
  [{ first: 50_000, last: 51_000 }, 7],
  [{ first: 50_000, last: 50_004 }, 5],
])('the shares of %j for %i gateways are all of it, none twice, and as equal as can be', (range, count) => {
  const shares = Array.from({ length: count }, (_, index) => sliceOf(range, { index, count }))
  const ports = shares.flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, i) => first + i))
  expect(ports).toEqual(Array.from({ length: range.last - range.first + 1 }, (_, i) => range.first + i))
  const sizes = shares.map(({ first, last }) => last - first + 1)
  expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
})

test('any free port is any free port for everybody', () => {
  expect(sliceOf({ first: 0, last: 0 }, { index: 0, count: 1 })).toEqual({ first: 0, last: 0 })
})
