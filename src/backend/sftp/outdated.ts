import type { ByteString } from '../../ftp/bytes.ts'

const max = 1000

/**
 * Names of which a session was told what had them while its login was uploading another file: it has to ask again before it
 * appends. A client whose connection broke asks how much has come, and would append the rest of its file behind something
 * else where the gateway hears of the break only after it has answered. By the lasting name of the partial file.
 */
export class Outdated {
  readonly #names = new Set<ByteString>()

  has(kept: ByteString): boolean {
    return this.#names.has(kept)
  }

  add(kept: ByteString): void {
    this.#names.delete(kept)
    this.#names.add(kept)
    for (const oldest of this.#names) {
      if (this.#names.size <= max) break
      this.#names.delete(oldest)
    }
  }

  /** It was told of what is there now, or puts something else there. */
  forget(kept: ByteString): void {
    this.#names.delete(kept)
  }
}
