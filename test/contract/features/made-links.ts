import { expect } from 'vitest'
import { type Feature, ofKind } from '../suite.ts'

export const madeLinks: Feature = {
  name: 'Links that are made, both times, owners',
  tell(suite) {
    const { it, expected } = suite

    it('a symbolic link is made and leads to its target, which need not be there', async () => {
      const { candidate, files, at, get } = suite.world
      candidate.disk.directory('linked')
      candidate.disk.file('linked/file', 'text')
      await files.makeSymlink('file', at('linked/link'))
      await files.makeSymlink('nothing', at('linked/dangling'))
      expect(String(await get(at('linked/link')))).toBe('text')
      await expect(files.stat(at('linked/dangling'))).rejects.toMatchObject(ofKind('notFound'))
    })

    it('a link is not made over what exists, nor below what is missing', async () => {
      const { candidate, files, at } = suite.world
      candidate.disk.file('occupied', 'x')
      await expect(files.makeSymlink('file', at('occupied'))).rejects.toMatchObject(ofKind('alreadyExists'))
      await expect(files.makeSymlink('file', at('missing/link'))).rejects.toMatchObject(ofKind('notFound'))
      expect(String(candidate.disk.content('occupied'))).toBe('x')
    })

    it('a hard link is the same file under one name more, where the server makes them', async () => {
      const { candidate, files, at } = suite.world
      candidate.disk.directory('hard')
      candidate.disk.file('hard/first', 'old')
      const linked = files.makeLink(at('hard/first'), at('hard/second'))
      if (expected('hardLinks') === 'unsupported') {
        await expect(linked).rejects.toMatchObject(ofKind('unsupported'))
        return
      }
      await linked
      expect(String(candidate.disk.content('hard/second'))).toBe('old')
      await expect(files.makeLink(at('hard/first'), at('hard/second'))).rejects.toMatchObject(ofKind('alreadyExists'))
      await expect(files.makeLink(at('hard/none'), at('hard/third'))).rejects.toMatchObject(ofKind('notFound'))
    })

    it('both times are set', async () => {
      const { candidate, files, at } = suite.world
      candidate.disk.file('twice-stamped', 'x')
      await files.setModified(at('twice-stamped'), 1_000_000_000, 1_100_000_000)
      expect(await files.stat(at('twice-stamped'))).toMatchObject({ modified: 1_000_000_000 })
    })

    it('owner and group are set, each without the other', async () => {
      const { candidate, files, at } = suite.world
      candidate.disk.file('owned', 'x')
      const { uid = 0, gid = 0 } = await files.stat(at('owned'))
      await files.setOwner(at('owned'), { uid })
      await files.setOwner(at('owned'), { gid })
      await files.setOwner(at('owned'), { uid, gid })
      expect(await files.stat(at('owned'))).toMatchObject({ uid, gid })
      await expect(files.setOwner(at('missing'), { gid })).rejects.toMatchObject(ofKind('notFound'))
    })
  },
}
