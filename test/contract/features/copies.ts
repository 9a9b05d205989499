import { expect } from 'vitest'
import { distinctBytes, largeBytes, sha256 } from '../contents.ts'
import { type Feature, ofKind } from '../suite.ts'

export const copies: Feature = {
  name: 'Copies',
  tell(suite) {
    const { it, expected } = suite

    for (const [size, words] of [
      [0, '0 bytes'],
      [261_121, '261121 bytes'],
      [largeBytes, '24 MiB'],
    ] as const) {
      it(`a file of ${words} is copied, and stays as it was`, async () => {
        const { candidate, files, at } = suite.world
        const content = distinctBytes(size)
        candidate.disk.file(`copy-${size}`, content)
        await files.copy(at(`copy-${size}`), at(`copied-${size}`))
        expect(sha256(candidate.disk.content(`copied-${size}`))).toBe(sha256(content))
        expect(sha256(candidate.disk.content(`copy-${size}`))).toBe(sha256(content))
      })
    }

    it('a copy replaces an existing file, which keeps its mode, and leaves nothing beside it', async () => {
      const { candidate, files, at, names } = suite.world
      candidate.disk.directory('copies')
      candidate.disk.file('copies/from', 'new')
      candidate.disk.file('copies/to', 'old and longer', { mode: 0o640 })
      await files.copy(at('copies/from'), at('copies/to'))
      expect(String(candidate.disk.content('copies/to'))).toBe('new')
      expect(await files.stat(at('copies/to'))).toMatchObject({ size: 3, mode: 0o640 })
      expect(await names(at('copies'))).toEqual(['from', 'to'])
    })

    it('a copy under a new name gets the mode that it is given', async () => {
      const { candidate, files, at } = suite.world
      candidate.disk.file('moded', 'x')
      await files.copy(at('moded'), at('moded-copy'), 0o640)
      expect(await files.stat(at('moded-copy'))).toMatchObject({ mode: 0o640 })
    })

    it('a file copied to itself stays as it is', async () => {
      const { candidate, files, at } = suite.world
      candidate.disk.file('itself', 'text')
      await files.copy(at('itself'), at('itself'))
      expect(String(candidate.disk.content('itself'))).toBe('text')
    })

    it('a copy of what is missing, or into what is missing, is notFound; onto a directory isADirectory', async () => {
      const { candidate, files, at, names } = suite.world
      candidate.disk.directory('uncopied')
      candidate.disk.file('uncopied/from', 'x')
      candidate.disk.directory('uncopied/wall')
      const to = (name: string) => files.copy(at('uncopied/from'), at(`uncopied/${name}`))
      await expect(files.copy(at('uncopied/missing'), at('uncopied/new'))).rejects.toMatchObject(ofKind('notFound'))
      await expect(to('missing/new')).rejects.toMatchObject(ofKind('notFound'))
      await expect(to('wall')).rejects.toMatchObject(ofKind('isADirectory'))
      expect(await names(at('uncopied'))).toEqual(['from', 'wall'])
    })

    it('a directory is not copied: isADirectory', async () => {
      const { candidate, files, at, names } = suite.world
      candidate.disk.directory('uncopiable')
      candidate.disk.directory('uncopiable/from')
      const kind = expected('openDirectory')
      await expect(files.copy(at('uncopiable/from'), at('uncopiable/to'))).rejects.toMatchObject(ofKind(kind))
      expect(await names(at('uncopiable'))).toEqual(['from'])
    })
  },
}
