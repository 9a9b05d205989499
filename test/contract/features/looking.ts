import { expect } from 'vitest'
import { type Feature, ofKind } from '../suite.ts'

export const looking: Feature = {
  name: 'Looking at files',
  tell(suite) {
    const { it } = suite

    it('type, size, time and mode are told, by a look and by a listing', async () => {
      const { candidate, files, at, list } = suite.world
      candidate.disk.directory('seen')
      candidate.disk.file('seen/file', '12345', { mode: 0o640 })
      candidate.disk.directory('seen/directory', { mode: 0o750 })
      const now = Date.now() / 1000
      const file = { name: 'file', type: 'file', size: 5, mode: 0o640 }
      const directory = { name: 'directory', type: 'directory', mode: 0o750 }
      expect(await files.stat(at('seen/file'))).toMatchObject(file)
      expect(await files.lstat(at('seen/directory'))).toMatchObject(directory)
      const entries = (await list(at('seen'))).sort((a, b) => a.name.localeCompare(b.name))
      expect(entries).toMatchObject([directory, file])
      for (const { modified } of entries) expect(Math.abs((modified ?? 0) - now)).toBeLessThan(120)
    })

    it('what is missing is notFound', async () => {
      const { files, at, names } = suite.world
      for (const path of [at('missing'), at('missing/below')]) {
        await expect(files.stat(path)).rejects.toMatchObject(ofKind('notFound'))
        await expect(files.lstat(path)).rejects.toMatchObject(ofKind('notFound'))
        await expect(files.enter(path)).rejects.toMatchObject(ofKind('notFound'))
        await expect(names(path)).rejects.toMatchObject(ofKind('notFound'))
      }
    })

    it('a file is no directory: notADirectory', async () => {
      const { candidate, files, at, names } = suite.world
      candidate.disk.file('plain', 'x')
      await expect(names(at('plain'))).rejects.toMatchObject(ofKind('notADirectory'))
      await expect(files.enter(at('plain'))).rejects.toMatchObject(ofKind('notADirectory'))
    })

    it('directories are entered, the root too', async () => {
      const { candidate, files, at } = suite.world
      candidate.disk.directory('open')
      await files.enter(at('open'))
      await files.enter('/')
    })

    it('a directory of 1200 entries is listed completely', async () => {
      const { candidate, at, names } = suite.world
      candidate.disk.directory('many')
      const wanted = Array.from({ length: 1200 }, (_, i) => `file-${String(i).padStart(4, '0')}`)
      for (const name of wanted) candidate.disk.file(`many/${name}`, '')
      expect(await names(at('many'))).toEqual(wanted)
    })

    it('a listing that is not read to its end leaves the login as it was', async () => {
      const { candidate, files, at, names } = suite.world
      candidate.disk.directory('some')
      for (let i = 0; i < 300; i++) candidate.disk.file(`some/${i}`, '')
      for await (const batch of files.list(at('some'))) if (batch.length > 0) break
      expect(await names(at('some'))).toHaveLength(300)
    })

    it('an empty directory has no entries', async () => {
      const { candidate, at, names } = suite.world
      candidate.disk.directory('empty')
      expect(await names(at('empty'))).toEqual([])
    })
  },
}
