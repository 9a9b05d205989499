import type { ByteString } from '../../ftp/bytes.ts'
import { baseName, join, parentOf } from '../../ftp/pathname.ts'
import type { Entry } from '../backend.ts'
import type { Attrs } from './attrs.ts'
import { readDirectory } from './directory-reader.ts'
import { isFile } from './entry.ts'
import { isLost } from './failures.ts'
import { baseOf, isShortened, keptPath, nameOf, type PartOwner, partOf } from './part-name.ts'
import { type Partials, toldOf } from './partials.ts'
import { renameOver } from './rename.ts'
import type { SftpClient } from './sftp-client.ts'
import { type LookParts, litterAgeMs, type Stray, type Strays } from './strays.ts'
import type { Told, ToldSizes } from './told-sizes.ts'
import { removePart, whereLinkLeads } from './upload-place.ts'
import { fileKind } from './wire.ts'

export interface ViewSettings extends PartOwner {
  readonly partials: Partials
  readonly strays: Strays
  readonly told: ToldSizes
  /** Partial files are kept for so long; 0: none are. */
  readonly keepPartialMs: number
}

/** Files of this login that have no name of their own yet. `kept` is by what their names say of that (`baseOf`). */
interface Found {
  readonly kept: Map<ByteString, Entry>
  /** Of what is being uploaded, what its name says of its target. */
  readonly live: Set<ByteString>
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

