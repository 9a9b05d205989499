import { beforeEach, describe, expect, test } from 'vitest'
import { reply } from '../../src/ftp/reply.ts'
import { FakeSession } from '../support/fake-session.ts'
import { failure } from '../support/memory-backend.ts'

let session: FakeSession
beforeEach(async () => {
  session = await FakeSession.loggedIn()
  const { tree } = session.backend
  tree.addFile('/in/b.txt', '22', { modified: 200 })
  tree.addFile('/in/a b.txt', '1', { modified: 300 })
  tree.addFile('/in/.hidden', '333', { modified: 100 })
  tree.addDirectory('/in/sub', { modified: 50 })
  tree.addLink('/in/link', 'sub')
  tree.addLink('/in/dangling', 'gone')
  tree.addDirectory('/empty')
  await session.run('CWD /in')
})

/** The names in a LIST, in order, with link targets. */
async function listed(line: string): Promise<string[]> {
  const text = await session.fetch(line)
  expect(text).toMatch(/^([^\r\n]+\r\n)*$/)
  return text
    .split('\r\n')
    .slice(0, -1)
    .map((row) => /^[-dl][rwx-]{9} +\d+ \S+ +\S+ +\d+ \w{3} \d\d [ \d:]{5} (.*)$/.exec(row)?.[1] ?? `?${row}`)
}
async function lines(line: string): Promise<string[]> {
  return (await session.fetch(line)).split('\r\n').slice(0, -1)
}

const everything = ['.hidden', 'a b.txt', 'b.txt', 'dangling -> gone', 'link -> sub', 'sub']

