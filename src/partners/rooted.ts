import { BackendError, type Entry, type FileSystem } from '../backend/backend.ts'
import type { ByteString } from '../ftp/bytes.ts'
import { parentOf, resolve } from '../ftp/pathname.ts'

/** Where a link's text leads, `..` no further than to the root. Throws BackendError `invalidName` for line breaks. */
function resolved(directory: ByteString, text: ByteString): ByteString {
  // In a link `~` is a name like any other.
  const path = resolve(directory, text.replace(/^~/, './~'), directory)
  if (path === undefined) throw new BackendError('invalidName', 'the target has a line break in it')
  return path
}

/**
 * A part of a file system as a whole one: `root` is its `/`, and no path in or out leads elsewhere. Links that the
 * backend follows by itself are not seen here; `confined.ts` is for them.
 */
export function rooted(files: FileSystem, root: ByteString): FileSystem {
  const base = root.replace(/\/+$/, '')
  if (base === '') return files

  /** Paths come absolute and normalised (FileSystem's contract); one that is not would climb out, so it is refused. */
  const below = (path: ByteString): ByteString => {
    if (!path.startsWith('/') || /\/\.\.?(\/|$)/.test(path)) {
      throw new BackendError('invalidName', 'not an absolute, normalised path')
    }
    return path === '/' ? base : base + path
  }
  const isInside = (path: ByteString): boolean => path === base || path.startsWith(`${base}/`)
  const above = (path: ByteString): ByteString => path.slice(base.length) || '/'
  /** Where a link points, in the terms of this part; undefined for absolute targets elsewhere, which are no client's business. */
  const target = (path: ByteString): ByteString | undefined => {
    if (!path.startsWith('/')) return path
    return isInside(path) ? above(path) : undefined
  }
  const entry = (known: Entry, path?: ByteString): Entry => {
    // Entries of listings have nothing to hide until their links are read.
    if (known.target === undefined && path !== '/') return known
    const { target: stored, ...found } = known
    const mapped = stored === undefined ? undefined : target(stored)
    return { ...found, ...(path === '/' && { name: '/' }), ...(mapped !== undefined && { target: mapped }) }
  }
  /** The root itself is the operator's: removed or renamed, it would take the partner's whole login with it. */
  const notRoot = (path: ByteString): ByteString => {
    if (path === '/') throw new BackendError('accessDenied', 'the root of the login cannot be removed or renamed')
    return below(path)
  }

  return {
    home: isInside(files.home) ? above(files.home) : '/',
    stat: async (path, asker) => entry(await files.stat(below(path), asker), path),
    enter: async (path) => files.enter(below(path)),
    lstat: async (path) => entry(await files.lstat(below(path)), path),
    async readLink(path) {
      const mapped = target(await files.readLink(below(path)))
      if (mapped === undefined) throw new BackendError('accessDenied', 'the link points out of the root')
      return mapped
    },
    async *list(path) {
      for await (const batch of files.list(below(path))) yield batch.map((found) => entry(found))
    },
    read: async (path, start) => files.read(below(path), start),
    async write(path, mode, expected) {
      // Its temporary file would lie beside the root, outside of what the login may see.
      if (path === '/') throw new BackendError('isADirectory', 'the root is a directory')
      return files.write(below(path), mode, expected)
    },
    makeDirectory: async (path) => files.makeDirectory(below(path)),
    removeDirectory: async (path) => files.removeDirectory(notRoot(path)),
    removeFile: async (path) => files.removeFile(notRoot(path)),
    rename: async (from, to) => files.rename(notRoot(from), notRoot(to)),
    async copy(from, to, permissions) {
      if (to === '/') throw new BackendError('isADirectory', 'the root is a directory')
      return files.copy(below(from), below(to), permissions)
    },
    space: async (path) => files.space(below(path)),
    setModified: async (path, seconds, accessed) => files.setModified(below(path), seconds, accessed),
    setMode: async (path, mode) => files.setMode(below(path), mode),
    setOwner: async (path, owner) => files.setOwner(below(path), owner),
    // Stored as a whole path: how far a relative one climbs depends on where the backend's own links lead.
    makeSymlink: async (to, link) => files.makeSymlink(below(resolved(parentOf(link), to)), below(link)),
    makeLink: async (file, link) => files.makeLink(below(file), below(link)),
    close: () => files.close(),
  }
}
