import type { ByteString } from '../../ftp/bytes.ts'

const max = 1000

/** What a session was told of a file. */
export interface Told {
  /** Undefined: that there is no such file. */
  readonly size: number | undefined
  /**
   * `partial`: of what was interrupted of an upload. `doubtful`: it was said while the same login was uploading the file, or may
   * have been misunderstood.
   */
  readonly of: 'file' | 'partial' | 'doubtful'
}

/** What a client goes on with. */
export interface Continued {
  readonly start: number
  readonly in: 'file' | 'partial'
  /** REST tells where the bytes belong, APPE relies on what is there. */
  readonly by: 'append' | 'restart'
}

/**
 * What a session was told of the sizes of files, by the lasting name of the partial file. A client whose connection broke asks
 * how much has come, and sends the rest of its file. Where what it was told is not what is there, as the gateway heard of the
 * break only after it had answered, or as another session has been there since, the rest would come behind something else.
 */
export class ToldSizes {
  readonly #told = new Map<ByteString, Told>()

  get any(): boolean {
    return this.#told.size > 0
  }
  has(kept: ByteString): boolean {
    return this.#told.has(kept)
  }

  tell(kept: ByteString, told: Told): void {
    this.#told.delete(kept)
    this.#told.set(kept, told)
    for (const oldest of this.#told.keys()) {
      if (this.#told.size <= max) break
      this.#told.delete(oldest)
    }
  }

  /** It has put something else there. */
  forget(kept: ByteString): void {
    this.#told.delete(kept)
  }

  /** Whether whoever goes on has to ask again first. A finished file may grow by others meanwhile. */
  contradict(kept: ByteString, now: Continued): boolean {
    const told = this.#told.get(kept)
    if (!told) return false
    // The file that was there before is not what was being sent.
    if (now.in === 'file') return told.of !== 'file'
    return now.by === 'append' && told.size !== now.start
  }
}