  /** What the partial file for a path is like, or for what it leads to; undefined where there is none. */
  async attrs(path: ByteString): Promise<Attrs | undefined> {
    if (!this.#isOn || path === '/') return undefined
    const [partial, itself] = await Promise.all([this.#partialOf(path), this.#client.lstat(path).catch(unlessLost)])
    if (((itself?.permissions ?? 0) & fileKind.mask) !== fileKind.symlink) return partial
    const target = await whereLinkLeads(this.#client, path).catch(unlessLost)
    return target === undefined ? partial : this.#partialOf(target)
  }

  async #partialOf(path: ByteString): Promise<Attrs | undefined> {
    const kept = await this.#find(path)
    const attrs = kept === undefined ? undefined : await this.#client.lstat(kept).catch(unlessLost)
    return attrs && isFile(attrs) ? toldOf(attrs) : undefined
  }

  /** Whether the login is uploading to the path: what it is told of it meanwhile is no longer true when that ends. */
  isBusy(path: ByteString): boolean {
    return this.#isOn && path !== '/' && this.#settings.partials.isLive(keptPath(path, this.#settings))
  }

  /** Notes what the session is told of a path. */
  tell(path: ByteString, told: Told): void {
    if (!this.#isOn || path === '/') return
    this.#settings.told.tell(keptPath(path, this.#settings), this.isBusy(path) ? { ...told, of: 'doubtful' } : told)
  }

  /** Removes the partial file for a path; false where there was none. */
  async remove(path: ByteString): Promise<boolean> {
    const kept = this.#isOn && path !== '/' ? await this.#find(path) : undefined
    if (kept === undefined) return false
    const { partials } = this.#settings
    try {
      await this.#client.remove(kept)
      partials.removedLitter(kept, kept)
      return true
    } catch (error) {
      if (!isLost(error)) return false
      partials.addLitter(kept, kept)
      throw error
    }
  }

  get #isOn(): boolean {
    return this.#settings.keepPartialMs > 0
  }

  /** The name of a partial file for a path, where there may be one that nobody is writing to. */
  async #find(path: ByteString): Promise<ByteString | undefined> {
    const { partials, strays } = this.#settings
    const kept = keptPath(path, this.#settings)
    if (partials.isLive(kept)) return undefined
    await strays.look(this.#current(), this.#settings, parentOf(path))
    if (partials.isLitter(kept)) await removePart(this.#client, partials, kept, kept)
    await this.#publish(kept)
    return partials.isLive(kept) || partials.isLitter(kept) ? undefined : kept
  }

  /**
   * A directory's entries with this login's partial files under the names that they were to have. Partial files past their
   * time are removed. In a larger directory, a file that comes before its partial file is shown as it is.
   */
  async *list(
    directory: ByteString,
    batches: AsyncIterable<readonly Entry[]>,
  ): AsyncGenerator<readonly Entry[], void, undefined> {
    const { partials, strays, staging } = this.#settings
    const folder = staging ?? directory
    for (const name of partials.unnamedIn(folder)) {
      if (this.isOwn(baseName(name)) && !partials.isLive(name)) await this.#publish(name)
    }
    const kept = new Map<ByteString, Entry>()
    const found: Found = { kept, live: new Set(), strays: [], litter: [] }
    if (staging !== undefined) await this.#findStaged(staging, found)
    let held: Entry[] | undefined = []
    for await (const batch of batches) {
      const shown = batch.filter((entry) => !this.#takePart(folder, entry, found))
      this.#tellAgain(directory, shown)
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
    this.#doubt(folder, held === undefined ? kept : new Map(), found)
    const more = await this.#further(directory, kept, held === undefined)
    if (more.length > 0) yield more
    for (const path of found.litter.slice(0, litterMax)) this.#client.remove(path).catch(() => {})
  }

  /** Files of which there is nothing but the partial file; in a larger directory the others may have been shown already. */
  async #further(directory: ByteString, kept: ReadonlyMap<ByteString, Entry>, isLarge: boolean): Promise<Entry[]> {
    const further: Entry[] = []
    for (const [base, part] of kept) {
      const name = nameOf(base, directory, this.#settings)
      if (name === undefined) continue
      const shown = isLarge && (await this.#client.lstat(join(directory, name)).catch(unlessLost)) !== undefined
      if (!shown) further.push({ ...toldOf(part), name })
    }
    return further
  }

  /** A session that was told something else of a file before is told this of it now. */
  #tellAgain(directory: ByteString, entries: readonly Entry[]): void {
    const { told } = this.#settings
    if (!told.any) return
    for (const { name, size } of entries) {
      const path = join(directory, name)
      if (told.has(keptPath(path, this.#settings))) this.tell(path, { size, of: 'file' })
    }
  }

  /** Files that were listed with the size of the old one: being uploaded, before their partial file came, or too long a name. */
  #doubt(folder: ByteString, late: ReadonlyMap<ByteString, Entry>, { live, kept }: Found): void {
    const { tag, told } = this.#settings
    const long = [...kept].filter(([base]) => isShortened(base))
    const bases = [...live, ...late.keys(), ...long.map(([base]) => base)]
    for (const base of bases) told.tell(join(folder, `.${base}.${tag}.part`), { size: undefined, of: 'doubtful' })
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
  #takePart(folder: ByteString, entry: Entry, { kept, live, strays, litter }: Found): boolean {
    const { tag, partials, keepPartialMs } = this.#settings
    const stray = keepPartialMs > 0 ? this.#settings.strays.strayOf(tag, entry) : undefined
    const part = partOf(entry.name, tag)
    if (part === undefined) return false
    const path = join(folder, entry.name)
    if (partials.isLive(path)) live.add(part.base)
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
      const { size } = toldOf(part)
      this.tell(join(directory, entry.name), { size, of: 'partial' })
      return { ...entry, size, modified: part.modified }
    })
  }

  /** Gives what an upload had to leave behind, when its connection was lost, the name under which it is looked for. */
  async #publish(kept: ByteString): Promise<void> {
    const { partials } = this.#settings
    const orphan = partials.take(kept)
    if (!orphan) return
    const { places, bytes } = orphan
    const { client, server } = this.#current()
    let left = places
    try {
      for (const [i, place] of places.entries()) {
        left = [...places.slice(i).filter((each) => each !== kept || place === kept), kept]
        // It replaces what an earlier upload may have left there, and could not remove.
        const found = place === kept ? client.lstat(kept) : renameOver(client, server, place, kept)
        if (await found.then(() => true, unlessLost)) break
      }
      const attrs = await client.lstat(kept).catch(unlessLost)
      if (!attrs || !isFile(attrs)) return
      // A server that comes to itself may have added to it.
      if (bytes !== undefined && (attrs.size ?? 0) > bytes) await this.#client.setstat(kept, { size: bytes })
      partials.removedLitter(kept, kept)
      // A rename away from there may still be carried out.
      partials.abandon(kept, { places: [...new Set([kept, ...left])], bytes: bytes ?? attrs.size })
    } catch (error) {
      if (!isLost(error)) return
      // Nobody heard how far it came.
      partials.abandon(kept, { places: [...new Set(left)], bytes })
      throw error
    }
  }
}

function unlessLost(error: unknown): undefined {
  if (isLost(error)) throw error
}
