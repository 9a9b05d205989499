import type { ByteString } from '../ftp/bytes.ts'
import type { Entry, FileSystem } from './backend.ts'

/** How the names of one view of files become those of another; all may throw BackendErrors. */
export interface NameMap {
  /** A path on its way to the files. */
  inward(path: ByteString): ByteString | Promise<ByteString>
  /** A path, or what a link points to, on its way from them; left out where nothing changes. */
  outward?(path: ByteString): ByteString
  entry?(entry: Entry): Entry
  /** What a new link shall say, on its way to the files. */
  linkText?(text: ByteString): ByteString
}

/** The same files under other names. */
export function mapped(files: FileSystem, { inward, outward, entry, linkText = (same) => same }: NameMap): FileSystem {
  const path = outward ?? ((same) => same)
  const found = entry ?? ((same) => same)
  return {
    home: path(files.home),
    stat: async (path, asker) => found(await files.stat(await inward(path), asker)),
    lstat: async (path) => found(await files.lstat(await inward(path))),
    enter: async (path) => files.enter(await inward(path)),
    readLink: async (link) => path(await files.readLink(await inward(link))),
    async *list(path) {
      for await (const batch of files.list(await inward(path))) yield entry === undefined ? batch : batch.map(entry)
    },
    read: async (path, start) => files.read(await inward(path), start),
    write: async (path, mode, expected) => files.write(await inward(path), mode, expected),
    makeDirectory: async (path) => files.makeDirectory(await inward(path)),
    removeDirectory: async (path) => files.removeDirectory(await inward(path)),
    removeFile: async (path) => files.removeFile(await inward(path)),
    rename: async (from, to) => files.rename(await inward(from), await inward(to)),
    copy: async (from, to, permissions) => files.copy(await inward(from), await inward(to), permissions),
    space: async (path) => files.space(await inward(path)),
    setModified: async (path, seconds, accessed) => files.setModified(await inward(path), seconds, accessed),
    setMode: async (path, mode) => files.setMode(await inward(path), mode),
    setOwner: async (path, owner) => files.setOwner(await inward(path), owner),
    makeSymlink: async (target, link) => files.makeSymlink(linkText(target), await inward(link)),
    makeLink: async (file, link) => files.makeLink(await inward(file), await inward(link)),
    close: () => files.close(),
  }
}
