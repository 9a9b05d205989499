import { beforeEach, describe, expect, test } from 'vitest'
import { changed, usualDialect } from '../../src/ftp/dialect.ts'
import { FakeSession } from '../support/fake-session.ts'
import { failure } from '../support/memory-backend.ts'

let session: FakeSession
beforeEach(async () => {
  session = await FakeSession.loggedIn()
  session.backend.tree.addDirectory('/in')
  session.backend.free = 5_000_000_000
})

test.each([
  ['AVBL', 213, '5000000000'],
  ['AVBL /in', 213, '5000000000'],
  ['AVBL in', 213, '5000000000'],
  ['XQUOTA', 211, 'Free space: 5000000000 bytes.'],
  ['SITE QUOTA', 211, 'Free space: 5000000000 bytes.'],
])('%s is answered with %i %s', async (line, code, text) => {
  expect(await session.run(line)).toEqual({ code, lines: [text] })
})

test('AVBL without a path asks about the working directory', async () => {
  const asked: string[] = []
  session.backend.before = (operation, path) => void (operation === 'space' && asked.push(path))
  await session.run('CWD in')
  await session.run('AVBL')
  await session.run('AVBL /')
  expect(asked).toEqual(['/in', '/'])
})

test('AVBL of what is missing, or on a server that does not tell, fails', async () => {
  await expect(session.run('AVBL none')).rejects.toMatchObject({ kind: 'notFound' })
  session.backend.free = undefined
  await expect(session.run('AVBL')).rejects.toMatchObject({ kind: 'unsupported' })
})

describe('ALLO where the dialect checks it', () => {
  beforeEach(() => {
    session.dialect = changed(usualDialect, { commands: { alloCheck: true } })
  })

  test.each([
    ['ALLO 5000000000', 200, 'Enough free space.'],
    ['ALLO 5000000001', 552, 'Not enough free space.'],
    ['ALLO 5000000001 R 80', 552, 'Not enough free space.'],
    ['ALLO much', 501, 'Syntax: ALLO <bytes> [R <bytes>]'],
  ])('%s is answered with %i %s', async (line, code, text) => {
    expect(await session.run(line)).toEqual({ code, lines: [text] })
  })

  test('nothing is refused on a server that does not tell; one that is lost is an error', async () => {
    session.backend.free = undefined
    expect((await session.run('ALLO 5000000001')).code).toBe(202)
    session.backend.before = () => {
      throw failure('unavailable')
    }
    await expect(session.run('ALLO 1')).rejects.toMatchObject({ kind: 'unavailable' })
  })
})

test('ALLO asks nobody where the dialect does not check it', async () => {
  session.backend.before = () => {
    throw failure('unavailable')
  }
  expect((await session.run('ALLO 5000000001')).code).toBe(202)
})
