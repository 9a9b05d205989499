import { beforeEach, expect, test } from 'vitest'
import { FakeSession } from '../support/fake-session.ts'

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
