import { appendFile } from 'node:fs/promises'
import type { Observer } from './observer.ts'

/** What changed for a partner, or for all of them, and why. */
export interface AuditRecord {
  readonly time: Date
  /** Left out of what is for all. */
  readonly partner?: string
  /** What changed, where it is not the phase of a partner. */
  readonly setting?: string
  /** Undefined: nobody knows; a partner that is new or gone has no phase. */
  readonly before: string | undefined
  readonly after: string | undefined
  readonly cause: string
  /** Who did it, where somebody is known. */
  readonly by?: string
}

/** The file with a JSON line for each change of a phase, and of what is about phases. It is opened for each of the few lines, so that it can be rotated. */
export class AuditLog {
  readonly #observer: Observer
  #turn: Promise<void> = Promise.resolve()
  /** Undefined: nothing is written. */
  file: string | undefined

  constructor(file: string | undefined, observer: Observer) {
    this.file = file
    this.#observer = observer
  }

  write({ time, partner, setting, before, after, cause, by }: AuditRecord): void {
    const { file } = this
    if (file === undefined) return
    const line = JSON.stringify({ time: time.toISOString(), partner, setting, before, after, cause, by })
    this.#turn = this.#turn
      .then(() => appendFile(file, `${line}\n`, { mode: 0o640 }))
      .catch((error: Error) => {
        const message = `logging.audit.path: a line about ${partner === undefined ? setting : `partner ${partner}`} cannot be written: ${error.message}`
        this.#observer({ kind: 'warning', topic: 'audit', message })
      })
  }

  /** Resolves when what waits is written. */
  async flush(): Promise<void> {
    await this.#turn
  }
}
