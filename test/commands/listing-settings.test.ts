import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { changed, type DialectChanges, usualDialect } from '../../src/ftp/dialect.ts'
import { FakeSession } from '../support/fake-session.ts'

let session: FakeSession
beforeEach(async () => {
  session = await FakeSession.loggedIn()
  const { tree } = session.backend
  tree.addFile('/in/a.txt', '22', { modified: 200 })
  tree.addFile('/in/.hidden', '333', { modified: 100 })
  tree.addDirectory('/in/sub', { modified: 50 })
  tree.addLink('/in/link', 'sub')
  tree.addLink('/in/dangling', 'gone')
  await session.run('CWD /in')
})

function set(changes: DialectChanges): void {
  session.dialect = changed(usualDialect, changes)
}

async function lines(line: string): Promise<string[]> {
  return (await session.fetch(line)).split('\r\n').slice(0, -1)
}

/** The last words of long lines: all the rest is as always. */
async function names(line: string): Promise<string[]> {
  return (await lines(line)).map((row) =>
    row.replace(/^[-dl]([rwx-]{9}) .* [A-Z][a-z]{2} \d\d (\d\d:\d\d| \d{4}) /, ''),
  )
}

describe('the style of DOS', () => {
  beforeEach(() => {
    session.directoryStyle = 'dos'
  })

  test('is that of LIST, with links as what they point to', async () => {
    expect(await lines('LIST')).toEqual([
      '01-01-70  12:01AM                    3 .hidden',
      '01-01-70  12:03AM                    2 a.txt',
      expect.stringMatching(/^\d\d-\d\d-\d\d {2}\d\d:\d\d[AP]M {20}4 dangling$/),
      '01-01-70  12:00AM       <DIR>          link',
      '01-01-70  12:00AM       <DIR>          sub',
    ])
    expect((await session.run('STAT a.txt')).lines[1]).toBe('01-01-70  12:03AM                    2 a.txt')
    expect(await lines('NLST a*')).toEqual(['a.txt'])
  })

  test('is what SYST tells', async () => {
    expect(await session.run('SYST')).toEqual({ code: 215, lines: ['Windows_NT'] })
    session.directoryStyle = 'unix'
    expect(await session.run('SYST')).toEqual({ code: 215, lines: ['UNIX Type: L8'] })
  })
})

test('times in LIST are those of the time zone; facts stay in UTC', async () => {
  set({ listing: { timeZone: 'Asia/Tokyo' } })
  session.backend.tree.addFile('/in/new', '', { modified: Date.parse('2001-12-31T16:00:00Z') / 1000 })
  expect(await lines('LIST new')).toEqual([expect.stringMatching(/ Jan 01 {2}2002 new$/)])
  expect((await session.run('MLST new')).lines[1]).toContain('modify=20011231160000;')
  expect((await session.run('MDTM new')).lines).toEqual(['20011231160000'])
})

test('owners and groups can be hidden', async () => {
  await session.run('OPTS MLST type;UNIX.mode;UNIX.uid;UNIX.gid;UNIX.ownername;UNIX.groupname;')
  expect((await session.run('MLST a.txt')).lines[1]).toContain('UNIX.uid=1000;')
  set({ listing: { hideIds: true } })
  for (const options of ['', '-n ']) {
    expect(await lines(`LIST ${options}a.txt`)).toEqual([expect.stringMatching(/^-rw-r--r-- {3}1 ftp {6}ftp {6}/)])
  }
  expect((await session.run('MLST a.txt')).lines[1]).toBe('type=file;UNIX.mode=0644; /in/a.txt')
  for (const line of await lines('MLSD')) expect(line).not.toMatch(/uid|gid|name=/)
})

describe('names with a leading dot, where they are hidden', () => {
  const shown = ['a.txt', 'dangling', 'link', 'sub']
  beforeEach(() => set({ listing: { hideDotFiles: true } }))

  test.each([
    ['NLST', shown],
    ['NLST -l', ['a.txt', 'dangling -> gone', 'link -> sub', 'sub']],
    ['NLST -A', ['.hidden', ...shown]],
    ['NLST -a', ['.', '..', '.hidden', ...shown]],
    ['NLST .h*', ['.hidden']],
    ['NLST .hidden', ['.hidden']],
  ])('%s shows %j', async (line, expected) => {
    expect(await names(line)).toEqual(expected)
  })

  test('are in MLSD, which has no options to ask for them', async () => {
    expect((await lines('MLSD')).map((line) => line.split(' ')[1])).toContain('.hidden')
  })
})

