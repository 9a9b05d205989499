import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** In the state directory. It works without a reload, also over several gateways that share the directory. */
const name = 'brownout-pause.json'

export interface Pause {
  readonly since: number
  /** Infinity: until somebody ends it. */
  readonly until: number
}

/** Throws what the file system throws. */
export async function writePause(directory: string, { since, until }: Pause): Promise<void> {
  const file = join(directory, name)
  const end = until === Number.POSITIVE_INFINITY ? null : new Date(until).toISOString()
  const text = JSON.stringify({ since: new Date(since).toISOString(), until: end })
  await writeFile(`${file}.new`, `${text}\n`)
  await rename(`${file}.new`, file)
}

export async function endPause(directory: string): Promise<void> {
  await rm(join(directory, name), { force: true })
}

/** Undefined when there is none. Throws Error when the file says something else. */
export async function readPause(directory: string): Promise<Pause | undefined> {
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
  return { since, until }
}

/** Looked at for each login in a brownout, and read again when it has changed. */
export class PauseFile {
  readonly #directory: string | undefined
  readonly #warn: (message: string) => void
  #mark: string | undefined
  #until = 0

  constructor(directory: string | undefined, warn: (message: string) => void) {
    this.#directory = directory
    this.#warn = warn
  }

  /** Until when brownouts are paused; 0 for not at all. A file that nobody understands is one that somebody meant. */
  async until(): Promise<number> {
    if (this.#directory === undefined) return 0
    const file = join(this.#directory, name)
    const mark = await stat(file).then(
      ({ mtimeMs, ino, size }) => `${mtimeMs} ${ino} ${size}`,
      () => undefined,
    )
    if (mark === this.#mark) return this.#until
    this.#mark = mark
    this.#until = await readPause(this.#directory).then(
      (pause) => pause?.until ?? 0,
      (error: Error) => {
        this.#warn(`${file} cannot be understood (${error.message}): brownouts are paused until it is gone`)
        return Number.POSITIVE_INFINITY
      },
    )
    return this.#until
  }
}
