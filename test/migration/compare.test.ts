import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { type CompareOptions, compareSides, type Difference, type Progress } from '../../src/migration/compare.ts'
import { fromList, fromMlsd } from '../../src/migration/old-listing.ts'
import type { Side, SideEntry } from '../../src/migration/side.ts'

/** Files by their paths, as text or as an entry; folders end with a slash. */
function side(name: string, files: Readonly<Record<string, string | Partial<SideEntry>>>): Side {
  const entryOf = (path: string): SideEntry => {
    const base = path.replace(/\/$/, '').split('/').at(-1) ?? ''
    const known = files[path] ?? ''
    if (path.endsWith('/')) return { name: base, type: 'directory', size: undefined, modified: undefined }
    const text = typeof known === 'string' ? known : ''
    return { name: base, type: 'file', size: text.length, modified: 1000, ...(typeof known !== 'string' && known) }
  }
  return {
    name,
    async list(path) {
      const folder = path === '/' ? '/' : `${path}/`
      if (folder !== '/' && !(folder in files)) throw new Error(`no ${path}`)
      const inside = Object.keys(files).filter((file) => {
        return file !== folder && file.startsWith(folder) && !file.slice(folder.length, -1).includes('/')
      })
      return inside.map(entryOf)
    },
    async hash(path, read) {
      const text = files[path]
      if (typeof text !== 'string') throw new Error('unreadable')
      read(text.length)
      return createHash('sha256').update(text).digest('hex')
    },
    close: async () => {},
  }
}

const usual: CompareOptions = {
  path: '/',
  hash: false,
  times: true,
  progress: () => {},
  signal: new AbortController().signal,
}

async function differences(left: Side, right: Side, change: Partial<CompareOptions> = {}): Promise<string[]> {
  const found: Difference[] = []
  for await (const difference of compareSides(left, right, { ...usual, ...change })) found.push(difference)
  return found.map(({ kind, path, what }) => `${kind} ${path}: ${what}`)
}

describe('A comparison', () => {
  test('of the same files finds nothing, however deep they are', async () => {
    const files = { '/in/': '', '/in/a': 'x', '/out/': '', '/out/deep/': '', '/out/deep/b': 'y' }
    expect(await differences(side('old', files), side('new', files), { hash: true })).toEqual([])
  })

  test('says what only one side has, folders as a whole, in the order of names', async () => {
    const left = side('old', { '/a': 'x', '/b/': '', '/b/1': '1', '/c/': '', '/c/2': '22' })
    const right = side('new', { '/c/': '', '/d': '' })
    expect(await differences(left, right)).toEqual([
      'only-left /a: 1 bytes',
      'only-left /b: folder, with all that is in it',
      'only-right /d: 0 bytes',
      'only-left /c/2: 2 bytes',
    ])
  })

  test.each<[string, Partial<SideEntry>, Partial<SideEntry>, string | undefined]>([
    ['size', { size: 1 }, { size: 2 }, '1 and 2 bytes'],
    ['kind', { type: 'directory' }, { type: 'file' }, 'directory and file'],
    ['time', { modified: 0 }, { modified: 61 }, 'modified 1970-01-01T00:00:00 and 1970-01-01T00:01:01'],
    ['day', { modified: 0 }, { modified: 86_400 }, 'modified 1970-01-01T00:00:00 and 1970-01-02T00:00:00'],
    ['a minute', { modified: 0 }, { modified: 60 }, undefined],
    ['whole hours and a minute', { modified: 0 }, { modified: 7140 }, undefined],
    ['nothing that both know', { modified: undefined, size: undefined }, { modified: 5, size: 3 }, undefined],
  ])('of files that differ by %s', async (_, left, right, what) => {
    const found = await differences(side('old', { '/f': left }), side('new', { '/f': right }))
    expect(found).toEqual(what === undefined ? [] : [`different /f: ${what}`])
  })

  test('leaves times out where it is told to', async () => {
    const [left, right] = [side('old', { '/f': { modified: 0 } }), side('new', { '/f': { modified: 61 } })]
    expect(await differences(left, right, { times: false })).toEqual([])
  })

  test('reads files of the same size only when it is told to', async () => {
    const [left, right] = [side('old', { '/f': 'abc' }), side('new', { '/f': 'abd' })]
    expect(await differences(left, right)).toEqual([])
    expect(await differences(left, right, { hash: true })).toEqual([
      expect.stringMatching(/^different \/f: SHA-256 ba7816bf8f01… and [0-9a-f]{12}…$/),
    ])
  })

  test('says what cannot be read, and goes on', async () => {
    const left = side('old', { '/a': { size: 1 }, '/b': 'x' })
    const right = side('new', { '/a': { size: 1 }, '/b': 'y' })
    expect(await differences(left, right, { hash: true })).toEqual([
      'unreadable /a: old: unreadable; new: unreadable',
      expect.stringMatching(/^different \/b/),
    ])
    expect(await differences(left, side('new', { '/b': 'x' }), { path: '/gone' })).toEqual([
      'unreadable /gone: old: no /gone; new: no /gone',
    ])
  })

  test('does not go on behind links', async () => {
    const left = side('old', { '/loop/': '', '/loop/x': '1' })
    const linked: Side = {
      ...left,
      list: async (path) => (await left.list(path)).map((entry) => ({ ...entry, linked: true })),
    }
    expect(await differences(linked, side('new', { '/loop/': '' }))).toEqual([])
  })

  test('tells how far it is, and stops when it is told to', async () => {
    const files = { '/a/': '', '/a/1': 'one', '/b/': '', '/b/2': '' }
    const stop = new AbortController()
    const told: Progress[] = []
    const progress = (now: Progress) => {
      told.push(now)
      if (now.path === '/a/1') stop.abort()
    }
    await differences(side('old', files), side('new', files), { hash: true, progress, signal: stop.signal })
    expect(told).toEqual([
      { entries: 4, bytes: 0, path: '/' },
      { entries: 6, bytes: 0, path: '/a' },
      { entries: 6, bytes: 3, path: '/a/1' },
      { entries: 6, bytes: 6, path: '/a/1' },
    ])
  })
})

