import { BackendError, type Entry, type FileSystem } from '../backend/backend.ts'
import type { ByteString } from '../ftp/bytes.ts'
import { baseName, join, parentOf, resolve } from '../ftp/pathname.ts'
import type { Whose } from './border.ts'
import type { Part } from './part.ts'

/** A part of a backend, and the folder of the login that it is seen as. */
export interface Mount {
  /** Absolute and normalised; `/` for the root. */
  readonly at: ByteString
  readonly backend: string
  readonly readOnly: boolean
  /** Enters its backend the first time; throws BackendError. */
  part(): Promise<Part>
  /** The backend is lost, and to be entered anew; missing for the one that the login cannot be without. */
  lost?(): void
}

interface Place {
  readonly mount: Mount
  /** Within the part. */
  readonly path: ByteString
}

/** What two paths are for, that may be in two parts. */
interface Across {
  readonly whose: Whose
  readonly changesSource: boolean
  use(files: FileSystem, from: ByteString, to: ByteString): Promise<void>
}

/** Folders of several backends as one tree; of mounts that fit, the one with the longest path has a name. */
export function pathMap(mounts: readonly Mount[], home: ByteString, close: () => Promise<void>): FileSystem {
  const byLength = [...mounts].sort((a, b) => b.at.length - a.at.length)
  const isBelow = (path: ByteString, folder: ByteString) => folder === '/' || path.startsWith(`${folder}/`)

  function place(path: ByteString): Place {
    const mount = byLength.find(({ at }) => path === at || isBelow(path, at))
    if (mount === undefined) throw new BackendError('accessDenied', 'no folder of the partner is mapped there')
    return { mount, path: mount.at === '/' ? path : path.slice(mount.at.length) || '/' }
  }

  /** Names of folders right below a path that are there because something is mapped at them or further down. */
  function mappedBelow(path: ByteString): ReadonlySet<ByteString> {
    const inside = mounts.filter(({ at }) => at !== '/' && isBelow(at, path))
    const start = path === '/' ? 1 : path.length + 1
    return new Set(inside.map(({ at }) => at.slice(start).split('/', 1)[0] ?? ''))
  }

  /** Whether a folder must be there, whatever its backend says. */
  const isOnTheWay = (path: ByteString) => path === '/' || mounts.some(({ at }) => at === path || isBelow(at, path))

  async function at<V>(path: ByteString, use: (files: FileSystem, path: ByteString) => Promise<V>): Promise<V> {
    const { mount, path: inner } = place(path)
    const { files } = await mount.part()
    return use(files, inner).catch((error) => throwFrom(mount, error))
  }

  /** What is removed or renamed must not take the map's own folders with it. */
  function movable(path: ByteString): ByteString {
    if (!isOnTheWay(path)) return path
    throw new BackendError('accessDenied', 'a folder of the path map cannot be made, removed or renamed')
  }

  /** The part that both are in, else the backend with both. */
  async function across(from: ByteString, to: ByteString, { whose, changesSource, use }: Across): Promise<void> {
    const [source, target] = [place(from), place(to)]
    if (source.mount.backend !== target.mount.backend) {
      throw new BackendError('otherServer', `between backends ${source.mount.backend} and ${target.mount.backend}`)
    }
    const [a, b] = [await source.mount.part(), await target.mount.part()]
    if (source.mount === target.mount) {
      return use(a.files, source.path, target.path).catch((error) => throwFrom(source.mount, error))
    }
    if (target.mount.readOnly || (changesSource && source.mount.readOnly)) {
      throw new BackendError('readOnly', 'one of both is read-only')
    }
    const [inner, outer] = [a.inward(source.path), b.inward(target.path)]
    await Promise.all([a.border?.check(inner, whose), b.border?.check(outer, whose)])
    return use(a.whole, inner, outer)
  }

  const isMapped = (path: ByteString) => mounts.some((mount) => mount.at === path)

  /** An entry under its name in the tree; of a folder above mapped ones there need be nothing on any backend. */
  async function seen(path: ByteString, found: Promise<Entry>): Promise<Entry> {
    if (!isOnTheWay(path)) return found
    const name = baseName(path)
    return found.then(
      (entry) => ({ ...entry, name }),
      (error) => {
        if (isMapped(path) || !isNothingThere(error)) throw error
        return { ...folder, name }
      },
    )
  }

  return {
    home,
    stat: (path, asker) =>
      seen(
        path,
        at(path, (files, inner) => files.stat(inner, asker)),
      ),
    lstat: (path) =>
      seen(
        path,
        at(path, (files, inner) => files.lstat(inner)),
      ),
    async enter(path) {
      await at(path, (files, inner) => files.enter(inner)).catch((error) => {
        if (!isOnTheWay(path) || isMapped(path) || !isNothingThere(error)) throw error
      })
    },
    async readLink(path) {
      const { mount, path: inner } = place(path)
      const target = await (await mount.part()).files.readLink(inner)
      return target.startsWith('/') && mount.at !== '/' ? mount.at + (target === '/' ? '' : target) : target
    },
    async *list(path) {
      const mapped = mappedBelow(path)
      try {
        const { mount, path: inner } = place(path)
        const { files } = await mount.part()
        for await (const batch of files.list(inner)) {
          yield mapped.size === 0 ? batch : batch.filter(({ name }) => !mapped.has(name))
        }
      } catch (error) {
        if (mapped.size === 0 || isMapped(path) || !isNothingThere(error)) throw error
      }
      if (mapped.size > 0) yield [...mapped].map((name) => ({ ...folder, name, ...mark(mounts, join(path, name)) }))
    },
    read: (path, start) => at(path, (files, inner) => files.read(inner, start)),
    write: async (path, mode, expected) => {
      if (isOnTheWay(path)) throw new BackendError('isADirectory', 'a folder of the path map')
      return at(path, (files, inner) => files.write(inner, mode, expected))
    },
    async makeDirectory(path) {
      if (isOnTheWay(path)) throw new BackendError('alreadyExists', 'a folder of the path map')
      return at(path, (files, inner) => files.makeDirectory(inner))
    },
    removeDirectory: async (path) => at(movable(path), (files, inner) => files.removeDirectory(inner)),
    removeFile: async (path) => at(movable(path), (files, inner) => files.removeFile(inner)),
    rename: async (from, to) =>
      across(movable(from), movable(to), {
        whose: 'itself',
        changesSource: true,
        use: (files, a, b) => files.rename(a, b),
      }),
    copy: async (from, to, permissions) =>
      across(from, movable(to), {
        whose: 'followed',
        changesSource: false,
        use: (files, a, b) => files.copy(a, b, permissions),
      }),
    space: (path) => at(path, (files, inner) => files.space(inner)),
    setModified: (path, seconds, accessed) => at(path, (files, inner) => files.setModified(inner, seconds, accessed)),
    setMode: (path, mode) => at(path, (files, inner) => files.setMode(inner, mode)),
    setOwner: (path, owner) => at(path, (files, inner) => files.setOwner(inner, owner)),
    async makeSymlink(text, link) {
      const resolved = resolve(parentOf(link), text.replace(/^~/, './~'), '/')
      if (resolved === undefined) throw new BackendError('invalidName', 'the target has a line break in it')
      const [target, source] = [place(resolved), place(movable(link))]
      // A link says a path of its own server, and is followed no further than the part that it is in.
      if (target.mount !== source.mount) throw new BackendError('otherServer', 'a link into another part of the map')
      await (await source.mount.part()).files.makeSymlink(target.path, source.path)
    },
    makeLink: async (file, link) =>
      across(file, movable(link), {
        whose: 'followed',
        changesSource: true,
        use: (files, a, b) => files.makeLink(a, b),
      }),
    close,
  }
}

const folder: Omit<Entry, 'name'> = {
  type: 'directory',
  size: undefined,
  modified: undefined,
  mode: 0o755,
  uid: undefined,
  gid: undefined,
  owner: undefined,
  group: undefined,
  links: undefined,
}

function mark(mounts: readonly Mount[], path: ByteString): { readonly readOnly?: true } {
  return mounts.some(({ at, readOnly }) => at === path && readOnly) ? { readOnly: true } : {}
}

/** The map's folders need not be on the backend of what is above them. */
function isNothingThere(error: unknown): boolean {
  return error instanceof BackendError && (error.kind === 'notFound' || error.kind === 'accessDenied')
}

/** The login goes on without a backend that only some of its folders are on. */
function throwFrom(mount: Mount, error: unknown): never {
  if (mount.lost === undefined || !(error instanceof BackendError) || error.kind !== 'unavailable') throw error
  mount.lost()
  throw new BackendError('away', error.message, { cause: error })
}
