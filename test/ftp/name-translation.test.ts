import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fromText } from '../../src/ftp/bytes.ts'
import { type CharsetName, charsetNames } from '../../src/ftp/charset.ts'
import { type NameSettings, type Translation, translationOf } from '../../src/ftp/name-translation.ts'

function between(changes: Partial<NameSettings>): Translation {
  const translation = translationOf({ charset: 'utf-8', backendCharset: 'utf-8', normalize: 'none', ...changes })
  if (translation === undefined) throw new Error('nothing to translate')
  return translation
}
const latin = between({ charset: 'windows-1252' })
const anyBytes = fc.array(fc.nat(255)).map((bytes) => String.fromCharCode(...bytes))

test('UTF-8 on both sides is no translation, so that bytes that are not UTF-8 pass as well', () => {
  expect(translationOf({ charset: 'utf-8', backendCharset: 'utf-8', normalize: 'none' })).toBeUndefined()
})

describe('a name', () => {
  test('from the client becomes UTF-8, and the same bytes on its way back', () => {
    expect(latin.fromClient('Gr\xf6\xdfe \x80.txt')).toBe(fromText('Größe €.txt'))
    expect(latin.toClient(fromText('Größe €.txt'))).toEqual({ bytes: 'Gr\xf6\xdfe \x80.txt', complete: true })
  })

  test('that is not in the client’s charset is shown with one ? for each letter it lacks', () => {
    expect(latin.toClient(fromText('aЖb😀ö'))).toEqual({ bytes: 'a?b?\xf6', complete: false })
  })

  test('that is not UTF-8 is shown with ? for its faulty bytes, even to a client with UTF-8', () => {
    expect(latin.toClient('a\xffb')).toEqual({ bytes: 'a?b', complete: false })
    expect(between({ backendCharset: 'cp850' }).toClient('a\xffb')).toEqual({ bytes: 'a?b', complete: false })
  })

  test('with faulty bytes is not understood', () => {
    expect(latin.fromClient('a\x81')).toBeUndefined()
    expect(between({ backendCharset: 'cp850' }).fromClient('a\xf6')).toBeUndefined()
  })

  test('in Shift JIS with a backslash for a second byte has no backslash', () => {
    expect(between({ charset: 'shift_jis' }).fromClient('\x95\x5c/\x83\x5c')).toBe(fromText('表/ソ'))
  })

  test('from macOS is composed where that is wanted, and only then', () => {
    const composing = between({ normalize: 'nfc' })
    expect(composing.fromClient(fromText('u\u0308'))).toBe(fromText('ü'))
    expect(between({ charset: 'windows-1252', normalize: 'nfc' }).fromClient('\xfc')).toBe(fromText('ü'))
    expect(between({ backendCharset: 'cp850' }).fromClient(fromText('u\u0308'))).toBe(fromText('u\u0308'))
  })

  test('that is composed on its way in passes otherwise as it is, faulty bytes included', () => {
    const composing = between({ normalize: 'nfc' })
    expect(composing.fromClient('a\xff')).toBe('a\xff')
    expect(composing.toClient('a\xff').bytes).toBe('a\xff')
  })

  test('that is stored decomposed is shown as it is, and known to be out of reach', () => {
    const stored = fromText('u\u0308')
    expect(between({ normalize: 'nfc' }).toClient(stored)).toEqual({ bytes: stored, complete: false })
    const vietnamese = between({ charset: 'windows-1258', normalize: 'nfc' })
    expect(vietnamese.toClient(fromText('a\u0301'))).toEqual({ bytes: 'a\xec', complete: false })
  })
})

test.each<[CharsetName, boolean]>([
  ['windows-1252', true],
  ['windows-1251', true],
  ['iso-8859-15', true],
  ['cp850', true],
  ['iso-8859-7', false],
  ['shift_jis', false],
  ['gbk', false],
])('0xFF in %s is a letter: %s', (charset, letter) => {
  expect(between({ charset }).letter255).toBe(letter)
})

test.each(charsetNames.filter((name) => name !== 'utf-8'))('whatever %s shows completely leads back', (charset) => {
  const translation = between({ charset })
  fc.assert(
    fc.property(fc.oneof(anyBytes, fc.string({ unit: 'grapheme' }).map(fromText)), (name) => {
      const { bytes, complete } = translation.toClient(name)
      if (complete) expect(translation.fromClient(bytes)).toBe(name)
      else expect(bytes).toContain('?')
    }),
  )
})

test.each(charsetNames.filter((name) => name !== 'utf-8'))('whatever %s understands is shown again', (charset) => {
  const translation = between({ charset })
  fc.assert(
    fc.property(anyBytes, (bytes) => {
      const name = translation.fromClient(bytes)
      if (name === undefined) return
      const shown = translation.toClient(name)
      expect(shown.complete).toBe(true)
      // Some charsets have two ways to write a letter; it is the same name then.
      expect(translation.fromClient(shown.bytes)).toBe(name)
    }),
  )
})
