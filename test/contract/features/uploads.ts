import { expect } from 'vitest'
import { distinctBytes, largeBytes, sha256 } from '../contents.ts'
import { type Feature, fill, ofKind, putWith } from '../suite.ts'

export const uploads: Feature = {
  name: 'Uploads',
  tell(suite) {
    const { it } = suite

    for (const size of [0, 1, 32_768, 261_120, 261_121, 3_000_000]) {
      it(`a file of ${size} bytes is stored as it was sent`, async () => {
        const { candidate, at, put } = suite.world
        const content = distinctBytes(size)
        await put(at(`up-${size}`), content)
        expect(candidate.disk.content(`up-${size}`).equals(content)).toBe(true)
      })
    }

    it('a file of 24 MiB is stored with its checksum', async () => {
      const { candidate, at, put } = suite.world
      const content = distinctBytes(largeBytes)
      await put(at('up-large'), content)
      expect(sha256(candidate.disk.content('up-large'))).toBe(sha256(content))
    })

    it('an upload shows under its name only after the commit', async () => {
      const { candidate, files, at, names } = suite.world
      const upload = await files.write(at('late'), { kind: 'replace' })
      await fill(upload, 'text')
      await expect(files.stat(at('late'))).rejects.toMatchObject(ofKind('notFound'))
      expect(await names(candidate.directory)).not.toContain('late')
      await upload.commit()
      expect(String(candidate.disk.content('late'))).toBe('text')
    })

    it('an abandoned upload leaves the old file and nothing else', async () => {
      const { candidate, files, at } = suite.world
      candidate.disk.file('kept', 'old')
      const before = candidate.disk.snapshot()
      const upload = await files.write(at('kept'), { kind: 'replace' })
      await fill(upload, 'new')
      await upload.abandon('nothing')
      await upload.abandon('nothing')
      expect(candidate.disk.snapshot()).toEqual(before)
    })

    it('an upload that was cut cannot be committed', async () => {
      const { files, at } = suite.world
      const upload = await files.write(at('cut'), { kind: 'replace' })
      upload.sink.on('error', () => {})
      upload.sink.write(Buffer.from('half'))
      upload.sink.destroy()
      await expect(upload.commit()).rejects.toMatchObject(ofKind('failed'))
      await upload.abandon('nothing')
      await expect(files.stat(at('cut'))).rejects.toMatchObject(ofKind('notFound'))
    })

    it('an upload that is open when its login ends fails, and harms nothing else', async () => {
      const { candidate, files, at } = suite.world
      const other = await candidate.backend.open(candidate.credentials)
      const upload = await other.write(at('orphan'), { kind: 'replace' })
      await other.close()
      await new Promise(setImmediate)
      await expect(upload.commit()).rejects.toThrow()
      await upload.abandon('nothing')
      await expect(files.stat(at('orphan'))).rejects.toMatchObject(ofKind('notFound'))
    })

    it('one login uploads a name once at a time', async () => {
      const { files, at } = suite.world
      const upload = await files.write(at('once'), { kind: 'replace' })
      await expect(files.write(at('once'), { kind: 'replace' })).rejects.toMatchObject(ofKind('busy'))
      await upload.abandon('nothing')
      await (await files.write(at('once'), { kind: 'replace' })).abandon('nothing')
    })

    it('uploads of one name by two logins do not mix: the later commit wins whole', async () => {
      const { candidate, files, at } = suite.world
      const other = await candidate.backend.open(candidate.credentials, undefined, 'another')
      const first = await files.write(at('twice'), { kind: 'replace' })
      const second = await other.write(at('twice'), { kind: 'replace' })
      await fill(first, 'first, and longer')
      await fill(second, 'second')
      await first.commit()
      expect(String(candidate.disk.content('twice'))).toBe('first, and longer')
      await second.commit()
      expect(String(candidate.disk.content('twice'))).toBe('second')
      await other.close()
    })

    it('twenty uploads at once in one login, and four logins at once, all arrive', async () => {
      const { candidate, files, at } = suite.world
      const contents = Array.from({ length: 24 }, (_, i) => distinctBytes(100_000 + i, i + 1))
      const others = await Promise.all([1, 2, 3, 4].map(() => candidate.backend.open(candidate.credentials)))
      await Promise.all(contents.map((content, i) => putWith(others[i] ?? files, at(`crowd-${i}`), content)))
      for (const other of others) await other.close()
      const stored = contents.map((_, i) => sha256(candidate.disk.content(`crowd-${i}`)))
      expect(stored).toEqual(contents.map(sha256))
    })

    it('the mode of a replaced file is kept', async () => {
      const { candidate, files, at, put } = suite.world
      candidate.disk.file('mode', 'old', { mode: 0o640 })
      await put(at('mode'), 'new')
      expect(await files.stat(at('mode'))).toMatchObject({ mode: 0o640, size: 3 })
    })

    it('what goes to a link is stored in the file that it names, and the link stays', async () => {
      const { candidate, at, put } = suite.world
      candidate.disk.directory('behind')
      candidate.disk.file('behind/file', 'old')
      candidate.disk.link('front', 'behind/file')
      await put(at('front'), 'new')
      expect(String(candidate.disk.content('front'))).toBe('new')
      expect(String(candidate.disk.content('behind/file'))).toBe('new')
    })

    it('a place that is missing is notFound, one that is a directory isADirectory', async () => {
      const { candidate, files, at } = suite.world
      candidate.disk.directory('up-directory')
      const before = candidate.disk.snapshot()
      const write = (name: string) => files.write(at(name), { kind: 'replace' })
      await expect(write('missing/x')).rejects.toMatchObject(ofKind('notFound'))
      await expect(write('up-directory')).rejects.toMatchObject(ofKind('isADirectory'))
      expect(candidate.disk.snapshot()).toEqual(before)
    })
  },
}
