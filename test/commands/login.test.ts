import { expect, test } from 'vitest'
import { FakeSession } from '../support/fake-session.ts'

test('a name and its password log in', async () => {
  const session = new FakeSession()
  expect((await session.run('USER anna')).code).toBe(331)
  expect(session.username).toBe('anna')
  expect((await session.run('PASS secret')).code).toBe(230)
  expect([session.user?.name, session.username]).toEqual(['anna', undefined])
})

test('a password without a name is out of order', async () => {
  expect((await new FakeSession().run('PASS secret')).code).toBe(503)
})

test('a wrong password is the failure that the session counts, and the name must be sent again', async () => {
  const session = new FakeSession()
  await session.run('USER anna')
  await expect(session.run('PASS wrong')).rejects.toMatchObject({ kind: 'loginRefused' })
  expect((await session.run('PASS secret')).code).toBe(503)
})

test('a second name replaces the first', async () => {
  const session = new FakeSession()
  await session.run('USER anna')
  await session.run('USER bob')
  await session.run('PASS secret')
  expect(session.user?.name).toBe('bob')
})

test.each(['USER anna', 'PASS secret'])('%s after login is refused', async (line) => {
  const session = await FakeSession.loggedIn()
  expect((await session.run(line)).code).toBe(503)
})

test('ACCT is superfluous after login and out of order before', async () => {
  expect((await new FakeSession().run('ACCT x')).code).toBe(503)
  expect((await (await FakeSession.loggedIn()).run('ACCT x')).code).toBe(202)
})

test('QUIT closes the control connection', async () => {
  expect(await new FakeSession().run('QUIT')).toMatchObject({ code: 221, afterwards: 'close' })
})
