import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RecordBoundary } from '../../src/tls/record-boundary.ts'

function record(length: number): Buffer {
  const bytes = Buffer.alloc(5 + length, 0xff)
  bytes.set([23, 3, 3, length >> 8, length & 0xff])
  return bytes
}

test('the end of each record is a boundary and every other place is not, however the stream is cut', () => {
  const lengths = fc.array(fc.oneof(fc.nat(3), fc.nat(16_640)), { maxLength: 5 })
  fc.assert(
    fc.property(lengths, fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1 }), (lengths, steps) => {
      const stream = Buffer.concat(lengths.map(record))
      const boundaries = new Set([0])
      let end = 0
      for (const length of lengths) {
        end += 5 + length
        boundaries.add(end)
      }
      const records = new RecordBoundary()
      for (let at = 0, i = 0; at < stream.length; i++) {
        const next = Math.min(at + (steps[i % steps.length] ?? 1), stream.length)
        records.advance(stream.subarray(at, next))
        at = next
        expect(records.inside).toBe(!boundaries.has(at))
      }
    }),
  )
})
