import { readFile } from 'node:fs/promises'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fromText } from '../../src/ftp/bytes.ts'
import { type CharsetName, charsetNames, charsetOf, isAscii } from '../../src/ftp/charset.ts'

test.each(charsetNames)('%s is in the document for operators', async (name) => {
  const text = await readFile(new URL('../../deploy/charsets.md', import.meta.url), 'utf8')
  const list = /Charsets:([^.]*?)\./s.exec(text)?.[1] ?? ''
  const all = list.split(',').flatMap((item) => {
    const [, stem = '', first, last] = /(\S*?)(\d+)\s+to\s+\S*?(\d+)$/.exec(item.trim()) ?? []
    if (first === undefined) return [item.trim()]
    return Array.from({ length: Number(last) - Number(first) + 1 }, (_, i) => `${stem}${Number(first) + i}`)
  })
  expect(all).toContain(name)
})

const ascii = Array.from({ length: 128 }, (_, byte) => String.fromCharCode(byte)).join('')
const surrogates = (code: number) => code >= 0xd800 && code <= 0xdfff
const letters = Array.from({ length: 0x1_0000 - 0x80 }, (_, i) => i + 0x80)
  .filter((code) => !surrogates(code))
  .map((code) => String.fromCharCode(code))

describe.each(charsetNames)('%s', (name) => {
  const charset = charsetOf(name)
  const own = letters.filter((letter) => charset.encode(letter) !== undefined)

  test('has ASCII as everybody has it', () => {
    expect(charset.encode(ascii)).toBe(ascii)
    expect(charset.decode(ascii)).toBe(ascii)
  })

  test('has letters, and in none of them what ends a name or a line', () => {
    expect(own.length).toBeGreaterThan(40)
    for (const letter of own) expect(charset.encode(letter)).not.toMatch(/[\0\r\n/]/)
  })

  test('reads no byte above 0x7F as one below', () => {
    for (let byte = 0x80; byte <= 0xff; byte++) {
      expect(charset.decode(String.fromCharCode(byte)) ?? 'x').not.toMatch(/[^x\x80-\uffff]/)
    }
  })

  test('gives every text back that it takes', () => {
    const text = fc.array(fc.oneof(fc.constantFrom(...own), fc.string({ unit: 'grapheme', maxLength: 3 })))
    fc.assert(
      fc.property(text, (parts) => {
        const text = parts.join('')
        const bytes = charset.encode(text)
        if (bytes !== undefined) expect(charset.decode(bytes)).toBe(text)
      }),
    )
  })

  test('takes any bytes without failing', () => {
    const bytes = fc.array(fc.nat(255)).map((bytes) => String.fromCharCode(...bytes))
    fc.assert(
      fc.property(bytes, (bytes) => {
        const text = charset.decode(bytes)
        if (isAscii(bytes)) expect(text).toBe(bytes)
      }),
    )
  })
})

test.each<[CharsetName, string, string]>([
  ['windows-1252', 'Größe €.txt', 'Gr\xf6\xdfe \x80.txt'],
  ['windows-1252', 'ÿ', '\xff'],
  ['windows-1251', 'Мария', '\xcc\xe0\xf0\xe8\xff'],
  ['iso-8859-1', 'Größe', 'Gr\xf6\xdfe'],
  ['iso-8859-15', '€', '\xa4'],
  ['iso-8859-2', 'żółw', '\xbf\xf3\xb3w'],
  ['cp437', 'Größe', 'Gr\x94\xe1e'],
  ['cp850', 'Ñandú', '\xa5and\xa3'],
  ['koi8-r', 'Юг', '\xe0\xc7'],
  ['shift_jis', '表ソ.txt', '\x95\x5c\x83\x5c.txt'],
  ['euc-jp', '表', '\xc9\xbd'],
  ['gbk', '中文', '\xd6\xd0\xce\xc4'],
  ['gb18030', '😀', '\x949\xfc6'],
  ['gb18030', '\ufeffa', '\x841\x953a'],
  ['big5', '功', '\xa5\x5c'],
  ['euc-kr', '한글', '\xc7\xd1\xb1\xdb'],
  ['utf-8', '\ufeffü', fromText('\ufeffü')],
])('%s writes %s as %j', (name, text, bytes) => {
  expect(charsetOf(name).encode(text)).toBe(bytes)
  expect(charsetOf(name).decode(bytes)).toBe(text)
})

test.each<[CharsetName, string]>([
  ['iso-8859-1', '€'],
  ['windows-1252', 'Ж'],
  // A letter and an accent of their own: windows-1252 has only both in one.
  ['windows-1252', 'u\u0308'],
  ['cp437', 'ā'],
  // iconv-lite writes it as a backslash.
  ['shift_jis', '¥'],
  ['gbk', '\ufffd'],
  ['utf-8', '\ud800'],
])('%s does not have %j', (name, text) => {
  expect(charsetOf(name).encode(text)).toBeUndefined()
})

test.each<[CharsetName, string]>([
  ['windows-1252', 'a\x81'],
  ['iso-8859-7', '\xff'],
  ['shift_jis', '\x95'],
  ['shift_jis', '\x95/'],
  ['big5', '\xff\xff'],
  ['utf-8', 'Gr\xf6\xdfe'],
  ['utf-8', '\xc0\xaf'],
  ['utf-8', '\xed\xa0\x80'],
])('%s does not read %j', (name, bytes) => {
  expect(charsetOf(name).decode(bytes)).toBeUndefined()
})