describe('-R', () => {
  beforeEach(() => {
    const { tree } = session.backend
    tree.addFile('/in/sub/b', '')
    tree.addFile('/in/sub/.deep/c', '')
    tree.addDirectory('/in/zero')
  })

  test('is overlooked, unless the configuration allows it', async () => {
    expect(await names('LIST -R')).toEqual(await names('LIST'))
  })

  test.each([
    [
      'NLST -R',
      ['.:', '.hidden', 'a.txt', 'dangling', 'link', 'sub', 'zero', ''],
      ['./sub:', '.deep', 'b', '', './sub/.deep:', 'c', '', './zero:'],
    ],
    ['NLST -R /in/sub/', ['/in/sub/:', '.deep', 'b', ''], ['/in/sub/.deep:', 'c']],
    ['NLST -Rr sub', ['sub:', 'b', '.deep', ''], ['sub/.deep:', 'c']],
    ['LIST -R sub', ['sub:', '.deep', 'b', ''], ['sub/.deep:', 'c']],
    ['LIST -R zero', ['zero:'], []],
    ['LIST -R a.txt', ['a.txt'], []],
    ['LIST -Rd sub', ['sub'], []],
  ])('%s shows directories one after the other', async (line, top, below) => {
    set({ listing: { recursive: true } })
    expect(await names(line)).toEqual([...top, ...below])
  })

  test('leaves hidden directories alone', async () => {
    set({ listing: { recursive: true, hideDotFiles: true } })
    expect(await lines('NLST -R sub')).toEqual(['sub:', 'b'])
  })

  test('goes on behind a directory that cannot be read', async () => {
    set({ listing: { recursive: true } })
    const { files } = session.user ?? {}
    const list = files?.list.bind(files)
    if (files && list) {
      files.list = (path) => {
        if (path === '/in/sub') throw new Error('denied')
        return list(path)
      }
    }
    expect((await lines('NLST -R')).slice(-4)).toEqual(['', './sub:', '', './zero:'])
  })

  test('ends eight directories deep, and after 10 000 entries', async () => {
    set({ listing: { recursive: true } })
    session.backend.tree.addFile('/deep/2/3/4/5/6/7/8/9/10', '')
    const deep = await lines('NLST -R /deep')
    expect(deep.at(-1)).toBe('9')
    expect(deep.filter((line) => line.endsWith(':'))).toHaveLength(8)
    for (let i = 0; i < 6000; i++) {
      session.backend.tree.addFile(`/wide/a/${i}`, '')
      session.backend.tree.addFile(`/wide/b/${i}`, '')
    }
    const wide = await lines('NLST -R /wide')
    expect(wide.filter((line) => line !== '' && !line.endsWith(':'))).toHaveLength(10_000)
    expect(session.backend.openHandles).toBe(0)
  })
})

describe('links in MLSD and MLST', () => {
  test.each([
    ['target', 'type=dir; link', 'type=dir; /in/link'],
    ['slink', 'type=OS.unix=slink:sub; link', 'type=OS.unix=slink:sub; /in/link'],
  ] as const)('as %s', async (symlinks, inMlsd, inMlst) => {
    set({ listing: { symlinks } })
    await session.run('OPTS MLST type;')
    expect(await lines('MLSD')).toContain(inMlsd)
    expect(await lines('MLSD')).toContain('type=OS.unix=slink:gone; dangling')
    expect((await session.run('MLST link')).lines[1]).toBe(inMlst)
    expect((await session.run('MLST sub')).lines[1]).toBe('type=dir; /in/sub')
  })
})

describe('a listing', () => {
  test('is the same in whatever batches the server sends it', async () => {
    for (let i = 0; i < 40; i++) {
      session.backend.tree.addFile(`/many/${i}`, '', { modified: i })
      session.backend.tree.addLink(`/many/l${i}`, i % 2 === 0 ? `${i}` : 'gone')
    }
    const commands = ['LIST', 'LIST -a', 'LIST -UL', 'LIST -R', 'LIST *1', 'NLST -t', 'MLSD'].map((verb) =>
      verb === 'LIST *1' ? 'LIST /many/*1' : `${verb} /many`,
    )
    const command = fc.constantFrom(...commands)
    const style = fc.constantFrom('unix' as const, 'dos' as const)
    await fc.assert(
      fc.asyncProperty(
        command,
        style,
        fc.integer({ min: 1, max: 90 }),
        fc.boolean(),
        async (line, style, batch, set) => {
          session.dialect = changed(usualDialect, { listing: { recursive: true, hideDotFiles: set, hideIds: set } })
          session.directoryStyle = style
          session.backend.batchLength = 1000
          const whole = await session.fetch(line)
          session.backend.batchLength = batch
          expect(await session.fetch(line)).toBe(whole)
        },
      ),
    )
  })
})