describe('LIST', () => {
  test('shows the working directory, sorted by name, in long lines', async () => {
    expect(await listed('LIST')).toEqual(everything)
    expect(session.transfer).toMatchObject({
      verb: 'LIST',
      path: '/in',
      mark: 'Opening ASCII mode data connection for file list.',
    })
    expect((await session.fetch('LIST b.txt')).trimEnd()).toBe(
      '-rw-r--r--   1 1000     1000                2 Jan 01  1970 b.txt',
    )
  })

  test.each([
    ['LIST -la', ['.', '..', ...everything]],
    ['LIST -al /in', ['.', '..', ...everything]],
    ['LIST -l sub', []],
    ['LIST /empty', []],
    ['LIST a b.txt', ['a b.txt']],
    ['LIST -l a b.txt', ['a b.txt']],
    ['LIST /in/a b.txt', ['a b.txt']],
    ['LIST -t *.txt', ['a b.txt', 'b.txt']],
    ['LIST -tr *.txt', ['b.txt', 'a b.txt']],
    ['LIST -S .h*', ['.hidden']],
    ['LIST /in/*.txt', ['a b.txt', 'b.txt']],
    ['LIST {b,c}.txt', ['b.txt']],
    ['LIST *.none', []],
    ['LIST -d', ['.']],
    ['LIST -d sub', ['sub']],
    ['LIST -dF sub', ['sub/']],
    ['LIST -R', everything],
  ])('%s shows %j', async (line, names) => {
    expect(await listed(line)).toEqual(names)
  })

  test('-S and -t put the largest and the newest first, -r last', async () => {
    expect(await listed('LIST -S {*.txt,.h*}')).toEqual(['.hidden', 'b.txt', 'a b.txt'])
    expect(await listed('LIST -Sr {*.txt,.h*}')).toEqual(['a b.txt', 'b.txt', '.hidden'])
    expect(await listed('LIST -t {*.txt,.h*}')).toEqual(['a b.txt', 'b.txt', '.hidden'])
    expect(await listed('LIST -r')).toEqual([...everything].reverse())
  })

  test('-U keeps the server’s order, and -L shows what links point to', async () => {
    expect(await listed('LIST -U')).toEqual(['b.txt', 'a b.txt', '.hidden', 'sub', 'link -> sub', 'dangling -> gone'])
    const rows = (await session.fetch('LIST -L')).split('\r\n')
    expect(rows.find((row) => row.endsWith(' link'))).toMatch(/^d/)
    expect(rows.find((row) => row.includes(' dangling'))).toMatch(/^l.* -> gone$/)
  })

  test('takes an argument with a dash for a file when there is one', async () => {
    session.backend.tree.addFile('/in/-la')
    expect(await listed('LIST -la')).toEqual(['-la'])
  })

  test('of a directory whose name looks like a pattern lists the directory', async () => {
    session.backend.tree.addFile('/in/[x]/y')
    expect(await listed('LIST [x]')).toEqual(['y'])
  })

  test('fails before the 150 where there is nothing', async () => {
    await expect(session.run('LIST none')).rejects.toMatchObject({ kind: 'notFound' })
    await expect(session.run('LIST none/*')).rejects.toMatchObject({ kind: 'notFound' })
    session.backend.before = (operation) => {
      if (operation === 'list' || operation === 'batch') throw failure('accessDenied')
    }
    await expect(session.run('LIST')).rejects.toMatchObject({ kind: 'accessDenied' })
    expect(session.transfer).toBeUndefined()
  })

  test('never lets a name break its line', async () => {
    session.backend.tree.addFile('/in/x\r\ny')
    session.backend.tree.addLink('/in/z', 'to\r\nto')
    expect(await listed('LIST')).toEqual([...everything, 'x??y', 'z -> to??to'])
  })

  test('of more than 20 000 entries comes in the server’s order', async () => {
    const names = Array.from({ length: 20_001 }, (_, i) => `f${20_001 - i}`)
    for (const name of names) session.backend.tree.addFile(`/big/${name}`)
    expect(await listed('LIST /big')).toEqual(names)
    session.backend.tree.findDirectory('/big').children.delete('f1')
    expect(await listed('LIST /big')).toEqual(names.slice(0, -1).sort())
  })

  test('of a pattern shows all matches, however many there are', async () => {
    for (let i = 0; i < 30_001; i++) session.backend.tree.addFile(`/many/${i}`)
    session.backend.batchLength = 999
    expect((await lines('LIST /many/*')).length).toBe(30_001)
    expect(session.backend.openHandles).toBe(0)
  })

  test.each([
    ['in batches larger than that', 700],
    ['in small batches, across their borders', 5],
  ])('reads 32 links at a time, %s, and keeps their order', async (_, batchLength) => {
    for (let i = 0; i < 1100; i++) session.backend.tree.addLink(`/links/${i}`, `${i}`)
    session.backend.batchLength = batchLength
    let running = 0
    let most = 0
    let total = 0
    session.backend.before = async (operation) => {
      if (operation !== 'readLink') return
      total += 1
      running += 1
      most = Math.max(most, running)
      // Later ones may be answered before earlier ones.
      for (let i = total % 7; i >= 0; i--) await new Promise(setImmediate)
      running -= 1
    }
    const names = await listed('LIST -U /links')
    expect(names).toEqual(Array.from({ length: 1100 }, (_, i) => `${i} -> ${i}`))
    expect([most, total]).toEqual([32, 1100])
  })

  test('holds few entries that wait for a link which is slow', async () => {
    session.backend.tree.addLink('/slow/0', 'x')
    for (let i = 1; i < 20_000; i++) session.backend.tree.addFile(`/slow/${i}`)
    let batches = 0
    let answer = () => {}
    session.backend.before = async (operation) => {
      if (operation === 'batch') batches += 1
      if (operation === 'readLink') await new Promise<void>((resolve) => (answer = resolve))
    }
    const listing = listed('LIST -U /slow')
    for (let i = 0; i < 500; i++) await new Promise(setImmediate)
    expect(batches).toBeLessThanOrEqual(42)
    answer()
    expect(await listing).toHaveLength(20_000)
  })

  test('looks no further links up once nobody wants the listing', async () => {
    for (let i = 0; i < 500; i++) session.backend.tree.addLink(`/links/${i}`, 'x')
    session.backend.batchLength = 250
    let total = 0
    session.backend.before = async (operation) => {
      if (operation === 'readLink') total += 1
    }
    session.send = async ({ content }) => {
      for await (const _ of content) break
      return reply(426, 'enough')
    }
    await session.run('LIST -U /links')
    for (let i = 0; i < 100; i++) await new Promise(setImmediate)
    expect(total).toBeLessThan(500)
  })

  test.each(['LIST -U', 'MLSD', 'NLST -U'])('%s takes no more of a directory than its client does', async (verb) => {
    for (let i = 0; i < 30_000; i++) session.backend.tree.addFile(`/big/${i}`)
    let batches = 0
    session.backend.before = (operation) => {
      if (operation === 'batch') batches += 1
    }
    const held: number[] = []
    session.send = async ({ content }) => {
      let lines = 0
      for await (const chunk of content) {
        for (const byte of chunk) if (byte === 10) lines += 1
        held.push(batches * session.backend.batchLength - lines)
      }
      return reply(226, 'done')
    }
    await session.run(`${verb} /big`)
    expect(held.length).toBeGreaterThan(5)
    expect(Math.max(...held)).toBeLessThanOrEqual(2 * session.backend.batchLength)
  })

  test('holds no more than 20 000 entries and one batch, also where sorting was asked for', async () => {
    for (let i = 0; i < 50_000; i++) session.backend.tree.addFile(`/big/${i}`)
    let batches = 0
    session.backend.before = (operation) => {
      if (operation === 'batch') batches += 1
    }
    const held: number[] = []
    session.send = async ({ content }) => {
      let lines = 0
      for await (const chunk of content) {
        for (const byte of chunk) if (byte === 10) lines += 1
        held.push(batches * session.backend.batchLength - lines)
      }
      return reply(226, 'done')
    }
    await session.run('LIST -t /big')
    expect(Math.max(...held)).toBeLessThanOrEqual(20_000 + session.backend.batchLength)
    expect(held.at(-1)).toBe(0)
  })

  test('goes out in chunks of 32 KiB behind the first lines', async () => {
    for (let i = 0; i < 3000; i++) session.backend.tree.addFile(`/big/${i}`)
    const lengths: number[] = []
    session.send = async ({ content }) => {
      for await (const chunk of content) lengths.push(chunk.length)
      return reply(226, 'done')
    }
    await session.run('LIST -U /big')
    const [first = 0, ...rest] = lengths
    expect(first).toBeLessThan(10_000)
    expect(rest.length).toBeGreaterThan(3)
    expect(Math.max(...rest)).toBeLessThan(33_000)
    expect(Math.min(...rest.slice(0, -1))).toBeGreaterThanOrEqual(32_768)
  })

  test('of a directory asks for it at once; a file costs one look more', async () => {
    const asked: string[] = []
    session.backend.before = (operation) => void asked.push(operation)
    await session.fetch('LIST /in/sub')
    await session.fetch('MLSD /in/sub')
    expect(asked).toEqual(['list', 'list'])
    asked.length = 0
    expect(await listed('LIST /in/b.txt')).toEqual(['b.txt'])
    expect(asked).toEqual(['list', 'stat'])
  })

  test('closes the directory whatever becomes of the transfer', async () => {
    session.backend.batchLength = 1
    for (const line of ['LIST', 'NLST', 'NLST *.txt', 'MLSD', 'NLST *.none', 'STAT /in', 'LIST -U'])
      await session.run(line)
    session.dataFailure = new Error('no data connection')
    for (const line of ['LIST', 'NLST', 'NLST -U *', 'MLSD']) await expect(session.run(line)).rejects.toThrow('no data')
    session.dataFailure = undefined
    let batches = 0
    session.backend.before = (operation) => {
      if (operation === 'batch' && ++batches === 3) throw failure('unavailable')
    }
    await expect(session.run('LIST')).rejects.toMatchObject({ kind: 'unavailable' })
    expect(session.backend.openHandles).toBe(0)
  })

  test('that is cancelled while the server does not answer ends when it does', async () => {
    session.backend.batchLength = 1
    let answer = () => {}
    let batches = 0
    session.backend.before = (operation) => {
      if (operation !== 'batch' || ++batches !== 3) return
      return new Promise<void>((resolve) => {
        answer = resolve
      })
    }
    const running = session.run('MLSD')
    await expect.poll(() => batches).toBe(3)
    if (session.transfer !== undefined && 'cancel' in session.transfer) await session.transfer.cancel()
    answer()
    await running
    expect(batches).toBe(3)
    expect(session.backend.openHandles).toBe(0)
  })
})

