import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loginHistory } from './login-history.ts'
import { dayAt, type Row } from './rows.ts'

/** What was recorded of the logins of partners. */
export interface RecordedLogins {
  /** When a partner has logged in, from one instant up to another, in milliseconds since 1970. */
  instants(partner: string, from: number, to: number): Promise<readonly number[]>
  /** How soon its clients usually come again after a login that failed, in milliseconds; undefined: nobody knows. */
  retryAfter(partner: string): Promise<number | undefined>
}

/** Logins of so long tell when a partner comes. */
export const recordedMs = 60 * 86_400_000

export const nothingRecorded: RecordedLogins = { instants: async () => [], retryAfter: async () => undefined }

export interface JournalLoginsParts {
  /** Where the journal is, and what is kept of it. */
  readonly directory: string
  readonly now: () => number
  readonly readRows: (directory: string, since: string) => Promise<readonly Row[]>
  /** The gateway keeps; whoever only looks does not. */
  readonly keeps: boolean
  readonly warn: (message: string) => void
}

interface Kept {
  readonly from: number
  readonly to: number
  readonly instants: readonly number[]
}

const name = 'brownout-logins.json'
/** What was read is good for so long: many partners are asked about at once. */
const freshMs = 60_000
/** Of one partner; where a window goes does not depend on more. */
const instantsMax = 5_000

/**
 * The logins in the journal. It forgets what is older than sixty days, but the windows of a partner follow from its logins
 * before the first brownout, and must stay where they are: those are kept in a file of their own once they are complete.
 */
export class JournalLogins implements RecordedLogins {
  readonly #parts: JournalLoginsParts
  #read: { readonly at: number; readonly since: string; readonly rows: Promise<readonly Row[]> } | undefined
  #turn: Promise<void> = Promise.resolve()

  constructor(parts: JournalLoginsParts) {
    this.#parts = parts
  }

  async instants(partner: string, from: number, to: number): Promise<readonly number[]> {
    const kept = (await this.#kept())[partner]
    if (kept?.from === from && kept.to === to) return kept.instants
    const rows = await this.#rows(dayAt(from))
    const all = rows.filter((row) => row.partner === partner).flatMap(({ usage }) => usage.logins)
    const instants = all
      .filter((login) => from <= login && login < to)
      .sort((a, b) => a - b)
      .slice(-instantsMax)
    if (this.#parts.keeps && to <= this.#parts.now()) await this.#keep(partner, { from, to, instants })
    return instants
  }

  async retryAfter(partner: string): Promise<number | undefined> {
    const { now } = this.#parts
    return loginHistory(await this.#rows(dayAt(now() - recordedMs))).retryAfter(partner)
  }

  #rows(since: string): Promise<readonly Row[]> {
    const { directory, now, readRows } = this.#parts
    const read = this.#read
    if (read && read.since <= since && Math.abs(now() - read.at) < freshMs) return read.rows
    const rows = readRows(directory, since).catch((error: Error) => {
      this.#read = undefined
      this.#parts.warn(`the journal of logins cannot be read: ${error.message}`)
      throw error
    })
    this.#read = { at: now(), since, rows }
    return rows
  }

  async #kept(): Promise<Readonly<Record<string, Kept>>> {
    try {
      return readKept(await readFile(join(this.#parts.directory, name), 'utf8'))
    } catch {
      // Nothing was kept yet, or it is lost: the journal may still have it.
      return {}
    }
  }

  #keep(partner: string, kept: Kept): Promise<void> {
    const file = join(this.#parts.directory, name)
    this.#turn = this.#turn.then(async () => {
      const all = { ...(await this.#kept()), [partner]: kept }
      await writeFile(`${file}.new`, `${JSON.stringify(all)}\n`)
      await rename(`${file}.new`, file)
    })
    this.#turn = this.#turn.catch((error: Error) => {
      this.#parts.warn(`the logins of ${partner} cannot be kept, so that its windows may move: ${error.message}`)
    })
    return this.#turn
  }
}

function readKept(text: string): Readonly<Record<string, Kept>> {
  const value: unknown = JSON.parse(text)
  const entries = typeof value === 'object' && value !== null ? Object.entries(value) : []
  return Object.fromEntries(entries.filter((entry): entry is [string, Kept] => isKept(entry[1])))
}

function isKept(value: unknown): value is Kept {
  if (typeof value !== 'object' || value === null || !('from' in value) || !('to' in value)) return false
  return 'instants' in value && Array.isArray(value.instants) && value.instants.every((each) => Number.isFinite(each))
}
