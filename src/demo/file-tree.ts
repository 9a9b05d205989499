import { lstat, realpath } from 'node:fs/promises'
import { posix } from 'node:path'
import type { Name } from './wire.ts'

/** The name leads out of the served folder, by a symbolic link or by a trick. */
export class OutsideTree extends Error {
  override readonly name = 'OutsideTree'
}

/**
 * The served folder as the client sees it: its top is `/`, and no name leads out of it. `..` is taken off before the
 * file system sees the name, and where links are followed the true place is checked against the folder.
 */
export class FileTree {
  readonly #root: Name
  private constructor(root: Name) {
    this.#root = root
  }

  /** Throws when the folder does not exist. */
  static async open(directory: string): Promise<FileTree> {
    return new FileTree((await realpath(directory, 'buffer')).toString('latin1').replace(/\/$/, ''))
  }

  /** The absolute, normalised form of a client's name; the top for an empty one. */
  absolute(name: Name): Name {
    if (name.includes('\0')) throw new OutsideTree('NUL in a name')
    // On Windows a backslash separates folders and a colon names a stream; neither is a file name there.
    if (process.platform === 'win32' && /[\\:]/.test(name)) throw new OutsideTree('Not a file name on this system')
    return posix.resolve('/', name)
  }

  /** The place of a name on disk, its last component not followed: for lstat, remove, rename, readlink. */
  async entry(name: Name): Promise<Buffer> {
    const path = this.absolute(name)
    if (path === '/') return this.#onDisk('')
    const parent = await this.#true(posix.dirname(path))
    return bytes(`${parent}/${posix.basename(path)}`)
  }

  /** The place of a name on disk, links followed; a name that does not exist yet is placed in its folder. */
  async target(name: Name): Promise<Buffer> {
    const entry = await this.entry(name)
    const link = await lstat(entry).then(
      (stats) => stats.isSymbolicLink(),
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return false
        throw error
      },
    )
    return link ? bytes(await this.#true(this.absolute(name))) : entry
  }

  /**
   * What to store in a symbolic link so that it stays inside: an absolute target counts from the served folder and
   * becomes relative, a relative one must not climb out.
   */
  linkTarget(link: Name, target: Name): Buffer {
    const from = posix.dirname(this.absolute(link))
    if (target.startsWith('/')) return bytes(posix.relative(from, this.absolute(target)) || '.')
    // Counted without the clamp at the top: more `..` than there are folders would climb out on disk.
    if (/^\.\.(\/|$)/.test(posix.normalize(`.${from}/${target}`))) throw new OutsideTree('Link leads out of the folder')
    return bytes(target)
  }

  #onDisk(path: Name): Buffer {
    return bytes(this.#root + path)
  }

  async #true(path: Name): Promise<Name> {
    const place = (await realpath(this.#onDisk(path), 'buffer')).toString('latin1')
    if (place !== this.#root && !place.startsWith(`${this.#root}/`)) throw new OutsideTree('Leads out of the folder')
    return place
  }
}

function bytes(name: Name): Buffer {
  return Buffer.from(name, 'latin1')
}
