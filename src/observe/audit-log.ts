import { appendFile } from 'node:fs/promises'
import type { Observer } from './observer.ts'

/** What changed for a partner, and why. */
export interface AuditRecord {
  readonly time: Date
  readonly partner: string
  /** Undefined: nobody knows; a partner that is new or gone has no phase. */
  readonly before: string | undefined
  readonly after: string | undefined
  readonly cause: string
}

/** The file with a JSON line for each change of a phase. It is opened for each of the few lines, so that it can be rotated. */
export class AuditLog {
  readonly #observer: Observer
  #turn: Promise<void> = Promise.resolve()
  /** Undefined: nothing is written. */
  file: string | undefined

  constructor(file: string | undefined, observer: Observer) {
    this.file = file
    this.#observer = observer
  }

  write({ time, partner, before, after, cause }: AuditRecord): void {
    const { file } = this
    if (file === undefined) return
    const line = JSON.stringify({ time: time.toISOString(), partner, before, after, cause })
    this.#turn = this.#turn
      .then(() => appendFile(file, `${line}\n`, { mode: 0o640 }))
      .catch((error: Error) => {
        const message = `logging.audit.path: a line about partner ${partner} cannot be written: ${error.message}`
        this.#observer({ kind: 'warning', topic: 'audit', message })
      })
  }

  /** Resolves when what waits is written. */
  async flush(): Promise<void> {
    await this.#turn
  }
}
