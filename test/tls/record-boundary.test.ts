import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RecordBoundary } from '../../src/tls/record-boundary.ts'

function record(length: number): Buffer {
  const bytes = Buffer.alloc(5 + length, 0xff)
  bytes.set([23, 3, 3, length >> 8, length & 0xff])
  return bytes
}

test('the end of each record is a boundary and every other place is not, however the stream is cut', () => {
  const lengths = fc.array(fc.oneof(fc.nat(3), fc.constantFrom(19, 35), fc.nat(16_640)), { maxLength: 5 })
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
        const chunk = stream.subarray(at, next)
        for (let taken = 0; taken < chunk.length; ) taken = records.advance(chunk, taken)
        at = next
        expect(records.inside).toBe(!boundaries.has(at))
      }
    }),
  )
})

test('a record of an alert’s length is told from all others, and its body is given by itself', () => {
  const lengths = [100, 19, 35, 18, 20, 19]
  const stream = Buffer.concat(lengths.map(record))
  for (let step = 1; step <= stream.length; step++) {
    const records = new RecordBoundary()
    const found: number[] = []
    for (let at = 0; at < stream.length; at += step) {
      const chunk = stream.subarray(at, at + step)
      for (let taken = 0; taken < chunk.length; ) {
        const end = records.advance(chunk, taken)
        if (records.alertSized) {
          found.push(at + end)
          expect(end - taken).toBeLessThanOrEqual(35)
        }
        taken = end
      }
    }
    expect(found).toEqual([129, 169, 241])
  }
})
