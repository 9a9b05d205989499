import { expect, test } from 'vitest'
import { inArena, namesOf, outcome } from '../support/hostile-sftp/arena.ts'
import {
  answer,
  answers,
  attributes,
  changes,
  lostAtRequest,
  names,
  packet,
  string,
  u32,
} from '../support/hostile-sftp/misdeeds.ts'

const always = Number.POSITIVE_INFINITY
const longest = 'x'.repeat(255)

test('F40 of the names in a directory only those that can stand in a path are passed on, as the bytes they are', async () => {
  const shown = [
    'plain',
    ' leading blank',
    '-rf',
    '\xff\xfe not UTF-8',
    '\x1b[31mescape',
    '"quoted"',
    '...',
    longest,
    'a\rb',
    'a\nb',
    'a\r\n226 Done',
    '\n',
  ]
  const hidden = ['', '.', '..', '/', 'a/b', '../../etc/passwd', 'a\0b']
  const all = shown.flatMap((name, i) => [hidden[i] ?? '', name]).concat(hidden)
  await inArena({ faults: [{ on: 'readdir', does: names(all) }] }, async ({ open }) => {
    expect(await namesOf(await open(), '/empty')).toEqual(shown)
  })
})

test('a name of a megabyte is no trouble to anybody', async () => {
  await inArena({ faults: [{ on: 'readdir', does: names(['x'.repeat(1_000_000), 'y']) }] }, async ({ open }) => {
    expect((await namesOf(await open(), '/empty')).at(-1)).toBe('y')
  })
})

test('longnames of any form are hints at most', async () => {
  const longnames = [
    'drwxr-xr-x 2 root\r\n226 wheel 4096 Jan 1 00:00 a',
    'x'.repeat(500_000),
    '\0'.repeat(100),
    'drwxr-xr-x',
    '                                ',
    'drwxr-xr-x 99999999999999999999 o g',
    '-rwxr-xr-x -1 o g',
  ]
  const entries = longnames.map((longname, i) => ({ name: String(i), longname }))
  await inArena({ faults: [{ on: 'readdir', does: names(entries) }] }, async ({ open }) => {
    const files = await open()
    const links: unknown[] = []
    for await (const batch of files.list('/empty')) links.push(...batch.map((entry) => entry.links))
    expect(links).toEqual([2, ...Array.from({ length: 6 }, () => undefined)])
  })
})

test('a directory of 100,000 names in one answer is listed', async () => {
  const many = Array.from({ length: 100_000 }, (_, i) => `file-${i}`)
  const faults = [{ on: 'readdir', does: names(many) }] as const
  await inArena({ faults }, async ({ open }) => {
    expect(await namesOf(await open(), '/empty')).toEqual(many)
  })
})

test('a directory that never ends is read only as far as it is wanted', async () => {
  let batches = 0
  const next = changes((_honest, { id }) => {
    batches++
    const entries = Array.from({ length: 100 }, (_, i) => [
      string(`${batches}-${i}`),
      string(''),
      attributes({ size: 1 }),
    ])
    return [packet(answer.name, u32(id), u32(100), ...entries.flat())]
  })
  await inArena({ faults: [{ on: 'readdir', times: always, does: next }] }, async ({ open }) => {
    const files = await open()
    let seen = 0
    for await (const batch of files.list('/empty')) {
      seen += batch.length
      if (seen >= 1_000) break
    }
    expect(seen).toBe(1_000)
    // What was asked for ahead of the last batch that was wanted.
    expect(batches).toBeLessThan(80)
    expect(await outcome(files.stat('/old'))).toBe('done')
  })
})

test('a listing that is left early does not mind what becomes of the READDIR that is under way', async () => {
  await inArena({ faults: [{ on: 'readdir', nth: 8, does: lostAtRequest }] }, async ({ open, server }) => {
    server.tree.addDirectory('/large')
    for (let i = 0; i < 2000; i++) server.tree.addFile(`/large/${i}`)
    const files = await open()
    for await (const batch of files.list('/large')) {
      expect(batch.length).toBeGreaterThan(500)
      break
    }
    expect(await outcome(files.stat('/old'))).toBe('unavailable')
  })
})

test('a directory of empty answers ends, as servers with a fault of their own mean it', async () => {
  const empty = answers(answer.name, u32(0))
  await inArena({ faults: [{ on: 'readdir', times: always, does: empty }] }, async ({ open }) => {
    expect(await namesOf(await open(), '/folder')).toEqual([])
  })
})

test.each([
  ['no name', names([])],
  ['STATUS OK', answers(answer.status, u32(0), string(''), string(''))],
  ['DATA', answers(answer.data, string('x'))],
])('READLINK that answers %s fails', async (_what, does) => {
  await inArena({ faults: [{ on: 'readlink', does }] }, async ({ open }) => {
    expect(await outcome((await open()).readLink('/link'))).toBe('failed')
  })
})

test.each([
  ['STATUS OK', answers(answer.status, u32(0), string(''), string(''))],
  ['DATA', answers(answer.data, string('x'))],
  ['HANDLE', answers(answer.handle, string('x'))],
])('READDIR that answers %s fails', async (_what, does) => {
  await inArena({ faults: [{ on: 'readdir', does }] }, async ({ open }) => {
    expect(await outcome(namesOf(await open(), '/folder'))).toBe('failed')
  })
})

test.each(['relative/path', '', '/with\r\nline', '/with\0NUL'])(
  'an upload to a link that leads to %j touches no other name than its own',
  async (told) => {
    const faults = [{ on: 'realpath', nth: 2, does: names([told]) }] as const
    await inArena({ faults }, async ({ open, server }) => {
      const files = await open()
      const before = JSON.stringify(server.tree.peek('/old'))
      expect(await outcome(files.write('/link', { kind: 'replace' }))).not.toBe('done')
      expect(JSON.stringify(server.tree.peek('/old'))).toBe(before)
      expect([...server.tree.root.children.keys()].filter((name) => name.includes('link'))).toEqual(['link'])
    })
  },
)
