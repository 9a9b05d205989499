import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ebcdic } from '../../src/ftp/ebcdic.ts'
import { anyCuts, bytesWithMany, cut } from './chunks.ts'

async function* from(chunks: readonly Buffer[]): AsyncGenerator<Buffer, void, undefined> {
  yield* chunks
}

type Transform = ReturnType<typeof ebcdic>['toNetwork']

async function run(transform: Transform, ...chunks: readonly Buffer[]): Promise<Buffer> {
  const out: Buffer[] = []
  for await (const chunk of transform(from(chunks))) {
    expect(chunk.length).toBeGreaterThan(0)
    out.push(chunk)
  }
  return Buffer.concat(out)
}

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')
const latin1 = (text: string) => Buffer.from(text, 'latin1')

describe.each([
  ['ibm1047', 'AD BD 5F 4A 5A C0 D0 B0 A0'],
  ['ibm037', 'BA BB B0 4A 5A C0 D0 5F BC'],
] as const)('%s', (codePage, marks) => {
  const { toNetwork, fromNetwork } = ebcdic(codePage, 'lf')

  test.each([
    ['ABC abc 019', 'C1C2C3 40 818283 40 F0F1F9'],
    ['.,;:+-*/()', '4B 6B 5E 7A 4E 60 5C 61 4D 5D'],
    ['Äöü\xe9', '63 CC DC 51'],
    ['[]^\xa2!{}', marks.slice(0, 20)],
  ])('%j is %s', async (text, bytes) => {
    expect((await run(toNetwork, latin1(text))).toString('hex')).toBe(hex(bytes).toString('hex'))
    expect((await run(fromNetwork, hex(bytes))).toString('latin1')).toBe(text)
  })

  test('has one byte for each byte, and back', async () => {
    const all = Buffer.from(Array.from({ length: 256 }, (_, i) => i))
    const there = await run(toNetwork, all)
    expect(new Set(there).size).toBe(256)
    expect(await run(fromNetwork, there)).toEqual(all)
  })

  test('does not depend on how the bytes are cut', async () => {
    await fc.assert(
      fc.asyncProperty(bytesWithMany(0x0a, 0x0d, 0x15, 0x25), anyCuts, async (bytes, cuts) => {
        for (const transform of [toNetwork, fromNetwork]) {
          expect(await run(transform, ...cut(bytes, cuts))).toEqual(await run(transform, bytes))
        }
      }),
    )
  })
})

describe('line ends', () => {
  test.each([
    ['a\nb\n', '81 15 82 15'],
    ['a\r\nb', '81 15 82'],
    ['a\rb\r', '81 0D 82 0D'],
    ['\r\r\n', '0D 15'],
    ['', ''],
  ])('%j becomes NL: %s', async (text, bytes) => {
    expect(await run(ebcdic('ibm1047', 'lf').toNetwork, latin1(text))).toEqual(hex(bytes))
  })

  test.each([
    ['81 15 82 15', 'a\nb\n', 'a\r\nb\r\n'],
    ['81 0D25 82', 'a\nb', 'a\r\nb'],
    ['81 0D15 82', 'a\nb', 'a\r\nb'],
    ['81 0D 82 0D', 'a\rb\r', 'a\rb\r'],
    ['0D0D25', '\r\n', '\r\n'],
    ['81 25 82', 'a\x85b', 'a\x85b'],
  ])('%s is stored as %j, or %j for Windows', async (bytes, lf, crlf) => {
    expect((await run(ebcdic('ibm1047', 'crlf').fromNetwork, hex(bytes))).toString('latin1')).toBe(crlf)
    expect((await run(ebcdic('ibm1047', 'lf').fromNetwork, hex(bytes))).toString('latin1')).toBe(lf)
  })
})
