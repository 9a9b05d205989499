import type { ByteString } from '../../ftp/bytes.ts'
import { join } from '../../ftp/pathname.ts'
import { BackendError, type Entry } from '../backend.ts'
import { readDirectory } from './directory-reader.ts'
import { isLost } from './failures.ts'
import { type GatewayMark, nameOf, type Part, type PartOwner, partOf } from './part-name.ts'
import type { Partials } from './partials.ts'
import type { Server } from './server.ts'
import type { SftpClient } from './sftp-client.ts'

export interface StrayRules {
  readonly gateway: GatewayMark
  readonly partials: Partials
  readonly keepPartialMs: number
  /** After so long without a byte no other gateway can be writing to a file any more, nor committing it. */
  readonly abandonedAfterMs: number
}

/** What a look needs: the session of now. */
export interface LookParts {
  readonly client: SftpClient
  readonly server: Server
}

interface Look {
  readonly at: number
  readonly done: Promise<void>
  finished: boolean
}

/** A file that a gateway was writing when it was killed. */
export interface Stray {
  readonly entry: Entry
  readonly part: Part & { readonly kind: 'collecting' }
}

/** Logins and directories that are remembered. */
const looksMax = 10_000
/** Whatever keepPartial is, a file that was written to so lately may be somebody's. */
export const litterAgeMs = 3_600_000

/**
 * Uploads that a killed gateway has left behind: it could give their files no name under which they are looked for. The
 * first time that a login comes to a directory, and again after a while, they get it: then they can be continued, and a
 * client that asks for the size of what it has sent is not told that of the file that was to be replaced.
 */
export class Strays {
  readonly #rules: StrayRules
  readonly #looks = new Map<string, Look>()

  constructor(rules: StrayRules) {
    this.#rules = rules
  }

  /** Whether somebody has looked for what is to be in a directory, and not too long ago. */
  knows({ tag }: PartOwner, directory: ByteString): boolean {
    const look = this.#looks.get(tag + directory)
    return look?.finished === true && Date.now() - look.at < this.#rules.abandonedAfterMs
  }

  /** Looks, unless somebody has, or waits for whoever does. Throws BackendError only when the backend is lost. */
  async look(parts: LookParts, owner: PartOwner, directory: ByteString): Promise<void> {
    if (this.knows(owner, directory)) return
    const key = owner.tag + directory
    const running = this.#looks.get(key)
    if (running && !running.finished) {
      // Another session's, whose loss is not ours.
      const done = await running.done.then(
        () => true,
        () => false,
      )
      return done ? undefined : this.look(parts, owner, directory)
    }
    await this.#note(key, this.#search(parts, owner, directory))
  }

  /** Whether an entry is such a file of this login. */
  strayOf(tag: string, entry: Entry): Stray | undefined {
    const part = partOf(entry.name, tag)
    // A link of that name would lead us to another file.
    if (part?.kind !== 'collecting' || entry.type !== 'file' || entry.modified === undefined) return undefined
    const { gateway, abandonedAfterMs } = this.#rules
    const own = part.instance === gateway.instance
    // What this run wrote it knows better; that of an earlier run has nobody.
    if (own) return part.run === gateway.run ? undefined : { entry, part }
    return entry.modified * 1000 < Date.now() - abandonedAfterMs ? { entry, part } : undefined
  }

