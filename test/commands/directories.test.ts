import { beforeEach, expect, test } from 'vitest'
import { FakeSession } from '../support/fake-session.ts'
import { MemoryBackend } from '../support/memory-backend.ts'

let session: FakeSession
beforeEach(async () => {
  const backend = new MemoryBackend()
  backend.home = '/home/anna'
  backend.tree.addDirectory('/home/anna/in "x"')
  backend.tree.addFile('/home/anna/file')
  backend.tree.addLink('/home/anna/link', '/home')
  session = await FakeSession.loggedIn(backend)
})

test.each([
  ['CWD /home', '/home'],
  ['XCWD ..', '/home'],
  ['CWD ', '/home/anna'],
  ['CWD', '/home/anna'],
  ['CWD ~', '/home/anna'],
  ['CWD //home//anna/', '/home/anna'],
  ['CWD ../../../..', '/'],
  ['CWD link', '/home/anna/link'],
  ['CDUP', '/home'],
  ['XCUP', '/home'],
])('%s leads to %s', async (line, directory) => {
  expect((await session.run(line)).code).toBe(250)
  expect((await session.run('PWD')).lines).toEqual([`"${directory}" is the current directory.`])
})

test('CDUP at the root stays there', async () => {
  await session.run('CWD /')
  expect((await session.run('CDUP')).code).toBe(250)
  expect(session.user?.directory).toBe('/')
})

test('CWD tells the truth about what is no directory', async () => {
  await expect(session.run('CWD file')).rejects.toMatchObject({ kind: 'notADirectory' })
  await expect(session.run('CWD none')).rejects.toMatchObject({ kind: 'notFound' })
  expect(session.user?.directory).toBe('/home/anna')
})

test('quotes in a directory name are doubled in 257', async () => {
  await session.run('CWD in "x"')
  expect((await session.run('XPWD')).lines).toEqual(['"/home/anna/in ""x""" is the current directory.'])
})

test('MKD answers with the absolute path, RMD removes it', async () => {
  expect(await session.run('MKD new/')).toEqual({ code: 257, lines: ['"/home/anna/new" created.'] })
  await expect(session.run('XMKD new')).rejects.toMatchObject({ kind: 'alreadyExists' })
  await expect(session.run('MKD deep/er')).rejects.toMatchObject({ kind: 'notFound' })
  expect((await session.run('RMD new')).code).toBe(250)
  await expect(session.run('XRMD new')).rejects.toMatchObject({ kind: 'notFound' })
  await expect(session.run('RMD /home')).rejects.toMatchObject({ kind: 'directoryNotEmpty' })
})

test('without a login there are no directories', async () => {
  for (const line of ['PWD', 'CWD /', 'MKD x', 'RMD x', 'CDUP']) {
    expect((await new FakeSession().run(line)).code).toBe(530)
  }
})
