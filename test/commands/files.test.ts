import { beforeEach, describe, expect, test } from 'vitest'
import { FakeSession } from '../support/fake-session.ts'
import { failure } from '../support/memory-backend.ts'

let session: FakeSession
beforeEach(async () => {
  session = await FakeSession.loggedIn()
  const { tree } = session.backend
  tree.addFile('/a.txt', 'text\n', { modified: 1_709_210_096 })
  tree.addFile('/b.txt', 'b')
  tree.addDirectory('/dir', { modified: 1_709_210_096 })
  tree.addLink('/link', 'a.txt')
})
const exists = (path: string) => session.backend.tree.peek(path) !== undefined

describe('DELE', () => {
  test('removes a file, and a link but not what it points to', async () => {
    expect((await session.run('DELE b.txt')).code).toBe(250)
    expect((await session.run('DELE link')).code).toBe(250)
    expect([exists('/b.txt'), exists('/link'), exists('/a.txt')]).toEqual([false, false, true])
  })

  test('fails on a directory and on nothing', async () => {
    await expect(session.run('DELE dir')).rejects.toMatchObject({ kind: 'isADirectory' })
    await expect(session.run('DELE none')).rejects.toMatchObject({ kind: 'notFound' })
  })
})

describe('RNFR and RNTO', () => {
  test('rename, and replace a file', async () => {
    expect((await session.run('RNFR a.txt')).code).toBe(350)
    await session.run('NOOP')
    expect((await session.run('RNTO b.txt')).code).toBe(250)
    expect(exists('/a.txt')).toBe(false)
    expect(session.backend.content('/b.txt')?.toString()).toBe('text\n')
  })

  test('work on the link, not on what it points to', async () => {
    await session.run('RNFR link')
    await session.run('RNTO link2')
    expect(session.backend.tree.peek('/link2')?.type).toBe('symlink')
  })

  test('need each other, in this order', async () => {
    expect((await session.run('RNTO x')).code).toBe(503)
    await session.run('RNFR a.txt')
    await session.run('RNTO x')
    expect((await session.run('RNTO y')).code).toBe(503)
  })

  test('a source that is not there undoes the one before', async () => {
    await session.run('RNFR a.txt')
    await expect(session.run('RNFR none')).rejects.toMatchObject({ kind: 'notFound' })
    expect((await session.run('RNTO x')).code).toBe(503)
  })

  test('never replace a directory', async () => {
    await session.run('RNFR a.txt')
    expect(await session.run('RNTO dir')).toEqual({ code: 550, lines: ['Is a directory.'] })
    expect([exists('/a.txt'), exists('/dir')]).toEqual([true, true])
  })

  test('leave the decision to the server where it does not say what is there', async () => {
    await session.run('RNFR a.txt')
    session.backend.before = (operation) => {
      if (operation === 'lstat') throw failure('accessDenied')
    }
    expect((await session.run('RNTO c.txt')).code).toBe(250)
  })

  test('refuse a name that no listing can show', async () => {
    await session.run('RNFR a.txt')
    await expect(session.run('RNTO a\nb')).rejects.toMatchObject({ kind: 'invalidName' })
  })
})

test.each([
  ['SIZE a.txt', 213, '5'],
  ['SIZE link', 213, '5'],
  ['SIZE dir', 550, 'Not a regular file.'],
  ['SIZE', 501, 'Syntax: SIZE <path>'],
  ['MDTM a.txt', 213, '20240229123456'],
  ['MDTM dir', 213, '20240229123456'],
])('%s is answered with %i %s', async (line, code, text) => {
  expect(await session.run(line)).toEqual({ code, lines: [text] })
})

test('SIZE is the stored size in TYPE A too', async () => {
  await session.run('TYPE A')
  expect((await session.run('SIZE a.txt')).lines).toEqual(['5'])
})

describe('setting the modification time', () => {
  const modified = (path: string) => session.backend.tree.peek(path)?.attrs.modified

  test.each([
    ['MFMT 20200101000000 a.txt', 1_577_836_800, 'Modify=20200101000000; a.txt'],
    ['MFMT 20200101000000.5 a.txt', 1_577_836_800, 'Modify=20200101000000; a.txt'],
    ['MDTM 20200101000000 a.txt', 1_577_836_800, 'Modify=20200101000000; a.txt'],
    ['MDTM 202001010000 a.txt', 1_577_836_800, 'Modify=20200101000000; a.txt'],
    ['MDTM 20200101000000+60 a.txt', 1_577_833_200, 'Modify=20191231230000; a.txt'],
    ['MDTM 20200101000000.123-60 a.txt', 1_577_840_400, 'Modify=20200101010000; a.txt'],
  ])('%s', async (line, seconds, text) => {
    expect(await session.run(line)).toEqual({ code: 213, lines: [text] })
    expect(modified('/a.txt')).toBe(seconds)
  })

  test('is not what MDTM does when a file has the whole argument as its name', async () => {
    session.backend.tree.addFile('/20200101000000 a.txt', '', { modified: 0 })
    expect((await session.run('MDTM 20200101000000 a.txt')).lines).toEqual(['19700101000000'])
    expect(modified('/a.txt')).toBe(1_709_210_096)
  })

  test.each(['MFMT 20200101000000 none', 'MDTM 20200101000000 none', 'MDTM none', 'MDTM 20201301000000 a.txt'])(
    '%s fails with notFound',
    async (line) => {
      await expect(session.run(line)).rejects.toMatchObject({ kind: 'notFound' })
    },
  )

  test('MFMT with a time that is none is a syntax error', async () => {
    expect((await session.run('MFMT 20201301000000 a.txt')).code).toBe(501)
  })
})

describe('SITE', () => {
  test('CHMOD changes the permission bits', async () => {
    expect((await session.run('SITE CHMOD 600 a.txt')).code).toBe(200)
    expect(session.backend.tree.peek('/a.txt')?.attrs.mode).toBe(0o600)
  })

  test.each([
    ['SITE CHMOD', 501, 'Syntax: SITE CHMOD <mode> <path>'],
    ['SITE CHMOD 999 a.txt', 501, 'Syntax: SITE CHMOD <mode> <path>'],
    ['SITE HELP', 214, 'SITE commands:'],
    ['SITE', 501, 'Syntax: SITE <command> [<arguments>]'],
    ['SITE EXEC ls', 500, "'SITE EXEC' not understood."],
    ['SITE FIXrecfm 80 LRECL=80 RECFM=FB BLKSIZE=27920', 202, 'SITE FIXRECFM is not needed here.'],
    ['site lrecl=80', 202, 'SITE LRECL is not needed here.'],
    ['SITE NAMEFMT 1', 202, 'SITE NAMEFMT is not needed here.'],
  ])('%s is answered with %i %s', async (line, code, text) => {
    const answer = await session.run(line)
    expect([answer.code, answer.lines[0]]).toEqual([code, text])
  })
})
