import { expect, test } from 'vitest'
import { Slabs } from '../../src/legacy/slabs.ts'

/** Fills the slabs with these bytes, as a socket would, and says how often it had to ask for room. */
function fill(slabs: Slabs, bytes: Buffer): number {
  let asked = 0
  for (let at = 0; at < bytes.length; asked++) {
    const copied = bytes.copy(slabs.room(), 0, at)
    slabs.filled(copied)
    at += copied
  }
  return asked
}

test('bytes come out in their order, and are the same', () => {
  const slabs = new Slabs()
  const bytes = Buffer.from(Array.from({ length: 700_000 }, (_, i) => i % 251))
  const taken: Buffer[] = []
  for (let at = 0; at < bytes.length; at += 70_000) {
    fill(slabs, bytes.subarray(at, at + 70_000))
    const piece = at % 140_000 === 0 ? slabs.take() : undefined
    if (piece) taken.push(Buffer.from(piece))
  }
  for (let piece = slabs.take(); piece; piece = slabs.take()) taken.push(Buffer.from(piece))
  expect(Buffer.concat(taken).equals(bytes)).toBe(true)
  expect(slabs.waiting).toBe(0)
})

test('memory is not filled again before whoever reads it has given it back', () => {
  const slabs = new Slabs()
  const kept: { piece: Buffer; text: string }[] = []
  for (let i = 0; i < 100; i++) {
    fill(slabs, Buffer.alloc(100_000, i))
    const piece = slabs.take()
    if (!piece) throw new Error('nothing to take')
    kept.push({ piece, text: piece.toString('latin1') })
    if (i % 3 !== 0) continue
    for (const { piece: old, text } of kept.splice(0)) {
      expect(old.toString('latin1')).toBe(text)
      slabs.giveBack(old)
    }
  }
})