describe('A listing of an old server', () => {
  const now = Date.UTC(2026, 10, 23)
  const at = (text: string) => Date.parse(`${text}Z`) / 1000
  const file = (name: string, size: number, modified?: number) => ({ name, type: 'file', size, modified })

  test('in the form of MLSD is read', () => {
    const listing =
      'Type=cdir;Modify=20260101000000; .\r\ntype=file;size=12;modify=20261122101500.123;perm=r; a b ;c\r\n' +
      'type=dir;sizd=4096;modify=20200102030405; in\r\nnonsense\r\ntype=OS.unix=slink:/x;size=3; link\r\n'
    expect(fromMlsd(listing)).toEqual([
      file('a b ;c', 12, at('2026-11-22T10:15')),
      { name: 'in', type: 'directory', size: undefined, modified: at('2020-01-02T03:04:05') },
      { name: 'link', type: 'other', size: undefined, modified: undefined, linked: true },
    ])
  })

  test.each([
    ['-rw-r--r--    1 1000     1000           12 Nov 22 10:15  a b', file(' a b', 12, at('2026-11-22T10:15'))],
    ['-rw-r--r--   1 u g 12 Dec 31 23:59 x', file('x', 12, at('2025-12-31T23:59'))],
    ['-rw-r--r--   1 u g 12 Dec 31  2020 x', file('x', 12)],
    ['-rw-r--r--+  1 u 12 Nov  2 10:15 x', file('x', 12, at('2026-11-02T10:15'))],
    [
      'drwxr-xr-x   2 u g 4096 Nov 22 10:15 in',
      { name: 'in', type: 'directory', size: undefined, modified: at('2026-11-22T10:15') },
    ],
    [
      'lrwxrwxrwx   1 u g 4 Nov 22 10:15 l -> in',
      { name: 'l', type: 'other', size: undefined, modified: at('2026-11-22T10:15'), linked: true },
    ],
    ['11-22-26  10:15PM                 1234 x y', file('x y', 1234, at('2026-11-22T22:15'))],
    [
      '11-22-2026  12:05AM       <DIR>          in',
      { name: 'in', type: 'directory', size: undefined, modified: at('2026-11-22T00:05') },
    ],
  ])('with the line %j is read', (line, entry) => {
    expect(fromList(`total 4\r\n${line}\r\n`, now)).toEqual([entry])
  })

  test('has no entries for the folder itself and the one above', () => {
    expect(fromList('drwxr-xr-x 2 u g 1 Nov 22 10:15 .\r\ndrwxr-xr-x 2 u g 1 Nov 22 10:15 ..\r\n', now)).toEqual([])
  })
})
