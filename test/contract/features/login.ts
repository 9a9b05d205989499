import { expect } from 'vitest'
import { distinctBytes, sha256 } from '../contents.ts'
import { type Feature, getWith, ofKind } from '../suite.ts'

export const login: Feature = {
  name: 'Logins',
  tell(suite) {
    const { it } = suite

    it('bad credentials are refused as loginRefused', async () => {
      const { backend, badCredentials } = suite.world.candidate
      await expect(backend.open(badCredentials)).rejects.toMatchObject(ofKind('loginRefused'))
    })

    it('home is an absolute path of a directory', async () => {
      const { files } = suite.world
      expect(files.home).toMatch(/^\//)
      expect((await files.stat(files.home)).type).toBe('directory')
    })

    it('eight logins at once read, each its own file', async () => {
      const { candidate, at } = suite.world
      const contents = Array.from({ length: 8 }, (_, i) => distinctBytes(500_000 + i, i))
      for (const [i, content] of contents.entries()) candidate.disk.file(`login-${i}`, content)
      const read = contents.map(async (content, i) => {
        const files = await candidate.backend.open(candidate.credentials)
        expect(sha256(await getWith(files, at(`login-${i}`)))).toBe(sha256(content))
        await files.close()
      })
      await Promise.all(read)
    })

    it('after close every operation fails as unavailable', async () => {
      const { candidate } = suite.world
      const other = await candidate.backend.open(candidate.credentials)
      await other.close()
      await other.close()
      await expect(other.stat('/')).rejects.toMatchObject(ofKind('unavailable'))
    })
  },
}
