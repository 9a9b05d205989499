import { beforeEach, expect, test } from 'vitest'
import { FakeSession } from '../support/fake-session.ts'

/* A name that ends with a slash is that of a directory: `put file folder/` must not make a file. */

let session: FakeSession
beforeEach(async () => {
  session = await FakeSession.loggedIn()
  session.backend.tree.addFile('/file', 'content')
})

test.each(['STOR new/', 'APPE new/', 'STOU new/', 'RETR file/', 'DELE file/', 'STOR file/'])(
  '%s is refused, and nothing changes',
  async (line) => {
    await expect(session.run(line)).rejects.toMatchObject({ kind: 'isADirectory' })
    expect([...session.backend.tree.findDirectory('/').children.keys()]).toEqual(['file'])
  },
)

test('MKD, CWD and RMD take one', async () => {
  expect((await session.run('MKD folder/')).code).toBe(257)
  expect((await session.run('CWD folder/')).code).toBe(250)
  expect((await session.run('CDUP')).code).toBe(250)
  expect((await session.run('RMD folder/')).code).toBe(250)
})
