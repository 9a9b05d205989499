import { setTimeout as sleep } from 'node:timers/promises'
import type { ByteString } from '../../ftp/bytes.ts'
import { parentOf } from '../../ftp/pathname.ts'
import { BackendError } from '../backend.ts'

/** A partial file whose session was lost, and its good bytes. A server that comes to itself may add to it. */
export interface Orphan {
  /**
   * Where it may be, as nobody has heard whether a rename was carried out: from where it goes before where it goes to. Whoever
   * looks in this order cannot miss it, even if that happens meanwhile. The lasting name may be one.
   */
  readonly places: readonly ByteString[]
  /** Undefined: all of them. */
  readonly bytes: number | undefined
}

/**
 * How many bytes of an interrupted upload its login is told of: one fewer than there are. A client that is told as many as it
 * has takes its file for stored (curl says so and ends), and what was never committed would be lost. It may go on behind
 * either.
 */
export function toldOf<T extends { readonly size?: number | undefined }>(partial: T): T {
  return partial.size === undefined ? partial : { ...partial, size: Math.max(partial.size - 1, 0) }
}

const rememberedMax = 10_000
/** So long a server that stands still may come to itself, and carry out what it was asked. */
const litterMs = 600_000
/** So long a client may come back to go on with an upload. */
const retryMs = 86_400_000

/** So long whoever wants to move a file waits for an upload to it that is breaking off. */
const endingMs = 5_000

/** An upload that is under way. */
interface Live {
  readonly ended: Promise<void>
  /** Its file was deleted or renamed meanwhile: if it breaks off, nobody goes on with it. */
  disowned: boolean
}

interface Litter {
  readonly path: ByteString
  readonly at: number
}

/** What a backend's logins are uploading, and what of it was interrupted; by the lasting name of the partial file. */
export class Partials {
  readonly #live = new Map<ByteString, Live>()
  readonly #collecting = new Set<ByteString>()
  /** Of those that are live, which look for what they are to go on with. */
  readonly #looking = new Set<ByteString>()
  readonly #orphans = new Map<ByteString, Orphan>()
  readonly #litter = new Map<ByteString, readonly Litter[]>()
  /** When what came for a file that was to be replaced was thrown away. */
  readonly #thrownAway = new Map<ByteString, number>()

  /**
   * Makes an upload the only one of its login to its target, until the returned function is called. To be taken before the
   * first request. Throws BackendError `busy` where there is one already: two would take each other's partial file.
   */
  claim(kept: ByteString): () => void {
    if (this.#live.has(kept)) throw new BackendError('busy', 'the same login is uploading this file already')
    let end = () => {}
    const ended = new Promise<void>((resolve) => {
      end = resolve
    })
    this.#live.set(kept, { ended, disowned: false })
    return () => {
      this.#live.delete(kept)
      end()
    }
  }

  /** Waits for an upload that is breaking off, of which the gateway may not even have heard; false: it goes on. */
  async ended(kept: ByteString): Promise<boolean> {
    const live = this.#live.get(kept)
    if (!live) return true
    const over = new AbortController()
    const tooLong = sleep(endingMs, false, { signal: over.signal }).catch(() => false)
    return Promise.race([live.ended.then(() => true), tooLong]).finally(() => over.abort())
  }

  /** What an upload that is under way leaves behind stands for nothing, unless the returned function is called. */
  disown(kept: ByteString): () => void {
    const live = this.#live.get(kept)
    if (live) live.disowned = true
    return () => {
      if (live) live.disowned = false
    }
  }
  isDisowned(kept: ByteString): boolean {
    return this.#live.get(kept)?.disowned === true
  }

  /** Marks a temporary file as being written to, until the returned function is called. */
  hide(collecting: ByteString): () => void {
    this.#collecting.add(collecting)
    return () => void this.#collecting.delete(collecting)
  }

  /** An upload that goes on looks for its partial file until the returned function is called. */
  startLooking(kept: ByteString): () => void {
    this.#looking.add(kept)
    return () => void this.#looking.delete(kept)
  }
  /** Whether an upload is under way after which nothing older is gone on with. */
  isSuperseded(kept: ByteString): boolean {
    return this.#live.has(kept) && !this.#looking.has(kept)
  }

  isLive(path: ByteString): boolean {
    return this.#live.has(path) || this.#collecting.has(path)
  }

  abandon(kept: ByteString, orphan: Orphan): void {
    this.#orphans.delete(kept)
    this.#orphans.set(kept, orphan)
    forgetOldest(this.#orphans)
  }

  /** Nothing is kept of an upload that was to replace a file. */
  throwAway(kept: ByteString): void {
    this.#thrownAway.delete(kept)
    this.#thrownAway.set(kept, Date.now())
    forgetOldest(this.#thrownAway)
  }
  /** The file was replaced after all. */
  replaced(kept: ByteString): void {
    this.#thrownAway.delete(kept)
  }
  /** Whether a client may take the old file for what it has sent. */
  wasThrownAway(kept: ByteString): boolean {
    return (this.#thrownAway.get(kept) ?? 0) > Date.now() - retryMs
  }

  /** A file that could not be removed, or may still come to be, as its session was lost. After a restart it would be taken up. */
  addLitter(kept: ByteString, path: ByteString): void {
    const rest = this.#fresh(kept).filter((each) => each.path !== path)
    this.#litter.delete(kept)
    this.#litter.set(kept, [...rest, { path, at: Date.now() }])
    forgetOldest(this.#litter)
  }
  /** What is to be removed before another upload gets the name. */
  litterOf(kept: ByteString): readonly ByteString[] {
    return this.#fresh(kept).map(({ path }) => path)
  }
  /** Whether the partial file is one that was to be removed: it stands for nothing any more. */
  isLitter(kept: ByteString): boolean {
    return this.litterOf(kept).includes(kept)
  }
  removedLitter(kept: ByteString, path: ByteString): void {
    const rest = this.#fresh(kept).filter((each) => each.path !== path)
    if (rest.length > 0) this.#litter.set(kept, rest)
    else this.#litter.delete(kept)
  }
  #fresh(kept: ByteString): readonly Litter[] {
    return (this.#litter.get(kept) ?? []).filter(({ at }) => at > Date.now() - litterMs)
  }

  /** What was abandoned under this name; it is the caller's now. */
  take(kept: ByteString): Orphan | undefined {
    const orphan = this.#orphans.get(kept)
    this.#orphans.delete(kept)
    return orphan
  }

  /** The lasting names in a folder that orphans are still to be given. */
  unnamedIn(folder: ByteString): readonly ByteString[] {
    const found: ByteString[] = []
    for (const [kept, { places }] of this.#orphans)
      if (places.some((place) => place !== kept) && parentOf(kept) === folder) found.push(kept)
    return found
  }

  /** Whether a path is that of an orphan, which is not litter. */
  isOrphan(path: ByteString): boolean {
    for (const orphan of this.#orphans.values()) if (orphan.places.includes(path)) return true
    return false
  }
}

function forgetOldest(remembered: Map<ByteString, unknown>): void {
  for (const oldest of remembered.keys()) {
    if (remembered.size <= rememberedMax) break
    remembered.delete(oldest)
  }
}
