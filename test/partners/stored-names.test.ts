import { pipeline } from 'node:stream/promises'
import fc from 'fast-check'
import { beforeEach, expect, test } from 'vitest'
import type { FileSystem } from '../../src/backend/backend.ts'
import { fromText } from '../../src/ftp/bytes.ts'
import { type CharsetName, charsetOf } from '../../src/ftp/charset.ts'
import { rooted } from '../../src/partners/rooted.ts'
import { storedIn } from '../../src/partners/stored-names.ts'
import { MemoryBackend } from '../support/memory-backend.ts'

let backend: MemoryBackend
let stored: FileSystem

beforeEach(async () => {
  backend = new MemoryBackend()
  stored = await backend.open({ kind: 'privateKey', username: 'x', privateKey: { type: 'x' } })
})

async function put(files: FileSystem, path: string): Promise<void> {
  const upload = await files.write(path, { kind: 'replace' })
  await pipeline([Buffer.from('text')], upload.sink)
  await upload.commit()
}

async function names(files: FileSystem, path: string): Promise<string[]> {
  const found: string[] = []
  for await (const batch of files.list(path)) found.push(...batch.map(({ name }) => name))
  return found
}

test('UTF-8 changes nothing', () => {
  expect(storedIn(stored, 'utf-8')).toBe(stored)
})

test('every operation finds its name in the charset of the backend', async () => {
  const files = storedIn(stored, 'windows-1252')
  const [a, b] = [fromText('/Größe'), fromText('/Öl')]
  await files.makeDirectory(a)
  await put(files, fromText('/Größe/€'))
  expect(await names(stored, '/Gr\xf6\xdfe')).toEqual(['\x80'])
  expect(await names(files, a)).toEqual([fromText('€')])
  expect((await files.stat(fromText('/Größe/€'))).name).toBe(fromText('€'))
  await files.setMode(fromText('/Größe/€'), 0o600)
  await files.setModified(fromText('/Größe/€'), 1_000_000)
  expect(await files.lstat(fromText('/Größe/€'))).toMatchObject({ mode: 0o600, modified: 1_000_000 })
  await (await files.read(fromText('/Größe/€'), 0)).close()
  await files.rename(fromText('/Größe/€'), b)
  await files.enter(a)
  await files.removeFile(b)
  await files.removeDirectory(a)
  expect(await names(stored, '/')).toEqual([])
})

test('what links point to, owners and the start of the login are read as well', async () => {
  backend.home = '/B\xfcro'
  backend.tree.addFile('/B\xfcro/a', '', { owner: 'M\xfcller', group: '\x81' })
  backend.tree.addLink('/l', 'B\xfcro/a')
  const files = storedIn(stored, 'windows-1252')
  expect(files.home).toBe(fromText('/Büro'))
  expect(await files.readLink('/l')).toBe(fromText('Büro/a'))
  expect(await files.stat(fromText('/Büro/a'))).toMatchObject({ owner: fromText('Müller'), group: '?' })
})

test('the root of a partner is written in UTF-8 like everything in the configuration', async () => {
  backend.tree.addFile('/B\xfcro/a')
  expect(await names(rooted(storedIn(stored, 'windows-1252'), fromText('/Büro')), '/')).toEqual(['a'])
})

test('a name that the backend’s charset does not have is refused', async () => {
  await expect(storedIn(stored, 'cp437').makeDirectory(fromText('/Ж'))).rejects.toMatchObject({ kind: 'invalidName' })
})

test.each<[CharsetName, string]>([
  ['windows-1252', 'a\x81'],
  // The same sign as 0x81E0: read and written again it would be the other name.
  ['shift_jis', '\x87\x90'],
])('in %s the name %j is carried along and mistaken for no other', async (charset, odd) => {
  backend.tree.addFile(`/${odd}`, 'odd')
  backend.tree.addFile('/\x81\xe0', 'other')
  const files = storedIn(stored, charset)
  const found = await names(files, '/')
  expect(new Set(found).size).toBe(2)
  for (const name of found) await files.removeFile(`/${name}`)
  expect(await names(stored, '/')).toEqual([])
})

test.each<CharsetName>(['windows-1252', 'cp850', 'shift_jis', 'big5', 'gb18030', 'euc-jp'])(
  'whatever is stored in %s is listed under a name that leads to it',
  async (charset) => {
    const part = fc.oneof(
      fc.array(fc.integer({ min: 1, max: 255 }), { minLength: 1, maxLength: 12 }).map((b) => String.fromCharCode(...b)),
      fc.string({ unit: 'grapheme', minLength: 1 }).map((text) => charsetOf(charset).encode(text) ?? 'x'),
    )
    const name = part.filter((name) => !/^\.{1,2}$|\//.test(name))
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(name, { maxLength: 10 }), async (all) => {
        const own = new MemoryBackend()
        for (const [i, name] of all.entries()) own.tree.addFile(`/${name}`, Buffer.alloc(i))
        const files = storedIn(
          await own.open({ kind: 'privateKey', username: 'x', privateKey: { type: 'x' } }),
          charset,
        )
        const found = await names(files, '/')
        expect(new Set(found).size).toBe(all.length)
        for (const [i, name] of found.entries()) expect((await files.stat(`/${name}`)).size).toBe(i)
      }),
      { numRuns: 50 },
    )
  },
)