describe('NLST', () => {
  const names = ['.hidden', 'a b.txt', 'b.txt', 'dangling', 'link', 'sub']

  test.each([
    ['NLST', names],
    ['NLST .', names],
    ['NLST -a', ['.', '..', ...names]],
    ['NLST /in', names.map((name) => `/in/${name}`)],
    ['NLST ../in/', names.map((name) => `../in/${name}`)],
    ['NLST b.txt', ['b.txt']],
    ['NLST /in/b.txt', ['/in/b.txt']],
    ['NLST *.txt', ['a b.txt', 'b.txt']],
    ['NLST ../in/*.txt', ['../in/a b.txt', '../in/b.txt']],
    ['NLST /*', ['/empty', '/in']],
    ['NLST -p s*', ['sub/']],
    ['NLST /empty', []],
  ])('%s shows %j', async (line, expected) => {
    expect(await lines(line)).toEqual(expected)
  })

  test('-l shows long lines', async () => {
    expect(await listed('NLST -l')).toEqual(everything)
  })

  test('of a pattern that matches nothing is an error without 150', async () => {
    expect((await session.run('NLST *.none')).code).toBe(550)
    expect(session.transfer).toBeUndefined()
  })

  test('leaves out names that would break a line', async () => {
    session.backend.tree.addFile('/odd/a\nb')
    session.backend.tree.addFile('/odd/c')
    expect(await lines('NLST /odd')).toEqual(['/odd/c'])
    expect(await lines('MLSD /odd')).toEqual([expect.stringMatching(/^type=file;.* c$/)])
  })
})

