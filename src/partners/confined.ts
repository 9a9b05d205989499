import type { FileSystem } from '../backend/backend.ts'
import type { ByteString } from '../ftp/bytes.ts'
import type { Border, Whose } from './border.ts'

/**
 * The same files, with nothing beyond the border. What only looks is asked for while the border is looked at, and its
 * answer is dropped when the path leads out; what changes something waits for the border.
 */
export function confined(files: FileSystem, border: Border): FileSystem {
  async function meanwhile<V>(path: ByteString, whose: Whose, look: Promise<V>): Promise<V> {
    look.catch(() => {})
    await border.check(path, whose)
    return look
  }
  return {
    home: files.home,
    stat: (path, asker) => meanwhile(path, 'followed', files.stat(path, asker)),
    lstat: (path) => meanwhile(path, 'itself', files.lstat(path)),
    enter: (path) => meanwhile(path, 'followed', files.enter(path)),
    readLink: (path) => meanwhile(path, 'itself', files.readLink(path)),
    async *list(path) {
      await border.check(path, 'followed')
      yield* files.list(path)
    },
    async read(path, start) {
      const opening = files.read(path, start)
      try {
        return await meanwhile(path, 'followed', opening)
      } catch (error) {
        await opening.then(
          (download) => download.close(),
          () => {},
        )
        throw error
      }
    },
    async write(path, mode, expected) {
      await border.check(path, 'followed')
      return files.write(path, mode, expected)
    },
    async makeDirectory(path) {
      await border.check(path, 'itself')
      return files.makeDirectory(path)
    },
    async removeDirectory(path) {
      await border.check(path, 'itself')
      return files.removeDirectory(path)
    },
    async removeFile(path) {
      await border.check(path, 'itself')
      return files.removeFile(path)
    },
    async rename(from, to) {
      await Promise.all([border.check(from, 'itself'), border.check(to, 'itself')])
      return files.rename(from, to)
    },
    async copy(from, to, permissions) {
      await Promise.all([border.check(from, 'followed'), border.check(to, 'followed')])
      return files.copy(from, to, permissions)
    },
    async space(path) {
      await border.check(path, 'followed')
      return files.space(path)
    },
    async setModified(path, seconds, accessed) {
      await border.check(path, 'followed')
      return files.setModified(path, seconds, accessed)
    },
    async setMode(path, mode) {
      await border.check(path, 'followed')
      return files.setMode(path, mode)
    },
    async setOwner(path, owner) {
      await border.check(path, 'followed')
      return files.setOwner(path, owner)
    },
    async makeSymlink(target, link) {
      await border.check(link, 'itself')
      return files.makeSymlink(target, link)
    },
    async makeLink(file, link) {
      await Promise.all([border.check(file, 'followed'), border.check(link, 'itself')])
      return files.makeLink(file, link)
    },
    close: () => files.close(),
  }
}
