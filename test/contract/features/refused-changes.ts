import { expect } from 'vitest'
import type { FileSystem } from '../../../src/backend/backend.ts'
import { type Feature, ofKind } from '../suite.ts'

/** Every way to change something, on things that are there. */
const attempts: Readonly<Record<string, (files: FileSystem, at: (name: string) => string) => Promise<unknown>>> = {
  'a new file': (files, at) => files.write(at('new'), { kind: 'replace' }),
  'an upload over a file': (files, at) => files.write(at('there'), { kind: 'replace' }),
  'a unique upload': (files, at) => files.write(at('new'), { kind: 'unique' }),
  'an append': (files, at) => files.write(at('there'), { kind: 'append' }),
  'a restart': (files, at) => files.write(at('there'), { kind: 'restart', offset: 2 }),
  'a new directory': (files, at) => files.makeDirectory(at('new')),
  'removing a directory': (files, at) => files.removeDirectory(at('folder')),
  'removing a file': (files, at) => files.removeFile(at('there')),
  'a rename': (files, at) => files.rename(at('there'), at('new')),
  'a rename over a file': (files, at) => files.rename(at('there'), at('too')),
  'a new mode': (files, at) => files.setMode(at('there'), 0o600),
  'a new time': (files, at) => files.setModified(at('there'), 1_000_000_000),
  'a new owner': (files, at) => files.setOwner(at('there'), { gid: 0 }),
  'a symbolic link': (files, at) => files.makeSymlink('there', at('new')),
}

/** In place of everything that changes something, for a login that may only read. */
export const refusedChanges: Feature = {
  name: 'A login that may only read',
  tell(suite) {
    for (const [what, attempt] of Object.entries(attempts)) {
      suite.it(`${what} is accessDenied, and changes nothing`, async () => {
        const { candidate, files, at } = suite.world
        candidate.disk.file('there', 'text')
        candidate.disk.file('too', 'other')
        candidate.disk.directory('folder')
        const before = candidate.disk.snapshot()
        await expect(attempt(files, at)).rejects.toMatchObject(ofKind('accessDenied'))
        expect(candidate.disk.snapshot()).toEqual(before)
      })
    }
  },
}
