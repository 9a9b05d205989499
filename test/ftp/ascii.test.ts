import { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fromNetworkLines, skipBytes, toNetworkLines } from '../../src/ftp/ascii.ts'
import { anyCuts, bytesWithMany, cut } from './chunks.ts'

type Transform = (source: AsyncIterable<Buffer>) => AsyncIterable<Buffer>

async function* from(chunks: readonly Buffer[]): AsyncGenerator<Buffer, void, undefined> {
  yield* chunks
}

async function chunksOf(transform: Transform, ...chunks: readonly Buffer[]): Promise<Buffer[]> {
  const out: Buffer[] = []
  for await (const chunk of transform(from(chunks))) out.push(chunk)
  return out
}

async function run(transform: Transform, ...chunks: readonly Buffer[]): Promise<string> {
  return Buffer.concat(await chunksOf(transform, ...chunks)).toString('latin1')
}

const long = 'x'.repeat(200)

describe('text for the client', () => {
  test.each([
    ['a\nb\n', 'a\r\nb\r\n'],
    ['a\r\nb\n', 'a\r\nb\r\n'],
    ['\n\n', '\r\n\r\n'],
    ['a\rb\r', 'a\rb\r'],
    ['\r\r\n\n', '\r\r\n\r\n'],
    [`${long}\n${long}`, `${long}\r\n${long}`],
    ['', ''],
  ])('%j is sent as %j', async (stored, sent) => {
    expect(await run(toNetworkLines, Buffer.from(stored))).toBe(sent)
  })

  test('does not depend on how the bytes are cut', async () => {
    await fc.assert(
      fc.asyncProperty(bytesWithMany(0x0a, 0x0d, 0x41), anyCuts, async (bytes, cuts) => {
        const expected = bytes.toString('latin1').replace(/(?<!\r)\n/g, '\r\n')
        expect(await run(toNetworkLines, ...cut(bytes, cuts))).toBe(expected)
      }),
    )
  })

  test('passes on chunks in which nothing changes', async () => {
    const chunk = Buffer.from('a\r\nb\r\n')
    expect((await chunksOf(toNetworkLines, chunk))[0]).toBe(chunk)
  })
})

describe('text from the client', () => {
  test.each([
    ['a\r\nb\r\n', 'a\nb\n'],
    ['a\nb\rc', 'a\nb\rc'],
    ['\r\r\n', '\r\n'],
    ['a\r', 'a\r'],
    ['\r\n\r\n', '\n\n'],
    [`${long}\r\n${long}\r\n`, `${long}\n${long}\n`],
    ['', ''],
  ])('%j is stored as %j', async (sent, stored) => {
    expect(await run(fromNetworkLines, Buffer.from(sent))).toBe(stored)
  })

  test('does not depend on how the bytes are cut', async () => {
    await fc.assert(
      fc.asyncProperty(bytesWithMany(0x0a, 0x0d, 0x41), anyCuts, async (bytes, cuts) => {
        const expected = bytes.toString('latin1').replaceAll('\r\n', '\n')
        expect(await run(fromNetworkLines, ...cut(bytes, cuts))).toBe(expected)
      }),
    )
  })

  test('passes on chunks in which nothing changes, and never an empty one', async () => {
    const chunk = Buffer.from('a\nb')
    expect((await chunksOf(fromNetworkLines, chunk))[0]).toBe(chunk)
    const chunks = await chunksOf(fromNetworkLines, Buffer.from('\r'), Buffer.alloc(0), Buffer.from('\n'))
    expect(chunks.map(String)).toEqual(['\n'])
  })

  test('fits into a pipeline', async () => {
    const stored: Buffer[] = []
    const sink = new Writable({
      write(chunk: Buffer, _encoding, done) {
        stored.push(chunk)
        done()
      },
    })
    await pipeline(Readable.from([Buffer.from('a\r'), Buffer.from('\nb')]), fromNetworkLines, sink)
    expect(Buffer.concat(stored).toString()).toBe('a\nb')
  })
})

test('text without CR comes back as it was', async () => {
  const lines = fc.string({ unit: fc.constantFrom('a', '\n', '\xe9') }).map((text) => Buffer.from(text, 'latin1'))
  await fc.assert(
    fc.asyncProperty(lines, anyCuts, async (bytes, cuts) => {
      const there = await chunksOf(toNetworkLines, ...cut(bytes, cuts))
      expect(await run(fromNetworkLines, ...there)).toBe(bytes.toString('latin1'))
    }),
  )
})

test('the bytes before a restart offset are skipped, wherever the chunks are cut', async () => {
  await fc.assert(
    fc.asyncProperty(bytesWithMany(0x41), anyCuts, fc.nat(80), async (bytes, cuts, count) => {
      const rest = await run((source) => skipBytes(source, count), ...cut(bytes, cuts))
      expect(rest).toBe(bytes.subarray(count).toString('latin1'))
    }),
  )
})
