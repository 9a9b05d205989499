import { pipeline } from 'node:stream/promises'
import fc from 'fast-check'
import { beforeEach, expect, test } from 'vitest'
import type { Entry, FileSystem } from '../../src/backend/backend.ts'
import { rooted } from '../../src/partners/rooted.ts'
import { MemoryBackend } from '../support/memory-backend.ts'

let backend: MemoryBackend
let whole: FileSystem
let touched: string[]

beforeEach(async () => {
  backend = new MemoryBackend()
  whole = await backend.open({ kind: 'privateKey', username: 'x', privateKey: { type: 'x' } })
  for (const path of ['/data', '/data/acme', '/data/acme/in', '/data/other']) await whole.makeDirectory(path)
  touched = []
  backend.before = (_, path) => {
    touched.push(path)
  }
})

async function put(files: FileSystem, path: string, text: string): Promise<void> {
  const upload = await files.write(path, { kind: 'replace' })
  await pipeline([Buffer.from(text)], upload.sink)
  await upload.commit()
}

async function get(files: FileSystem, path: string): Promise<string> {
  const { content } = await files.read(path, 0)
  const chunks: Buffer[] = []
  for await (const chunk of content) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

async function names(files: FileSystem, path: string): Promise<string[]> {
  const found: string[] = []
  for await (const batch of files.list(path)) found.push(...batch.map(({ name }) => name))
  return found
}

test('every operation happens below the root', async () => {
  const files = rooted(whole, '/data/acme')
  await put(files, '/a', 'text')
  expect(backend.content('/data/acme/a')?.toString()).toBe('text')
  expect(await get(files, '/a')).toBe('text')
  await files.rename('/a', '/in/b')
  await files.setMode('/in/b', 0o600)
  await files.setModified('/in/b', 1_000_000)
  expect(await files.stat('/in/b')).toMatchObject({ name: 'b', modified: 1_000_000 })
  expect(await files.lstat('/in')).toMatchObject({ name: 'in', type: 'directory' })
  expect(await names(files, '/')).toEqual(['in'])
  await files.copy('/in/b', '/in/c')
  expect(await get(files, '/in/c')).toBe('text')
  expect(await files.space('/in')).toBe(backend.free)
  await files.removeFile('/in/c')
  await files.removeFile('/in/b')
  await files.removeDirectory('/in')
  await files.makeDirectory('/new')
  expect(await names(whole, '/data/acme')).toEqual(['new'])
  expect(touched.filter((path) => path !== '/data/acme' && !path.startsWith('/data/acme/'))).toEqual([])
})

test.each([
  ['/in/b', '/data/acme/in/b'],
  ['/', '/data/acme'],
  ['/../../etc/passwd', '/data/acme/etc/passwd'],
  ['b', '/data/acme/in/b'],
  ['~', '/data/acme/in/~'],
  ['~/b', '/data/acme/in/~/b'],
  ['../b', '/data/acme/b'],
  ['../../../etc/passwd', '/data/acme/etc/passwd'],
  ['sub/../../../../other', '/data/acme/other'],
])('a new link in /in to %s is stored as one to %s', async (said, stored) => {
  await rooted(whole, '/data/acme').makeSymlink(said, '/in/link')
  expect(await whole.readLink('/data/acme/in/link')).toBe(stored)
})

test('no new link leads out of the root, wherever it is made or moved to', async () => {
  const files = rooted(whole, '/data/acme')
  const part = fc.constantFrom('..', '.', '', 'in', '~', 'x')
  let count = 0
  await fc.assert(
    fc.asyncProperty(fc.array(part, { minLength: 1 }), fc.boolean(), async (parts, absolute) => {
      const name = `link${count++}`
      await files.makeSymlink((absolute ? '/' : '') + parts.join('/'), `/in/${name}`)
      await files.rename(`/in/${name}`, `/${name}`)
      const stored = await whole.readLink(`/data/acme/${name}`)
      expect(stored).toMatch(/^\/data\/acme(\/|$)/)
      expect(stored.split('/')).not.toContain('..')
    }),
  )
})

test('a new link with a line break in it is refused', async () => {
  await expect(rooted(whole, '/data/acme').makeSymlink('a\nb', '/l')).rejects.toMatchObject({ kind: 'invalidName' })
})

test('copies, hard links, owners and space are below the root', async () => {
  const files = rooted(whole, '/data/acme')
  await put(files, '/a', 'text')
  touched = []
  await files.copy('/a', '/in/b')
  await files.makeLink('/a', '/in/c')
  await files.makeSymlink('/a', '/in/d')
  await files.setModified('/a', 2, 1)
  await files.setOwner('/a', { gid: 7 })
  await files.space('/in')
  expect(await get(files, '/in/d')).toBe('text')
  expect(await files.stat('/in/c')).toMatchObject({ modified: 2, gid: 7 })
  expect(touched.filter((path) => !path.startsWith('/data/acme/'))).toEqual([])
})

test('the root does not tell its name', async () => {
  expect(await rooted(whole, '/data/acme').stat('/')).toMatchObject({ name: '/', type: 'directory' })
})

test.each([
  ['/data/acme/in', '/in'],
  ['/data/acme', '/'],
  ['/data/acme2', '/'],
  ['/home/acme', '/'],
  ['/', '/'],
])('a login that starts in %s starts in %s', (home, seen) => {
  backend.home = home
  expect(rooted(whole, '/data/acme').home).toBe(seen)
})

test('the root / changes nothing', () => {
  expect(rooted(whole, '/')).toBe(whole)
})

test('the root itself can be neither removed nor renamed', async () => {
  const files = rooted(whole, '/data/acme')
  for (const attempt of [
    files.removeDirectory('/'),
    files.removeFile('/'),
    files.rename('/', '/x'),
    files.rename('/in', '/'),
  ]) {
    await expect(attempt).rejects.toMatchObject({ kind: 'accessDenied' })
  }
  expect(touched).toEqual([])
})

test('no path leads out of the root', async () => {
  const files = rooted(whole, '/data/acme')
  const part = fc.constantFrom('..', '.', '', 'in', 'a', '...', '..a')
  await fc.assert(
    fc.asyncProperty(fc.array(part), fc.boolean(), async (parts, absolute) => {
      touched = []
      const path = (absolute ? '/' : '') + parts.join('/')
      const climbs = !path.startsWith('/') || parts.includes('..') || parts.includes('.')
      await files.stat(path).catch(() => {})
      expect(touched.length).toBe(climbs ? 0 : 1)
      for (const seen of touched) expect(seen).toMatch(/^\/data\/acme(\/|$)/)
    }),
  )
})

test.each([
  ['in/b', 'in/b'],
  ['../../etc', '../../etc'],
  ['/data/acme/in', '/in'],
  ['/data/acme', '/'],
  ['/data/acme2/x', undefined],
  ['/etc/passwd', undefined],
])('a link to %s is seen as one to %s', async (stored, seen) => {
  const link: Entry = { ...(await whole.stat('/data/acme/in')), name: 'l', type: 'symlink', target: stored }
  const files = rooted(
    { ...rooted(whole, '/data'), readLink: async () => stored, lstat: async () => link },
    '/data/acme',
  )
  expect((await files.lstat('/l')).target).toBe(seen)
  if (seen === undefined) await expect(files.readLink('/l')).rejects.toMatchObject({ kind: 'accessDenied' })
  else expect(await files.readLink('/l')).toBe(seen)
})

test('the root cannot be stored to: the temporary file would lie beside it', async () => {
  const files = rooted(whole, '/data/acme')
  await expect(files.write('/', { kind: 'replace' })).rejects.toMatchObject({ kind: 'isADirectory' })
  await expect(files.copy('/in', '/')).rejects.toMatchObject({ kind: 'isADirectory' })
  expect(touched).toEqual([])
})