describe('MLSD and MLST', () => {
  test('MLSD shows facts and names, and links as what they point to', async () => {
    await session.run('OPTS MLST type;size;')
    expect(await lines('MLSD')).toEqual([
      'type=file;size=2; b.txt',
      'type=file;size=1; a b.txt',
      'type=file;size=3; .hidden',
      'type=dir; sub',
      'type=dir; link',
      'type=OS.unix=slink:gone; dangling',
    ])
    expect(await lines('MLSD /empty')).toEqual([])
  })

  test('MLSD of what is no directory is a wrong argument', async () => {
    expect(await session.run('MLSD b.txt')).toEqual({ code: 501, lines: ['Not a directory.'] })
    await expect(session.run('MLSD none')).rejects.toMatchObject({ kind: 'notFound' })
  })

  test('MLSD overlooks options, unless a directory is called so', async () => {
    expect(await lines('MLSD -a /empty')).toEqual([])
    expect(await lines('MLSD -la')).toHaveLength(6)
    session.backend.tree.addFile('/in/-la/x')
    expect(await lines('MLSD -la')).toEqual([expect.stringMatching(/ x$/)])
  })

  test('MLST shows the facts of one path on the control connection', async () => {
    await session.run('OPTS MLST type;size;modify;')
    expect(await session.run('MLST b.txt')).toEqual({
      code: 250,
      lines: ['Listing /in/b.txt', 'type=file;size=2;modify=19700101000320; /in/b.txt', 'End'],
    })
    await session.run('OPTS MLST type;')
    expect((await session.run('MLST')).lines[1]).toBe('type=dir; /in')
    expect((await session.run('MLST link')).lines[1]).toBe('type=dir; /in/link')
    expect((await session.run('MLST dangling')).lines[1]).toBe('type=OS.unix=slink:gone; /in/dangling')
    await expect(session.run('MLST none')).rejects.toMatchObject({ kind: 'notFound' })
  })

  test('FEAT shows which facts are on', async () => {
    await session.run('OPTS MLST size;')
    expect((await session.run('FEAT')).lines.find((line) => line.startsWith('MLST '))).toMatch(
      /^MLST type;size\*;modify;/,
    )
  })
})

describe('STAT', () => {
  test('without a path tells about the session, also during a transfer', async () => {
    session.transferring = true
    expect(await session.run('STAT')).toEqual({
      code: 211,
      lines: ['FTP server status:', 'Connected from 192.0.2.9', 'End of status.'],
    })
  })

  test('with a path lists it on the control connection', async () => {
    const directory = await session.run('STAT /in')
    expect([directory.code, directory.lines[0], directory.lines.length]).toEqual([212, 'Status of /in:', 8])
    const file = await session.run('STAT b.txt')
    expect([file.code, file.lines[0], file.lines.length]).toEqual([213, 'Status of b.txt:', 3])
    expect((await session.run('STAT -l')).lines.length).toBe(8)
    expect((await session.run('STAT none')).code).toBe(450)
    expect(session.transfer).toBeUndefined()
  })

  test('with a path waits for the transfer to end', async () => {
    session.transferring = true
    expect((await session.run('STAT /in')).code).toBe(450)
  })

  test('shows at most 10 000 entries and 2 MB', async () => {
    for (let i = 0; i < 10_001; i++) session.backend.tree.addFile(`/many/${i}`)
    expect((await session.run('STAT /many')).lines.length).toBe(10_002)
    expect((await session.run('STAT -U /many')).lines.length).toBe(10_002)
    for (let i = 0; i < 9000; i++) session.backend.tree.addFile(`/long/${'x'.repeat(240)}${i}`)
    expect((await session.run('STAT /long')).lines.join('').length).toBeLessThan(2 * 1024 * 1024 + 100)
    expect(session.backend.openHandles).toBe(0)
  })
})

test('a file whose name has a line break in it is seen in LIST, and is in no listing whose names are given back', async () => {
  for (const name of ['a\nb', 'a\rb', 'c']) session.backend.tree.addFile(`/odd/${name}`)
  expect((await lines('LIST /odd')).map((line) => line.split(' ').at(-1))).toEqual(['a?b', 'a?b', 'c'])
  expect(await lines('NLST /odd')).toEqual(['/odd/c'])
  expect(await lines('MLSD /odd')).toEqual([expect.stringMatching(/ c$/)])
})
