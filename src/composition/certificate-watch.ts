import { type FSWatcher, watch } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Two files change one after the other; what is read in between would not fit together. */
const settleMs = 1000
/** Network file systems tell nothing of changes. */
const lookMs = 60_000

/**
 * Calls back when one of the files has another content. The folders are watched and not the files: certbot renames, and
 * Kubernetes swaps a link to a folder, so the files themselves never change.
 */
export class CertificateWatch {
  readonly #onChange: () => void
  readonly #timer: NodeJS.Timeout
  #files: readonly string[] = []
  #watchers: FSWatcher[] = []
  #settling: NodeJS.Timeout | undefined
  #known: string | undefined
  #looking: Promise<void> = Promise.resolve()

  constructor(files: readonly string[], onChange: () => void) {
    this.#onChange = onChange
    this.#timer = setInterval(() => this.#look(), lookMs)
    this.#timer.unref()
    void this.watch(files)
  }

  /** Watches these files in place of the earlier ones. Resolves when it knows them; from then on it sees every change. */
  watch(files: readonly string[]): Promise<void> {
    this.#unwatch()
    if (files.join('\0') !== this.#files.join('\0')) this.#known = undefined
    this.#files = files
    this.#look()
    this.#watchers = [...new Set(files.map(dirname))].flatMap((folder) => {
      try {
        const watcher = watch(folder, { persistent: false }, () => this.#settle())
        // A folder that is removed; the next look tells whether the files are there again.
        return [watcher.on('error', () => watcher.close())]
      } catch {
        return []
      }
    })
    return this.#looking
  }

  close(): void {
    clearInterval(this.#timer)
    this.#files = []
    this.#unwatch()
  }

  #unwatch(): void {
    clearTimeout(this.#settling)
    for (const watcher of this.#watchers.splice(0)) watcher.close()
  }

  #settle(): void {
    clearTimeout(this.#settling)
    this.#settling = setTimeout(() => this.#look(), settleMs).unref()
  }

  #look(): void {
    this.#looking = this.#looking.then(() => this.#compare(this.#files))
  }

  async #compare(files: readonly string[]): Promise<void> {
    const texts = await Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => '')))
    if (files !== this.#files) return
    const found = texts.join('\0')
    const before = this.#known
    this.#known = found
    if (before !== undefined && before !== found) this.#onChange()
  }
}
