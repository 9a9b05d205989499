import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** In the state directory. It works without a reload, also over several gateways that share the directory. */
const name = 'brownout-pause.json'

export interface Pause extends Change {
  readonly since: number
  /** Infinity: until somebody ends it. */
  readonly until: number
}

/** Who has written the file, and whether that is in the audit log already. */
export interface Change {
  readonly by?: string
  readonly audited?: boolean
}

/** Throws what the file system throws. */
export async function writePause(directory: string, { since, until, by, audited }: Pause): Promise<void> {
  const file = join(directory, name)
  const end = until === Number.POSITIVE_INFINITY ? null : new Date(until).toISOString()
  const text = JSON.stringify({ since: new Date(since).toISOString(), until: end, by, audited })
  await writeFile(`${file}.new`, `${text}\n`)
  await rename(`${file}.new`, file)
}

/** With the time and who it was, the file says so; a pause that lasts no time is none. */
export async function endPause(directory: string, change?: Change & { readonly at: number }): Promise<void> {
  if (change === undefined) return rm(join(directory, name), { force: true })
  await writePause(directory, { ...change, since: change.at, until: change.at })
}

/** Undefined when there is none. Throws Error when the file says something else. */
export async function readPause(directory: string): Promise<Pause | undefined> {
  const pause = await readLast(directory)
  return pause === undefined || pause.until <= pause.since ? undefined : pause
}

async function readLast(directory: string): Promise<Pause | undefined> {
  const text = await readFile(join(directory, name), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  return text === undefined ? undefined : pauseOf(text)
}

function pauseOf(text: string): Pause {
  const value: unknown = JSON.parse(text)
  if (typeof value !== 'object' || value === null || !('since' in value) || !('until' in value))
    throw new Error('it has no since and until')
  const [since, until] = [
    Date.parse(String(value.since)),
    value.until === null ? Infinity : Date.parse(String(value.until)),
  ]
  if (Number.isNaN(since) || Number.isNaN(until)) throw new Error('since or until is no time')
  const by = 'by' in value && typeof value.by === 'string' ? { by: value.by } : {}
  return { since, until, ...by, ...('audited' in value && value.audited === true && { audited: true }) }
}

/** What the file says. */
export interface PauseState extends Change {
  /** 0 for no pause. */
  readonly until: number
}

const none: PauseState = { until: 0 }

/** Looked at for each login in a brownout, and read again when it has changed. */
export class PauseFile {
  readonly #directory: string | undefined
  readonly #warn: (message: string) => void
  #mark: string | undefined
  #state = none

  constructor(directory: string | undefined, warn: (message: string) => void) {
    this.#directory = directory
    this.#warn = warn
  }

  /** Until when brownouts are paused; 0 for not at all. */
  async until(): Promise<number> {
    return (await this.state()).until
  }

  /** A file that nobody understands is one that somebody meant. */
  async state(): Promise<PauseState> {
    if (this.#directory === undefined) return none
    const file = join(this.#directory, name)
    const mark = await stat(file).then(
      ({ mtimeMs, ino, size }) => `${mtimeMs} ${ino} ${size}`,
      () => undefined,
    )
    if (mark === this.#mark) return this.#state
    this.#mark = mark
    this.#state = await readLast(this.#directory).then(
      (pause) => (pause === undefined ? none : { ...pause, until: pause.until <= pause.since ? 0 : pause.until }),
      (error: Error) => {
        this.#warn(`${file} cannot be understood (${error.message}): brownouts are paused until it is gone`)
        return { until: Number.POSITIVE_INFINITY }
      },
    )
    return this.#state
  }
}

/** For the audit log and for people: what a pause is at an instant. */
export function pauseWords(until: number, now: number): string {
  if (until <= now) return 'not paused'
  return until === Number.POSITIVE_INFINITY
    ? 'paused until it is ended'
    : `paused until ${new Date(until).toISOString()}`
}
