import { type PauseFile, type PauseState, pauseWords } from '../migration/pause-file.ts'
import type { AuditLog } from '../observe/audit-log.ts'
import type { Observer } from '../observe/observer.ts'

/** Logins ask the file themselves; this is for those who look at it afterwards. */
const lookMs = 5_000

export interface PauseWatchParts {
  readonly file: Pick<PauseFile, 'state'>
  readonly observer: Observer
  readonly audit: Pick<AuditLog, 'write'>
  readonly now: () => number
}

/** Tells when brownouts are paused and when they go on: by the verb, by who has put or removed the file, or by the time. */
export class PauseWatch {
  readonly #parts: PauseWatchParts
  #seen: PauseState = { until: 0 }
  #words = 'not paused'
  #timer: NodeJS.Timeout | undefined
  #looking: Promise<void> = Promise.resolve()

  constructor(parts: PauseWatchParts) {
    this.#parts = parts
  }

  /** What is so already when the gateway starts was told when it came. */
  async start(): Promise<void> {
    const { file, now } = this.#parts
    this.#seen = await file.state()
    this.#words = pauseWords(this.#seen.until, now())
    this.#timer = setInterval(() => void this.look(), lookMs)
    this.#timer.unref()
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#looking
  }

  /** Until when brownouts are paused, as far as was seen. */
  get until(): number {
    return this.#seen.until
  }

  look(): Promise<void> {
    this.#looking = this.#looking.then(() => this.#look())
    return this.#looking
  }

  async #look(): Promise<void> {
    const { file, observer, audit, now } = this.#parts
    const state = await file.state()
    const instant = now()
    const [before, after] = [this.#words, pauseWords(state.until, instant)]
    const over = state === this.#seen
    this.#seen = state
    if (before === after) return
    this.#words = after
    const { by, audited = false } = state
    const change = { before, after, cause: over ? 'time' : 'pause', ...(!over && by !== undefined && { by }) } as const
    observer({ kind: 'pause', ...change })
    if (over || !audited) audit.write({ time: new Date(instant), setting: 'brownouts', ...change })
  }
}
