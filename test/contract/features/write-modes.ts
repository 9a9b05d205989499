import { expect } from 'vitest'
import { distinctBytes } from '../contents.ts'
import { type Feature, fill, ofKind } from '../suite.ts'

export const writeModes: Feature = {
  name: 'Append, restart, unique',
  tell(suite) {
    const { it } = suite

    it('append goes on at the end, of an empty file too', async () => {
      const { candidate, at, put } = suite.world
      candidate.disk.file('grown', '')
      for (const text of ['one ', 'two ', 'three']) await put(at('grown'), text, { kind: 'append' })
      expect(String(candidate.disk.content('grown'))).toBe('one two three')
    })

    it('append makes a file that is not there', async () => {
      const { candidate, at, put } = suite.world
      await put(at('from-nothing'), 'x', { kind: 'append' })
      expect(String(candidate.disk.content('from-nothing'))).toBe('x')
    })

    it('a megabyte is appended in order', async () => {
      const { candidate, at, put } = suite.world
      const content = distinctBytes(2_100_000)
      candidate.disk.file('appended', content.subarray(0, 1_000_001))
      await put(at('appended'), content.subarray(1_000_001), { kind: 'append' })
      expect(candidate.disk.content('appended').equals(content)).toBe(true)
    })

    it('restart writes at its offset, and what is behind the new bytes stays', async () => {
      const { candidate, at, put } = suite.world
      candidate.disk.file('resumed', '0123456789')
      await put(at('resumed'), 'abc', { kind: 'restart', offset: 4 })
      expect(String(candidate.disk.content('resumed'))).toBe('0123abc789')
      await put(at('resumed'), 'xyz', { kind: 'restart', offset: 7 })
      expect(String(candidate.disk.content('resumed'))).toBe('0123abcxyz')
    })

    it('restart behind the end is badOffset, and changes nothing', async () => {
      const { candidate, files, at } = suite.world
      candidate.disk.file('short', '0123')
      const before = candidate.disk.snapshot()
      const write = files.write(at('short'), { kind: 'restart', offset: 5 })
      await expect(write).rejects.toMatchObject(ofKind('badOffset'))
      expect(candidate.disk.snapshot()).toEqual(before)
    })

    it('append to a directory is isADirectory, in a missing place notFound', async () => {
      const { candidate, files, at } = suite.world
      candidate.disk.directory('grown-directory')
      const append = (name: string) => files.write(at(name), { kind: 'append' })
      await expect(append('grown-directory')).rejects.toMatchObject(ofKind('isADirectory'))
      await expect(append('missing/x')).rejects.toMatchObject(ofKind('notFound'))
    })

    it('a unique upload does not replace anything', async () => {
      const { candidate, files, at, put } = suite.world
      candidate.disk.file('only', 'old')
      await expect(files.write(at('only'), { kind: 'unique' })).rejects.toMatchObject(ofKind('alreadyExists'))
      await put(at('only-2'), 'new', { kind: 'unique' })
      expect(String(candidate.disk.content('only'))).toBe('old')
      expect(String(candidate.disk.content('only-2'))).toBe('new')
    })

    it('a unique upload whose name is taken before its commit does not replace it', async () => {
      const { candidate, files, at } = suite.world
      const upload = await files.write(at('raced'), { kind: 'unique' })
      await fill(upload, 'late')
      candidate.disk.file('raced', 'first')
      const before = candidate.disk.content('raced')
      await expect(upload.commit()).rejects.toThrow()
      await upload.abandon('nothing')
      expect(candidate.disk.content('raced')).toEqual(before)
    })
  },
}
