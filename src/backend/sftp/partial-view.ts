import type { ByteString } from '../../ftp/bytes.ts'
import { join, parentOf } from '../../ftp/pathname.ts'
import type { Entry } from '../backend.ts'
import type { Attrs } from './attrs.ts'
import { readDirectory } from './directory-reader.ts'
import { isLost } from './failures.ts'
import type { Outdated } from './outdated.ts'
import { baseOf, keptPath, nameOf, type PartOwner, partOf } from './part-name.ts'
import { type Partials, toldOf } from './partials.ts'
import type { SftpClient } from './sftp-client.ts'
import type { LookParts, Stray, Strays } from './strays.ts'

export interface ViewSettings extends PartOwner {
  readonly partials: Partials
  readonly strays: Strays
  readonly outdated: Outdated
  /** Partial files are kept for so long; 0: none are. */
  readonly keepPartialMs: number
}

/** Files of this login that have no name of their own yet. `kept` is by what their names say of that (`baseOf`). */
interface Found {
  readonly kept: Map<ByteString, Entry>
  readonly strays: Stray[]
  readonly litter: ByteString[]
}

/** A directory is known to its end before its first entry is passed on, if it has no more entries than this. */
const heldMax = 500
/** Old partial files that one listing removes. */
const litterMax = 10

/**
 * How a login sees what was interrupted of its uploads: as a classic server would show it, the partial file under the name
 * that it was to have. Other logins see nothing of it.
 */
export class PartialView {
  readonly #current: () => LookParts
  readonly #settings: ViewSettings

  /** `current`: the session of now. */
  constructor(current: () => LookParts, settings: ViewSettings) {
    this.#current = current
    this.#settings = settings
  }

  get #client(): SftpClient {
    return this.#current().client
  }

  isOwn(name: ByteString): boolean {
    return partOf(name, this.#settings.tag) !== undefined
  }

  /** What the partial file for a path is like; undefined where there is none. */
  async attrs(path: ByteString): Promise<Attrs | undefined> {
    const kept = await this.#find(path)
    return kept === undefined ? undefined : this.#client.lstat(kept).then(toldOf).catch(unlessLost)
  }

  /** Removes the partial file for a path; false where there was none. */
  async remove(path: ByteString): Promise<boolean> {
    const kept = await this.#find(path)
    if (kept === undefined) return false
    const removed = await this.#client.remove(kept).then(() => true, unlessLost)
    return removed ?? false
  }

  /** The name of a partial file for a path, where there may be one that nobody is writing to. */
  async #find(path: ByteString): Promise<ByteString | undefined> {
    const { partials, strays, outdated, keepPartialMs } = this.#settings
    if (keepPartialMs === 0 || path === '/') return undefined
    const kept = keptPath(path, this.#settings)
    if (partials.isLive(kept)) {
      outdated.add(kept)
      return undefined
    }
    outdated.forget(kept)
    await strays.look(this.#current(), this.#settings, parentOf(path))
    await this.#publish(kept)
    return kept
  }

  /**
   * A directory's entries with this login's partial files under the names that they were to have. Partial files past their
   * time are removed. In a larger directory, a file that comes before its partial file is shown as it is.
   */
  async *list(
    directory: ByteString,
    batches: AsyncIterable<readonly Entry[]>,
  ): AsyncGenerator<readonly Entry[], void, undefined> {
    const { strays, staging } = this.#settings
    const folder = staging ?? directory
    const kept = new Map<ByteString, Entry>()
    const found: Found = { kept, strays: [], litter: [] }
    if (staging !== undefined) await this.#findStaged(staging, found)
    let held: Entry[] | undefined = []
    for await (const batch of batches) {
      const shown = batch.filter((entry) => !this.#takePart(folder, entry, found))
      held?.push(...shown)
      if (held === undefined) yield this.#over(directory, shown, kept)
      else if (held.length > heldMax) {
        yield this.#over(directory, held, kept)
        held = undefined
      }
    }
    await strays.adopt(this.#client, this.#settings, directory, found.strays, kept)
    strays.noteListed(this.#settings, directory)
    if (held) yield this.#over(directory, held, kept)
    const more = [...kept].flatMap(([base, part]) => {
      const name = nameOf(base, directory, this.#settings)
      return name === undefined ? [] : [{ ...toldOf(part), name }]
    })
    if (more.length > 0) yield more
    for (const path of found.litter.slice(0, litterMax)) this.#client.remove(path).catch(() => {})
  }

  async #findStaged(staging: ByteString, found: Found): Promise<void> {
    const { client, server } = this.#current()
    const handle = await client.opendir(staging).catch(unlessLost)
    if (!handle) return
    for await (const batch of readDirectory(client, handle, server.can, (name) => this.isOwn(name))) {
      for (const entry of batch) this.#takePart(staging, entry, found)
    }
  }

  /** Whether the entry is a partial file, which is noted where it is this login's. */
  #takePart(folder: ByteString, entry: Entry, { kept, strays, litter }: Found): boolean {
    const { tag, partials, outdated, keepPartialMs } = this.#settings
    const stray = keepPartialMs > 0 ? this.#settings.strays.strayOf(tag, entry) : undefined
    const part = partOf(entry.name, tag)
    if (part === undefined) return false
    const path = join(folder, entry.name)
    const ownKept = join(folder, `.${part.base}.${tag}.part`)
    if (part.kind === 'collecting' && partials.isLive(path)) outdated.add(ownKept)
    else if (part.kind === 'kept') outdated.forget(ownKept)
    const old =
      entry.modified !== undefined && entry.modified * 1000 < Date.now() - Math.max(keepPartialMs, litterAgeMs)
    if (old && !partials.isLive(path) && (part.kind === 'kept' || !partials.isOrphan(path))) litter.push(path)
    else if (stray) strays.push(stray)
    else if (part.kind === 'kept' && keepPartialMs > 0 && !partials.isLive(path) && entry.type === 'file')
      kept.set(part.base, entry)
    return true
  }

  #over(directory: ByteString, entries: readonly Entry[], kept: Map<ByteString, Entry>): readonly Entry[] {
    if (kept.size === 0) return entries
    return entries.map((entry) => {
      const base = baseOf(entry.name, directory, this.#settings)
      const part = entry.type === 'file' ? kept.get(base) : undefined
      if (!part) return entry
      kept.delete(base)
      return { ...entry, size: toldOf(part).size, modified: part.modified }
    })
  }

  /** Gives what an upload had to leave behind, when its connection was lost, the name under which it is looked for. */
  async #publish(kept: ByteString): Promise<void> {
    const orphan = this.#settings.partials.take(kept)
    if (!orphan) return
    try {
      await this.#client.setstat(orphan.path, { size: orphan.bytes })
      if (orphan.path !== kept) await this.#client.rename(orphan.path, kept)
      this.#settings.partials.abandon(kept, { path: kept, bytes: orphan.bytes })
    } catch (error) {
      if (!isLost(error)) return
      this.#settings.partials.abandon(kept, orphan)
      throw error
    }
  }
}

/** Whatever keepPartial is, a file that was written to so lately may be somebody's. */
const litterAgeMs = 3_600_000

function unlessLost(error: unknown): undefined {
  if (isLost(error)) throw error
}
