import { expect } from 'vitest'
import { type Feature, ofKind, type Suite } from '../suite.ts'

const oddNames = [
  ' leading',
  'trailing ',
  '-dash',
  'quo"te',
  "it's",
  '*?[',
  '\\',
  'n'.repeat(255),
  'gr\xc3\xbc\xc3\x9fe',
]

export const byteNames: Feature = {
  name: 'Names',
  tell(suite) {
    const { it, expected } = suite

    it('names with blanks, quotes, patterns, 255 bytes and UTF-8 are stored, listed, read, renamed and removed', async () => {
      for (const name of oddNames) await roundTrip(suite, name)
    })

    it('names that are not UTF-8 are stored, listed, read, renamed and removed as they are', async () => {
      const { candidate, files, at, names } = suite.world
      const kept = expected('byteNames')
      if (kept === 'kept') return roundTrip(suite, 'f\xfcr \xff.txt')
      const before = candidate.disk.snapshot()
      await expect(files.write(at('f\xfcr \xff.txt'), { kind: 'replace' })).rejects.toMatchObject(ofKind(kept))
      expect(candidate.disk.snapshot()).toEqual(before)
      expect(await names(candidate.directory)).not.toContain('f\xfcr \xff.txt')
    })
  },
}

async function roundTrip({ world }: Suite, name: string): Promise<void> {
  const { candidate, files, at, put, get, names } = world
  await put(at(name), name)
  expect(await names(candidate.directory)).toContain(name)
  expect(String(await get(at(name)))).toBe(Buffer.from(name).toString())
  expect(String(candidate.disk.content(name))).toBe(Buffer.from(name).toString())
  await files.rename(at(name), at('renamed'))
  await files.removeFile(at('renamed'))
}
