import type { ByteString } from '../../ftp/bytes.ts'
import { parentOf } from '../../ftp/pathname.ts'
import { BackendError } from '../backend.ts'
import { keptPath } from './part-name.ts'
import type { ViewSettings } from './partial-view.ts'
import type { LookParts } from './strays.ts'
import { removePart } from './upload-place.ts'

/** What becomes of a login's interrupted uploads when files are deleted, renamed and replaced by others. */
export class MovedPartials {
  readonly #current: () => LookParts
  readonly #settings: ViewSettings

  /** `current`: the session of now. */
  constructor(current: () => LookParts, settings: ViewSettings) {
    this.#current = current
    this.#settings = settings
  }

  #keptOf(path: ByteString): ByteString | undefined {
    return this.#settings.keepPartialMs > 0 && path !== '/' ? keptPath(path, this.#settings) : undefined
  }

  /**
   * To be called before a file is deleted or gets another name. What this login is uploading to it may be breaking off: that
   * is waited for. If it goes on, what it leaves behind stands for nothing, unless the returned function is called.
   */
  async disown(path: ByteString): Promise<() => void> {
    const { partials } = this.#settings
    const kept = this.#keptOf(path)
    if (kept === undefined) return () => {}
    await partials.ended(kept)
    return partials.disown(kept)
  }

  /**
   * To be called before another file gets the name. Throws BackendError `busy` where this login is uploading to it: if that
   * broke off, its client would ask for the size of what it has sent, and be told that of the other file.
   */
  async free(path: ByteString): Promise<void> {
    const kept = this.#keptOf(path)
    if (kept !== undefined && !(await this.#settings.partials.ended(kept)))
      throw new BackendError('busy', 'the same login is uploading the file that is to be replaced')
  }

  /** What a killed gateway left behind for a path gets the name under which it can be forgotten; at once where that is done. */
  async look(path: ByteString): Promise<void> {
    if (this.#keptOf(path) !== undefined)
      await this.#settings.strays.look(this.#current(), this.#settings, parentOf(path))
  }

  /** What was interrupted of an upload stands for nothing any more, even where it cannot be removed now; whether there was any. */
  async forget(path: ByteString): Promise<boolean> {
    const { partials } = this.#settings
    const kept = this.#keptOf(path)
    if (kept === undefined || partials.isLive(kept)) return false
    const places = new Set([...(partials.take(kept)?.places ?? []), kept])
    const { client } = this.#current()
    const removed = await Promise.all([...places].map((place) => removePart(client, partials, kept, place)))
    return removed.includes(true)
  }

  /** What was sent for a file is gone, and the file that it was to replace is still there. */
  thrownAway(path: ByteString): void {
    const kept = this.#keptOf(path)
    if (kept !== undefined) this.#settings.partials.throwAway(kept)
  }

  /** Nobody can take the file of that name for what was to replace it any more. */
  replaced(path: ByteString): void {
    const kept = this.#keptOf(path)
    if (kept !== undefined) this.#settings.partials.replaced(kept)
  }
}
