import { expect, test } from 'vitest'
import { BackendError } from '../../../src/backend/backend.ts'
import { type Lesson, unknownServer } from '../../../src/backend/sftp/capabilities.ts'
import { SftpStatusError } from '../../../src/backend/sftp/failures.ts'
import { renameOver } from '../../../src/backend/sftp/rename.ts'
import type { SftpClient } from '../../../src/backend/sftp/sftp-client.ts'

type Client = Pick<SftpClient, 'posixRename' | 'rename' | 'lstat' | 'stat' | 'remove'>

/** A server without posix-rename: names and what is in them; `refuse` makes an operation fail. */
function server(files: Map<string, string>, refuse: (operation: string, path: string) => boolean = () => false) {
  const check = (operation: string, path: string) => {
    if (refuse(operation, path)) throw new BackendError('failed', `${operation} ${path}`)
    if (!files.has(path)) throw new BackendError('notFound', path)
  }
  const stat = async (path: string) => {
    check('lstat', path)
    return { permissions: 0o100644 }
  }
  const client: Client = {
    posixRename: () => Promise.reject(new SftpStatusError(8, 'posix-rename', 'never heard of it')),
    lstat: stat,
    stat,
    async rename(from, to) {
      check('rename', from)
      if (files.has(to)) throw new BackendError('failed', 'exists')
      files.set(to, files.get(from) ?? '')
      files.delete(from)
    },
    async remove(path) {
      check('remove', path)
      files.delete(path)
    },
  }
  return client
}

function by(rename: 'posix' | 'swap' | 'plain') {
  const lessons: Lesson[] = []
  return {
    lessons,
    get can() {
      return { ...unknownServer, rename, ...lessons.at(-1) }
    },
    learn: (lesson: Lesson) => void lessons.push(lesson),
  }
}

test('an existing file is replaced, and nothing is left', async () => {
  const files = new Map([
    ['/a', 'old'],
    ['/b', 'new'],
  ])
  await renameOver(server(files), by('swap'), '/b', '/a')
  expect(files).toEqual(new Map([['/a', 'new']]))
})

test('a source that is not there leaves the target alone', async () => {
  const files = new Map([['/a', 'old']])
  await expect(renameOver(server(files), by('swap'), '/b', '/a')).rejects.toMatchObject({ kind: 'notFound' })
  expect(files).toEqual(new Map([['/a', 'old']]))
})

test('when the source cannot take the name, the old file gets it back', async () => {
  const files = new Map([
    ['/a', 'old'],
    ['/b', 'new'],
  ])
  let renames = 0
  const refuse = (operation: string, path: string) => operation === 'rename' && path === '/b' && ++renames > 1
  await expect(renameOver(server(files, refuse), by('swap'), '/b', '/a')).rejects.toMatchObject({
    message: 'rename /b',
  })
  expect(files).toEqual(
    new Map([
      ['/a', 'old'],
      ['/b', 'new'],
    ]),
  )
})

test('an old file that cannot be removed afterwards is no failure: the new one is in place', async () => {
  const files = new Map([
    ['/a', 'old'],
    ['/b', 'new'],
  ])
  await renameOver(
    server(files, (operation) => operation === 'remove'),
    by('swap'),
    '/b',
    '/a',
  )
  expect(files.get('/a')).toBe('new')
  expect([...files.values()].sort()).toEqual(['new', 'old'])
})

test('with plain, an existing file is never moved aside', async () => {
  const files = new Map([
    ['/a', 'old'],
    ['/b', 'new'],
  ])
  const before = new Map(files)
  await expect(renameOver(server(files), by('plain'), '/b', '/a')).rejects.toMatchObject({ message: 'exists' })
  expect(files).toEqual(before)
})

test('a server that does not know the extension it offered is not asked for it again', async () => {
  const files = new Map([
    ['/a', 'old'],
    ['/b', 'new'],
  ])
  const learning = by('posix')
  await renameOver(server(files), learning, '/b', '/a')
  expect(files).toEqual(new Map([['/a', 'new']]))
  expect(learning.lessons).toEqual([{ rename: 'swap' }])
})
