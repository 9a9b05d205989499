import { expect } from 'vitest'
import { type Feature, ofKind } from '../suite.ts'

export const space: Feature = {
  name: 'Free space',
  tell(suite) {
    const { it, expected } = suite

    it('free space is told of directories and of files; what is missing is notFound', async () => {
      const { candidate, files, at } = suite.world
      candidate.disk.file('spacious', 'x')
      if (expected('space') === 'unsupported') {
        await expect(files.space(at('spacious'))).rejects.toMatchObject(ofKind('unsupported'))
        return
      }
      expect(await files.space(candidate.directory)).toBeGreaterThan(0)
      expect(await files.space(at('spacious'))).toBeGreaterThan(0)
      await expect(files.space(at('spaceless'))).rejects.toMatchObject(ofKind('notFound'))
    })
  },
}