  /**
   * Gives each that is to be in a directory the name under which its login looks for it: of several for one target the newest,
   * and only where nothing newer is there. `kept`: partial files that have such a name, by `base`; what is adopted is added.
   */
  async adopt(
    client: SftpClient,
    owner: PartOwner,
    directory: ByteString,
    strays: readonly Stray[],
    kept: Map<ByteString, Entry>,
  ): Promise<void> {
    const folder = owner.staging ?? directory
    const newestFirst = [...strays].sort((a, b) => age(b.entry) - age(a.entry) || sizeOf(b.entry) - sizeOf(a.entry))
    for (const stray of newestFirst) {
      const { entry, part } = stray
      const name = nameOf(part.base, directory, owner)
      // In a common folder there are those of other directories.
      if (name === undefined && owner.staging !== undefined) continue
      const target = name === undefined ? undefined : join(directory, name)
      const path = join(folder, entry.name)
      const keptName = `.${part.base}.${owner.tag}.part`
      const bytes = (await this.#isWanted(client, stray, target, join(folder, keptName), kept))
        ? await this.#giveName(client, stray, path, join(folder, keptName), kept.has(part.base))
        : undefined
      if (bytes === undefined) await done(client.remove(path))
      else kept.set(part.base, { ...entry, name: keptName, size: bytes })
    }
  }

  #isOver({ modified }: Entry): boolean {
    return modified !== undefined && modified * 1000 < Date.now() - Math.max(this.#rules.keepPartialMs, litterAgeMs)
  }

  async #isWanted(
    client: SftpClient,
    { entry, part }: Stray,
    target: ByteString | undefined,
    keptPath: ByteString,
    kept: ReadonlyMap<ByteString, Entry>,
  ): Promise<boolean> {
    const there = kept.get(part.base)
    const newest = there === undefined || age(there) < age(entry)
    if (part.filling === 'copy' || !newest || this.#isOver(entry) || this.#rules.partials.isSuperseded(keptPath))
      return false
    // What was left behind and has been uploaded since is over.
    const since = target === undefined ? undefined : await client.lstat(target).catch(unlessLost)
    return (since?.modified ?? 0) <= age(entry)
  }

  /** How many bytes of it count; undefined where it cannot be renamed. */
  async #giveName(
    client: SftpClient,
    { entry, part }: Stray,
    path: ByteString,
    keptPath: ByteString,
    replaces: boolean,
  ): Promise<number | undefined> {
    const bytes = part.filling === 'gaps' ? 0 : sizeOf(entry)
    // Bytes behind a gap are not the beginning of a file; that it was begun is worth knowing all the same.
    if (part.filling === 'gaps' && !(await done(client.setstat(path, { size: 0 })))) return undefined
    if (replaces) await done(client.remove(keptPath))
    if (!(await done(client.rename(path, keptPath)))) return undefined
    // A server that comes to itself may still write to it for the session that is gone.
    this.#rules.partials.abandon(keptPath, { places: [keptPath], bytes })
    return bytes
  }

  /** A listing to its end was a look as well. */
  noteListed({ tag }: PartOwner, directory: ByteString): void {
    void this.#note(tag + directory, Promise.resolve())
  }

  #note(key: string, done: Promise<void>): Promise<void> {
    const look: Look = { at: Date.now(), done, finished: false }
    this.#looks.delete(key)
    this.#looks.set(key, look)
    const finish = () => {
      look.finished = true
    }
    const forget = () => {
      if (this.#looks.get(key) === look) this.#looks.delete(key)
    }
    done.then(finish, forget)
    for (const oldest of this.#looks.keys()) {
      if (this.#looks.size <= looksMax) break
      this.#looks.delete(oldest)
    }
    return done
  }

  async #search({ client, server }: LookParts, owner: PartOwner, directory: ByteString): Promise<void> {
    const { tag, staging } = owner
    const strays: Stray[] = []
    const kept = new Map<ByteString, Entry>()
    try {
      const handle = await client.opendir(staging ?? directory)
      for await (const batch of readDirectory(client, handle, server.can, (name) => partOf(name, tag) !== undefined)) {
        for (const entry of batch) {
          const stray = this.strayOf(tag, entry)
          const part = partOf(entry.name, tag)
          if (part?.kind === 'kept' && this.#isOver(entry))
            client.remove(join(staging ?? directory, entry.name)).catch(() => {})
          else if (stray) strays.push(stray)
          else if (part?.kind === 'kept' && entry.type === 'file') kept.set(part.base, entry)
        }
      }
    } catch (error) {
      // A mailbox that may not be listed, or a directory that is not there: nothing is to be found in it.
      unlessLost(error)
      if (!(error instanceof BackendError)) throw error
    }
    await this.adopt(client, owner, directory, strays, kept)
  }
}

function age({ modified = 0 }: Entry): number {
  return modified
}
function sizeOf({ size = 0 }: Entry): number {
  return size
}

/** Whether it was done; throws when the backend is lost. */
function done(step: Promise<unknown>): Promise<boolean> {
  return step.then(
    () => true,
    (error) => {
      unlessLost(error)
      return false
    },
  )
}

function unlessLost(error: unknown): undefined {
  if (isLost(error)) throw error
}
