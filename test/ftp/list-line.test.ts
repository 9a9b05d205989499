import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type ListedFile, listLine, typeMark } from '../../src/ftp/list-line.ts'
import { noListOptions } from '../../src/ftp/list-options.ts'

const at = (text: string) => Date.parse(text) / 1000
const now = at('2026-11-22T17:00:00Z')
const day = 24 * 3600

const file: ListedFile = {
  name: 'name with spaces.txt',
  type: 'file',
  size: 12_345_678_901,
  modified: at('2024-01-03T10:00:00Z'),
  mode: 0o644,
  uid: 1000,
  gid: 1000,
  owner: undefined,
  group: undefined,
  links: 1,
}

describe('a line of LIST', () => {
  test.each<[string, Partial<ListedFile>, string]>([
    ['of an old file', {}, '-rw-r--r--   1 1000     1000      12345678901 Jan 03  2024 name with spaces.txt'],
    [
      'of a directory',
      {
        name: 'incoming',
        type: 'directory',
        size: 4096,
        mode: 0o755,
        owner: 'ftp',
        group: 'ftp',
        links: 2,
        modified: at('2026-11-22T16:01:00Z'),
      },
      'drwxr-xr-x   2 ftp      ftp              4096 Nov 22 16:01 incoming',
    ],
    [
      'of a link',
      {
        name: 'cur',
        type: 'symlink',
        size: 7,
        mode: 0o777,
        owner: 'root',
        group: 'root',
        target: 'rel\neases',
        modified: at('2026-08-28T09:15:00Z'),
      },
      'lrwxrwxrwx   1 root     root                7 Aug 28 09:15 cur -> rel?eases',
    ],
  ])('%s has the columns that parsers look for', (_, changes, line) => {
    expect(listLine({ ...file, ...changes }, now)).toBe(line)
  })

  const bare = {
    size: undefined,
    modified: undefined,
    mode: undefined,
    uid: undefined,
    gid: undefined,
    links: undefined,
  }
  test.each<[ListedFile['type'], string]>([
    ['file', '-rw-r--r--   1 ftp      ftp                 0 Jan 01  1970 x'],
    ['directory', 'drwxr-xr-x   2 ftp      ftp              4096 Jan 01  1970 x'],
    ['symlink', 'lrwxrwxrwx   1 ftp      ftp                 0 Jan 01  1970 x'],
    ['other', '-rw-r--r--   1 ftp      ftp                 0 Jan 01  1970 x'],
  ])('of a %s of which the server told nothing has defaults', (type, line) => {
    expect(listLine({ ...file, ...bare, name: 'x', type }, now)).toBe(line)
  })

  test.each(['b', 'c', 'p', 's'] as const)('of what is neither file nor directory begins with %s', (special) => {
    expect(listLine({ ...file, type: 'other', special, mode: 0o640 }, now).slice(0, 10)).toBe(`${special}rw-r-----`)
  })

  test.each([
    [0o7777, '-rwsrwsrwt'],
    [0o7000, '---S--S--T'],
    [0o4711, '-rws--x--x'],
    [0o2750, '-rwxr-s---'],
    [0o1777, '-rwxrwxrwt'],
    [0o000, '----------'],
  ])('mode %o is %s', (mode, letters) => {
    expect(listLine({ ...file, mode }, now).slice(0, 10)).toBe(letters)
  })

  test.each<[string, number, string]>([
    ['now', now, 'Nov 22 17:00'],
    ['a minute ahead, as clocks differ', now + 60, 'Nov 22 17:01'],
    ['in the future', now + 61, 'Nov 22  2026'],
    ['just under 180 days ago', now - 180 * day + 1, 'May 26 17:00'],
    ['180 days ago', now - 180 * day, 'May 26  2026'],
    ['before 1970', -5, 'Jan 01  1970'],
    ['after the year 9999', 1e15, 'Dec 31  9999'],
  ])('a file of %s is dated %s', (_, modified, date) => {
    expect(listLine({ ...file, modified, name: 'x' }, now)).toContain(` ${date} x`)
  })

  test('accounts never have blanks, and numbers are shown when asked for', () => {
    const named = { ...file, owner: 'Domain Users', group: 'g'.repeat(40) }
    expect(listLine(named, now)).toContain(` Domain_Users ${'g'.repeat(32)} `)
    expect(listLine({ ...file, owner: '', uid: undefined }, now)).toContain(' ftp      1000 ')
    expect(listLine(named, now, { ...noListOptions, numeric: true })).toContain(' 1000     1000 ')
  })

  test.each<[Partial<ListedFile>, string, string]>([
    [{ type: 'directory' }, '/', '/'],
    [{ type: 'symlink' }, '', '@'],
    [{ mode: 0o755 }, '', '*'],
    [{}, '', ''],
  ])('%j is marked %j by -p and %j by -F', (changes, slash, all) => {
    const entry = { ...file, ...changes }
    expect([typeMark(entry, 'none'), typeMark(entry, 'slash'), typeMark(entry, 'all')]).toEqual(['', slash, all])
  })

  test('is one line with nine fields whatever the file is called', () => {
    const name = fc.string({ unit: fc.nat(255).map((byte) => String.fromCharCode(byte)), minLength: 1 })
    fc.assert(
      fc.property(name, fc.nat(), fc.nat(0o7777), (name, modified, mode) => {
        const line = listLine({ ...file, name, modified, mode }, now)
        expect(line).toMatch(/^-[rwxsStT-]{9} +\d+ \S+ +\S+ +\d+ [A-Z][a-z]{2} \d\d (\d\d:\d\d| \d{4}) [^\r\n\0]+$/)
        expect(line.endsWith(` ${name.replace(/[\r\n\0]/g, '?')}`)).toBe(true)
      }),
    )
  })
})
