import { expect } from 'vitest'
import { distinctBytes, largeBytes, sha256 } from '../contents.ts'
import { type Feature, ofKind } from '../suite.ts'

export const downloads: Feature = {
  name: 'Downloads',
  tell(suite) {
    const { it, expected } = suite

    for (const size of [0, 1, 32_768, 261_120, 261_121, 3_000_000]) {
      it(`a file of ${size} bytes arrives as it is`, async () => {
        const { candidate, files, at, get } = suite.world
        const content = distinctBytes(size)
        candidate.disk.file(`down-${size}`, content)
        expect((await get(at(`down-${size}`))).equals(content)).toBe(true)
        expect(await files.stat(at(`down-${size}`))).toMatchObject({ type: 'file', size })
      })
    }

    it('a file of 24 MiB arrives with its checksum', async () => {
      const { candidate, at, get } = suite.world
      const content = distinctBytes(largeBytes)
      candidate.disk.file('down-large', content)
      expect(sha256(await get(at('down-large')))).toBe(sha256(content))
    })

    it('reading starts where it is told to, up to the very end', async () => {
      const { candidate, files, at, get } = suite.world
      candidate.disk.file('offsets', '0123456789')
      expect(String(await get(at('offsets'), 4))).toBe('456789')
      expect(String(await get(at('offsets'), 10))).toBe('')
      await expect(files.read(at('offsets'), 11)).rejects.toMatchObject(ofKind('badOffset'))
    })

    it('downloads of one login at the same time do not mix', async () => {
      const { candidate, at, get } = suite.world
      const contents = Array.from({ length: 6 }, (_, i) => distinctBytes(900_000 + i, i + 1))
      for (const [i, content] of contents.entries()) candidate.disk.file(`side-${i}`, content)
      const got = await Promise.all(contents.map((_, i) => get(at(`side-${i}`))))
      expect(got.map(sha256)).toEqual(contents.map(sha256))
    })

    it('a download that is not read to its end leaves the login as it was', async () => {
      const { candidate, files, at, get } = suite.world
      candidate.disk.file('left', distinctBytes(3_000_000))
      const download = await files.read(at('left'), 0)
      for await (const chunk of download.content) if (chunk.length > 0) break
      await download.close()
      await download.close()
      expect((await get(at('left'))).length).toBe(3_000_000)
    })

    it('what is missing is notFound', async () => {
      const { files, at } = suite.world
      await expect(files.read(at('missing'), 0)).rejects.toMatchObject(ofKind('notFound'))
      await expect(files.read(at('missing/below'), 0)).rejects.toMatchObject(ofKind('notFound'))
    })

    it('a directory is no file: isADirectory', async () => {
      const { candidate, files, at } = suite.world
      candidate.disk.directory('down-directory')
      const kind = expected('openDirectory')
      await expect(files.read(at('down-directory'), 0)).rejects.toMatchObject(ofKind(kind))
    })
  },
}
