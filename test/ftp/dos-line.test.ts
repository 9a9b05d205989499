import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { dosLine } from '../../src/ftp/dos-line.ts'
import type { ListedFile } from '../../src/ftp/list-line.ts'
import { noListOptions } from '../../src/ftp/list-options.ts'
import { zoneOf } from '../../src/ftp/time-zone.ts'

const at = (text: string) => Date.parse(text) / 1000

const file: ListedFile = {
  name: 'name with spaces.txt',
  type: 'file',
  size: 1234,
  modified: at('2026-11-22T16:01:00Z'),
  mode: 0o644,
  uid: 1000,
  gid: 1000,
  owner: undefined,
  group: undefined,
  links: 1,
}

describe('a line of LIST in the style of DOS', () => {
  test.each<[Partial<ListedFile>, string]>([
    [{}, '11-22-26  04:01PM                 1234 name with spaces.txt'],
    [{ type: 'directory', name: 'incoming' }, '11-22-26  04:01PM       <DIR>          incoming'],
    [{ modified: at('2024-01-03T00:05:00Z'), name: 'x' }, '01-03-24  12:05AM                 1234 x'],
    [{ modified: at('2024-01-03T12:00:00Z'), name: 'x' }, '01-03-24  12:00PM                 1234 x'],
    [{ size: 12_345_678_901_234, name: 'x' }, '11-22-26  04:01PM       12345678901234 x'],
    [{ size: undefined, modified: undefined, name: 'x' }, '01-01-70  12:00AM                    0 x'],
    [{ name: 'a\r\nb' }, '11-22-26  04:01PM                 1234 a??b'],
  ])('of %j is %j', (changes, line) => {
    expect(dosLine({ ...file, ...changes })).toBe(line)
  })

  test('has the time of its zone, and the marks that were asked for', () => {
    const marked = { ...noListOptions, classify: 'slash' as const }
    expect(dosLine({ ...file, type: 'directory', name: 'd' }, marked, zoneOf('Asia/Tokyo'))).toBe(
      '11-23-26  01:01AM       <DIR>          d/',
    )
  })

  test('is read by the pattern that clients have for it, whatever the file is called', () => {
    const name = fc.string({ unit: fc.nat(255).map((byte) => String.fromCharCode(byte)), minLength: 1 })
    fc.assert(
      fc.property(name, fc.nat(), fc.boolean(), (name, modified, isDirectory) => {
        const line = dosLine({ ...file, name, modified, type: isDirectory ? 'directory' : 'file' })
        expect(line).toMatch(/^\d\d-\d\d-\d\d {2}(0[1-9]|1[0-2]):[0-5]\d[AP]M +(<DIR> {10}|\d+ )[^\r\n\0]+$/)
      }),
    )
  })
})
