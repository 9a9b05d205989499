import { beforeEach, describe, expect, test } from 'vitest'
import type { FileSystem } from '../../src/backend/backend.ts'
import { partOf } from '../../src/partners/part.ts'
import { MemoryBackend } from '../support/memory-backend.ts'

let backend: MemoryBackend
let whole: FileSystem
let files: FileSystem

beforeEach(async () => {
  backend = new MemoryBackend()
  const { tree } = backend
  for (const folder of ['/data', '/data/acme', '/data/acme/in', '/data/acme/in/deep', '/data/acme2', '/etc']) {
    tree.addDirectory(folder)
  }
  tree.addFile('/etc/passwd', 'secret')
  tree.addFile('/data/acme2/other', 'secret')
  tree.addFile('/data/acme/in/file', 'mine')
  tree.addLink('/data/acme/to-in', 'in')
  tree.addLink('/data/acme/to-in-whole', '/data/acme/in')
  tree.addLink('/data/acme/in/up', '../in/deep')
  tree.addLink('/data/acme/chain-in', 'to-in-whole')
  tree.addLink('/data/acme/file-link', 'in/file')
  tree.addLink('/data/acme/dangling-in', 'in/none')
  tree.addLink('/data/acme/etc', '/etc')
  tree.addLink('/data/acme/relative', '../../etc')
  tree.addLink('/data/acme/passwd', '/etc/passwd')
  tree.addLink('/data/acme/chain', 'etc')
  tree.addLink('/data/acme/neighbour', '/data/acme2')
  tree.addLink('/data/acme/neighbour-relative', '../acme2')
  tree.addLink('/data/acme/out-and-back', '../acme/in')
  tree.addLink('/data/acme/dots', '/data/acme/../../etc')
  tree.addDirectory('/in')
  tree.addFile('/in/passwd', 'secret')
  // As text it stays within; but `..` of /etc is / and not the root.
  tree.addLink('/data/acme/dots-behind-a-link', 'etc/../in')
  tree.addLink('/data/acme/dots-within', 'in/deep/../../in')
  tree.addLink('/data/acme/in/dangling', '/etc/none')
  tree.addLink('/data/acme/loop', 'loop')
  tree.addLink('/data/acme/root', '/')
  whole = await backend.open({ kind: 'privateKey', username: 'x', privateKey: { type: 'x' } })
  files = partOf(whole, '/data/acme', 'inside').files
})

const folders = [
  '/etc',
  '/relative',
  '/chain',
  '/neighbour',
  '/neighbour-relative',
  '/out-and-back',
  '/dots',
  '/dots-behind-a-link',
  '/root',
]

describe.each(folders)('the link %s, which leads out of the root', (link) => {
  const changing: [string, (path: string) => Promise<unknown>][] = [
    ['written to', (path) => files.write(path, { kind: 'replace' })],
    ['made into a directory', (path) => files.makeDirectory(path)],
    ['removed as a directory', (path) => files.removeDirectory(path)],
    ['removed as a file', (path) => files.removeFile(path)],
    ['renamed from', (path) => files.rename(path, '/new')],
    ['renamed to', (path) => files.rename('/in/file', path)],
    ['copied from', (path) => files.copy(path, '/new')],
    ['copied to', (path) => files.copy('/in/file', path)],
    ['given a time', (path) => files.setModified(path, 1)],
    ['given a mode', (path) => files.setMode(path, 0o777)],
    ['given an owner', (path) => files.setOwner(path, { uid: 0 })],
    ['made into a link', (path) => files.makeSymlink('/in', path)],
    ['given a second name', (path) => files.makeLink(path, '/new')],
    ['made a second name', (path) => files.makeLink('/in/file', path)],
  ]
  test.each(changing)('is not %s, neither itself in its way nor what is below it', async (_, change) => {
    const asked: string[] = []
    backend.before = (operation) => void asked.push(operation)
    await expect(change(`${link}/passwd`)).rejects.toMatchObject({ kind: 'accessDenied' })
    expect(asked.filter((operation) => operation !== 'lstat' && operation !== 'readLink')).toEqual([])
  })

  const looking: [string, (path: string) => Promise<unknown>][] = [
    ['told of', (path) => files.stat(path)],
    ['told of as itself below', (path) => files.lstat(`${path}/passwd`)],
    ['entered', (path) => files.enter(path)],
    ['read below', (path) => files.read(`${path}/passwd`, 0)],
    ['listed', async (path) => files.list(path)[Symbol.asyncIterator]().next()],
    ['asked for space', (path) => files.space(path)],
    ['resolved below', (path) => files.readLink(`${path}/passwd`)],
  ]
  test.each(looking)('is not %s', async (_, look) => {
    await expect(look(link)).rejects.toMatchObject({ kind: 'accessDenied' })
    expect(backend.openHandles).toBe(0)
  })

  test('can be told of as itself, renamed and removed', async () => {
    expect(await files.lstat(link)).toMatchObject({ type: 'symlink' })
    await files.rename(link, '/renamed')
    await files.removeFile('/renamed')
    expect(backend.content('/etc/passwd')?.toString()).toBe('secret')
  })
})

test('a file behind a link that leads out is neither read nor written, nor one that is not there yet', async () => {
  for (const link of ['/passwd', '/in/dangling', '/to-in/dangling']) {
    await expect(files.read(link, 0)).rejects.toMatchObject({ kind: 'accessDenied' })
    for (const kind of ['replace', 'append', 'unique'] as const)
      await expect(files.write(link, { kind })).rejects.toMatchObject({ kind: 'accessDenied' })
    await expect(files.setMode(link, 0o600)).rejects.toMatchObject({ kind: 'accessDenied' })
  }
  expect(backend.openHandles).toBe(0)
})

test('links within the root are followed: relative, whole, one behind the other, and to what is not there', async () => {
  for (const path of ['/to-in/file', '/to-in-whole/file', '/chain-in/file', '/file-link', '/dots-within/file']) {
    expect(await files.stat(path)).toMatchObject({ type: 'file', size: 4 })
  }
  expect(await files.stat('/in/up')).toMatchObject({ type: 'directory' })
  await expect(files.stat('/dangling-in')).rejects.toMatchObject({ kind: 'notFound' })
  await expect(files.stat('/none/at/all')).rejects.toMatchObject({ kind: 'notFound' })
  await expect(files.stat('/in/file/below')).rejects.toBeDefined()
})

test('a link to itself ends', async () => {
  await expect(files.stat('/loop')).rejects.toBeDefined()
  await expect(files.enter('/loop/x')).rejects.toBeDefined()
})

test('with symlinks: follow the server goes wherever they lead', async () => {
  const { files: free } = partOf(whole, '/data/acme', 'follow')
  expect(await free.stat('/etc/passwd')).toMatchObject({ size: 6 })
})

test('a root that is behind a link itself is the operator’s; links to its real place are within', async () => {
  backend.tree.addLink('/data/alias', 'acme')
  const { files: aliased } = partOf(whole, '/data/alias', 'inside')
  expect(await aliased.stat('/to-in-whole/file')).toMatchObject({ size: 4 })
  await expect(aliased.stat('/etc/passwd')).rejects.toMatchObject({ kind: 'accessDenied' })
})

test('the components of a path are looked at all at once', async () => {
  let [under, most] = [0, 0]
  backend.before = async (operation) => {
    if (operation !== 'lstat') return
    most = Math.max(most, ++under)
    await new Promise((resolve) => setTimeout(resolve, 5))
    under--
  }
  await files.stat('/in/file')
  expect(most).toBe(2)
})
