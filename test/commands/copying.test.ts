import { beforeEach, describe, expect, test } from 'vitest'
import { changed, usualDialect } from '../../src/ftp/dialect.ts'
import { FakeSession } from '../support/fake-session.ts'
import { failure } from '../support/memory-backend.ts'

let session: FakeSession
beforeEach(async () => {
  session = await FakeSession.loggedIn()
  const { tree } = session.backend
  tree.addFile('/one', '1')
  tree.addFile('/two', '22')
  tree.addFile('/with blank', '3')
  tree.addDirectory('/dir')
})
const stored = (path: string) => session.backend.content(path)?.toString()

describe.each(['', 'SITE '])('%sCPFR and CPTO', (site) => {
  test('copy a file, and the source stays', async () => {
    expect(await session.run(`${site}CPFR with blank`)).toEqual({ code: 350, lines: ['Ready for CPTO.'] })
    await session.run('NOOP')
    expect(await session.run(`${site}CPTO dir/new one`)).toEqual({ code: 250, lines: ['Copied.'] })
    expect([stored('/with blank'), stored('/dir/new one')]).toEqual(['3', '3'])
  })

  test('replace a file', async () => {
    await session.run(`${site}CPFR one`)
    await session.run(`${site}CPTO two`)
    expect(stored('/two')).toBe('1')
  })

  test('CPTO needs a CPFR of its own, which a transfer forgets', async () => {
    expect((await session.run(`${site}CPTO new`)).code).toBe(503)
    await session.run(`${site}CPFR one`)
    await session.run(`${site}CPTO new`)
    expect((await session.run(`${site}CPTO newer`)).code).toBe(503)
    await session.run(`${site}CPFR one`)
    await session.run('RETR two')
    expect((await session.run(`${site}CPTO new`)).code).toBe(503)
  })

  test('a CPFR that fails leaves nothing to copy', async () => {
    await session.run(`${site}CPFR one`)
    await expect(session.run(`${site}CPFR none`)).rejects.toMatchObject({ kind: 'notFound' })
    expect((await session.run(`${site}CPTO new`)).code).toBe(503)
  })

  test('copy no directory, and onto none', async () => {
    expect((await session.run(`${site}CPFR dir`)).code).toBe(550)
    await session.run(`${site}CPFR one`)
    await expect(session.run(`${site}CPTO dir`)).rejects.toMatchObject({ kind: 'isADirectory' })
  })
})

test('a new copy has the mode that SITE UMASK leaves', async () => {
  await session.run('SITE UMASK 027')
  await session.run('CPFR one')
  await session.run('CPTO new')
  expect(session.backend.tree.find('/new').attrs.mode).toBe(0o640)
})

test.each([
  ['SITE COPY one dir/new', 200, '/dir/new'],
  ['SITE COPY one new name', 200, '/new name'],
  ['SITE COPY "one" "new name"', 200, '/new name'],
  ['SITE COPY one', 501, undefined],
  ['SITE COPY "one"', 501, undefined],
  ['SITE COPY "one" "two" "three"', 501, undefined],
])('%s is answered with %i', async (line, code, made) => {
  expect((await session.run(line)).code).toBe(code)
  if (made !== undefined) expect(stored(made)).toBe('1')
})

describe('COMB', () => {
  test('is answered with 502 where the dialect does not offer it', async () => {
    expect((await session.run('COMB all one two')).code).toBe(502)
    expect(stored('/all')).toBeUndefined()
  })

  describe('where the dialect offers it', () => {
    beforeEach(() => {
      session.dialect = changed(usualDialect, { commands: { comb: true } })
    })

    test.each([
      ['COMB all one two', '/all', '122'],
      ['COMB "all" "two" "one" "with blank"', '/all', '2213'],
      ['COMB "all of ""them""" "one"', '/all of "them"', '1'],
      ['COMB one two', '/one', '122'],
      ['COMB one one one', '/one', '111'],
    ])('%s makes %s of the parts, which stay', async (line, target, content) => {
      expect(await session.run(line)).toEqual({ code: 250, lines: ['Combined.'] })
      expect(stored(target)).toBe(content)
      expect(stored('/two')).toBe('22')
    })

    test.each(['COMB', 'COMB all', 'COMB "all', 'COMB "all" "one', 'COMB "" one'])(
      '%s is answered with 501',
      async (line) => {
        expect((await session.run(line)).code).toBe(501)
      },
    )

    test('stops when the client has gone', async () => {
      session.leave.abort()
      await expect(session.run('COMB one one two')).rejects.toMatchObject({ kind: 'failed' })
      expect(stored('/one')).toBe('1')
      expect(session.backend.openHandles).toBe(0)
    })

    test('leaves the target as it was when a part is missing or cannot be read', async () => {
      await expect(session.run('COMB one two none')).rejects.toMatchObject({ kind: 'notFound' })
      session.backend.before = (operation, path) => {
        if (operation === 'readChunk' && path === '/two') throw failure('failed')
      }
      await expect(session.run('COMB one one two')).rejects.toMatchObject({ kind: 'failed' })
      expect(stored('/one')).toBe('1')
      expect(session.backend.openHandles).toBe(0)
    })
  })
})
