import { expect } from 'vitest'
import { type Feature, ofKind } from '../suite.ts'

/** What the login may not read. */
export const readingRights: Feature = {
  name: 'Rights',
  tell(suite) {
    const { it, expected } = suite

    it('what may not be read is accessDenied', async () => {
      const { candidate, files, at } = suite.world
      candidate.disk.file('secret', 'x', { mode: 0o600, foreign: true })
      await expect(files.read(at('secret'), 0)).rejects.toMatchObject(ofKind('accessDenied'))
    })

    it('what may not be listed is accessDenied', async () => {
      const { candidate, files, at, names } = suite.world
      candidate.disk.directory('locked', { mode: 0o700, foreign: true })
      candidate.disk.file('locked/inside', 'x')
      await expect(names(at('locked'))).rejects.toMatchObject(ofKind('accessDenied'))
      await expect(files.stat(at('locked/inside'))).rejects.toMatchObject(ofKind('accessDenied'))
    })

    it('what may not be entered is accessDenied', async () => {
      const { candidate, files, at } = suite.world
      candidate.disk.directory('closed', { mode: 0o700, foreign: true })
      if (expected('enterForbidden') === 'entered') await files.enter(at('closed'))
      else await expect(files.enter(at('closed'))).rejects.toMatchObject(ofKind('accessDenied'))
    })
  },
}

/** What the login may not change. */
export const changingRights: Feature = {
  name: 'Rights to change',
  tell(suite) {
    const { it, expected } = suite

    it('an upload where the login may not write, or over a read-only file, is accessDenied', async () => {
      const { candidate, files, at } = suite.world
      candidate.disk.directory('theirs', { mode: 0o755, foreign: true })
      candidate.disk.file('protected', 'old', { mode: 0o444 })
      const before = candidate.disk.snapshot()
      for (const name of ['theirs/x', 'protected']) {
        await expect(files.write(at(name), { kind: 'replace' })).rejects.toMatchObject(ofKind('accessDenied'))
        await expect(files.write(at(name), { kind: 'append' })).rejects.toMatchObject(ofKind('accessDenied'))
      }
      expect(candidate.disk.snapshot()).toEqual(before)
    })

    it('making, renaming and removing where the login may not write is accessDenied', async () => {
      const { candidate, files, at } = suite.world
      candidate.disk.directory('foreign', { mode: 0o755, foreign: true })
      candidate.disk.file('foreign/file', 'x')
      candidate.disk.directory('foreign/directory')
      const before = candidate.disk.snapshot()
      const attempts = [
        files.makeDirectory(at('foreign/new')),
        files.removeFile(at('foreign/file')),
        files.removeDirectory(at('foreign/directory')),
        files.rename(at('foreign/file'), at('foreign/renamed')),
      ]
      for (const attempt of await Promise.allSettled(attempts)) {
        expect(attempt).toMatchObject({ status: 'rejected', reason: ofKind('accessDenied') })
      }
      expect(candidate.disk.snapshot()).toEqual(before)
    })

    it('a file is not given away', async () => {
      const { candidate, files, at } = suite.world
      candidate.disk.file('mine', 'x')
      const { uid } = await files.stat(at('mine'))
      await expect(files.setOwner(at('mine'), { uid: 0 })).rejects.toMatchObject(ofKind(expected('foreignMode')))
      expect((await files.stat(at('mine'))).uid).toBe(uid)
    })

    it("the mode of somebody else's file is accessDenied, and stays", async () => {
      const { candidate, files, at } = suite.world
      candidate.disk.file('not-mine', 'x', { mode: 0o644, foreign: true })
      await expect(files.setMode(at('not-mine'), 0o600)).rejects.toMatchObject(ofKind(expected('foreignMode')))
      expect((await files.stat(at('not-mine'))).mode).toBe(0o644)
    })
  },
}
