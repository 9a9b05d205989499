import { expect } from 'vitest'
import { type Feature, ofKind } from '../suite.ts'

export const links: Feature = {
  name: 'Symbolic links',
  tell(suite) {
    const { it, expected } = suite

    it('a link is read, looked at and entered as what it names', async () => {
      const { candidate, files, at, get } = suite.world
      candidate.disk.directory('place')
      candidate.disk.file('place/file', 'text')
      candidate.disk.link('to-place', 'place')
      candidate.disk.link('to-file', 'place/file')
      expect(await files.stat(at('to-file'))).toMatchObject({ type: 'file', size: 4 })
      expect(String(await get(at('to-file')))).toBe('text')
      await files.enter(at('to-place'))
      expect(String(await get(at('to-place/file')))).toBe('text')
    })

    it('a link is told from what it names, in listings too', async () => {
      const { candidate, files, at, list } = suite.world
      candidate.disk.directory('shelf')
      candidate.disk.file('shelf/file', 'text')
      candidate.disk.link('shelf/link', 'file')
      expect(await files.lstat(at('shelf/link'))).toMatchObject({ name: 'link', type: expected('lookAtLink') })
      expect((await list(at('shelf'))).find(({ name }) => name === 'link')).toMatchObject({ type: 'symlink' })
    })

    it('a link says where it points', async () => {
      const { candidate, files, at } = suite.world
      candidate.disk.file('pointed-at', '')
      candidate.disk.link('pointer', 'pointed-at')
      const target = expected('readLink') === 'as stored' ? 'pointed-at' : at('pointed-at')
      expect(await files.readLink(at('pointer'))).toBe(target)
    })

    it('a link to nothing is there, and leads to notFound', async () => {
      const { candidate, files, at, names } = suite.world
      candidate.disk.directory('loose')
      candidate.disk.link('loose/link', 'nowhere')
      expect(await names(at('loose'))).toEqual(['link'])
      await expect(files.stat(at('loose/link'))).rejects.toMatchObject(ofKind('notFound'))
      await expect(files.read(at('loose/link'), 0)).rejects.toMatchObject(ofKind(expected('openDangling')))
    })
  },
}
