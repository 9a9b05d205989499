import type { ByteString } from '../../ftp/bytes.ts'

const max = 1000

interface Told {
  /** Undefined: that there is no such file. */
  readonly size: number | undefined
  /** It was said while the same login was uploading the file, or may have been misunderstood. */
  readonly doubtful: boolean
}

/**
 * What a session was told of the sizes of files, by the lasting name of the partial file. A client whose connection broke asks
 * how much has come, and appends the rest of its file. Where what it was told is not what is there, as the gateway heard of the
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

  tell(kept: ByteString, size: number | undefined, doubtful: boolean): void {
    this.#told.delete(kept)
    this.#told.set(kept, { size, doubtful })
    for (const oldest of this.#told.keys()) {
      if (this.#told.size <= max) break
      this.#told.delete(oldest)
    }
  }

  /** It puts something else there. */
  forget(kept: ByteString): void {
    this.#told.delete(kept)
  }

  /** Whether whoever appends from `start` on has to ask again first. A finished file may grow by others meanwhile. */
  contradict(kept: ByteString, start: number, isPartial: boolean): boolean {
    const told = this.#told.get(kept)
    return told !== undefined && (told.doubtful || isPartial) && told.size !== start
  }
}
