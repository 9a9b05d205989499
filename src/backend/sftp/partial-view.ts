import type { ByteString } from '../../ftp/bytes.ts'
import { join } from '../../ftp/pathname.ts'
import type { Entry } from '../backend.ts'
import type { Attrs } from './attrs.ts'
import { isLost } from './failures.ts'
import { keptPath, partOf } from './part-name.ts'
import type { Partials } from './partials.ts'
import type { SftpClient } from './sftp-client.ts'

export interface ViewSettings {
  readonly tag: string
  readonly partials: Partials
  /** Partial files are kept for so long; 0: none are. */
  readonly keepPartialMs: number
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
  readonly #current: () => SftpClient
  readonly #settings: ViewSettings

  /** `current`: the session of now. */
  constructor(current: () => SftpClient, settings: ViewSettings) {
    this.#current = current
    this.#settings = settings
  }

  get #client(): SftpClient {
    return this.#current()
  }

  isOwn(name: ByteString): boolean {
    return partOf(name, this.#settings.tag) !== undefined
  }

  /** What the partial file for a path is like; undefined where there is none. */
  async attrs(path: ByteString): Promise<Attrs | undefined> {
    const { tag, partials, keepPartialMs } = this.#settings
    if (keepPartialMs === 0 || path === '/') return undefined
    const kept = keptPath(path, tag)
    if (partials.isLive(kept)) return undefined
    await this.#publish(kept)
    return this.#client.lstat(kept).catch(unlessLost)
  }

  /** Removes the partial file for a path; false where there was none. */
  async remove(path: ByteString): Promise<boolean> {
    const { tag, partials, keepPartialMs } = this.#settings
    if (keepPartialMs === 0 || path === '/') return false
    const kept = keptPath(path, tag)
    if (partials.isLive(kept)) return false
    await this.#publish(kept)
    const removed = await this.#client.remove(kept).then(() => true, unlessLost)
    return removed ?? false
  }

  /**
   * A directory's entries with this login's partial files under the names that they were to have. Partial files past their
   * time are removed. In a larger directory, a file that comes before its partial file is shown as it is.
   */
  async *list(
    directory: ByteString,
    batches: AsyncIterable<readonly Entry[]>,
  ): AsyncGenerator<readonly Entry[], void, undefined> {
    const kept = new Map<ByteString, Entry>()
    const litter: ByteString[] = []
    let held: Entry[] | undefined = []
    for await (const batch of batches) {
      const shown = batch.filter((entry) => !this.#takePart(directory, entry, kept, litter))
      held?.push(...shown)
      if (held === undefined) yield this.#over(shown, kept)
      else if (held.length > heldMax) {
        yield this.#over(held, kept)
        held = undefined
      }
    }
    if (held) yield this.#over(held, kept)
    if (kept.size > 0) yield [...kept].map(([name, part]) => ({ ...part, name }))
    for (const path of litter.slice(0, litterMax)) this.#client.remove(path).catch(() => {})
  }

  /** Whether the entry is a partial file, which is noted where it is this login's. */
  #takePart(directory: ByteString, entry: Entry, kept: Map<ByteString, Entry>, litter: ByteString[]): boolean {
    const { tag, partials, keepPartialMs } = this.#settings
    const part = partOf(entry.name, tag)
    if (part === undefined) return false
    const path = join(directory, entry.name)
    const old =
      entry.modified !== undefined && entry.modified * 1000 < Date.now() - Math.max(keepPartialMs, litterAgeMs)
    if (old && !partials.isLive(path) && !partials.isOrphan(path)) litter.push(path)
    else if (part === 'kept' && keepPartialMs > 0 && !partials.isLive(path)) {
      // The name of a file whose own was too long cannot be told from its partial file's.
      const name = entry.name.slice(1, -`.${tag}.part`.length)
      if (keptPath(join(directory, name), tag) === path) kept.set(name, entry)
    }
    return true
  }

  #over(entries: readonly Entry[], kept: Map<ByteString, Entry>): readonly Entry[] {
    if (kept.size === 0) return entries
    return entries.map((entry) => {
      const part = entry.type === 'file' ? kept.get(entry.name) : undefined
      if (!part) return entry
      kept.delete(entry.name)
      return { ...entry, size: part.size, modified: part.modified }
    })
  }

  /** Gives what an upload had to leave behind, when its connection was lost, the name under which it is looked for. */
  async #publish(kept: ByteString): Promise<void> {
    const orphan = this.#settings.partials.take(kept)
    if (!orphan) return
    try {
      await this.#client.setstat(orphan.path, { size: orphan.bytes })
      await this.#client.rename(orphan.path, kept)
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
