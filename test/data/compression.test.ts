import { randomBytes } from 'node:crypto'
import { deflateRawSync, deflateSync, gzipSync, inflateSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BackendError } from '../../src/backend/backend.ts'
import { deflated, inflated } from '../../src/data/compression.ts'
import { DataConnectionError } from '../../src/data/data-error.ts'
import { anyCuts, cut } from '../ftp/chunks.ts'

async function* from(...chunks: readonly (Buffer | Error)[]): AsyncGenerator<Buffer, void, undefined> {
  for (const chunk of chunks) {
    if (chunk instanceof Error) throw chunk
    yield chunk
  }
}

async function all(source: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of source) chunks.push(chunk)
  return Buffer.concat(chunks)
}

const text = Buffer.from('to be or not to be, '.repeat(1000))

describe('MODE Z', () => {
  test.each([0, 1, 6, 9])('is one zlib stream, at level %d', async (level) => {
    expect(inflateSync(await all(deflated(from(text, text), level)))).toEqual(Buffer.concat([text, text]))
    expect(inflateSync(await all(deflated(from(), level)))).toEqual(Buffer.alloc(0))
  })

  test('comes back as it was, wherever it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), anyCuts, async (bytes, cuts) => {
        const file = Buffer.from(bytes)
        let counted = 0
        const packed = await all(deflated(from(...cut(file, cuts)), 6))
        const back = await all(inflated(from(...cut(packed, cuts)), (bytes) => (counted += bytes)))
        expect([back, counted]).toEqual([file, file.length])
      }),
    )
  })

  const whole = deflateSync(text)
  test.each<[string, Buffer[]]>([
    ['nothing at all', []],
    ['a stream that ends before its end', [whole.subarray(0, -1)]],
    ['a stream without its checksum', [whole.subarray(0, -4)]],
    ['half a stream', [whole.subarray(0, whole.length / 2)]],
    ['a byte behind the end', [Buffer.concat([whole, Buffer.of(0)])]],
    ['a byte behind the end, in a chunk of its own', [whole, Buffer.of(0)]],
    ['two streams', [whole, whole]],
    ['a changed byte', [Buffer.from(whole.map((byte, i) => (i === 20 ? byte ^ 0x40 : byte)))]],
    ['a wrong checksum', [Buffer.from(whole.map((byte, i) => (i === whole.length - 1 ? byte ^ 1 : byte)))]],
    ['what was not compressed', [text]],
    ['gzip', [gzipSync(text)]],
    ['deflate without its frame', [deflateRawSync(text)]],
  ])('of %s is corrupt', async (_, chunks) => {
    const error = await all(inflated(from(...chunks))).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(DataConnectionError)
    expect(error).toMatchObject({ failure: 'corrupt' })
  })

  test('that fails on its way fails with the reason', async () => {
    const cause = new DataConnectionError('truncated', 'no close_notify')
    await expect(all(inflated(from(whole.subarray(0, 20), cause)))).rejects.toBe(cause)
    await expect(all(inflated(from(whole, cause)))).rejects.toBe(cause)
    const failed = new BackendError('failed', 'no more')
    await expect(all(deflated(from(text, failed), 6))).rejects.toBe(failed)
  })

  test('inflates no more than is taken, and reads on to the end when nobody wants it', async () => {
    const bomb = deflateSync(Buffer.alloc(200_000_000))
    const pieces = Array.from({ length: Math.ceil(bomb.length / 1000) }, (_, i) =>
      bomb.subarray(i * 1000, (i + 1) * 1000),
    )
    let taken = 0
    let read = 0
    async function* source() {
      for (const piece of pieces) {
        read += 1
        yield piece
      }
    }
    for await (const chunk of inflated(source())) {
      taken += chunk.length
      if (taken > 1_000_000) break
    }
    expect(taken).toBeLessThan(1_100_000)
    await expect.poll(() => read).toBe(pieces.length)
  })

  test('stops reading ahead of a slow taker', async () => {
    const packed = deflateSync(randomBytes(4_000_000))
    let read = 0
    async function* source() {
      for (; read * 10_000 < packed.length; read++) yield packed.subarray(read * 10_000, (read + 1) * 10_000)
    }
    const taking = inflated(source())
    await taking.next()
    for (let i = 0; i < 200; i++) await new Promise(setImmediate)
    expect(read).toBeLessThan(30)
    await taking.return()
  })

  test('towards a client that leaves ends the source', async () => {
    let ended = false
    async function* source() {
      try {
        for (;;) yield Buffer.alloc(65_536, 'x')
      } finally {
        ended = true
      }
    }
    for await (const _ of deflated(source(), 1)) break
    await expect.poll(() => ended).toBe(true)
  })
})
