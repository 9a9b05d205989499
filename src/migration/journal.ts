import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Event, Observer } from '../observe/observer.ts'
import { compacted, dayAt, lineOfRow, merged, type Row, rowsOf } from './rows.ts'
import { joined, noUsage, type Usage } from './usage.ts'
import { UsageRecorder } from './usage-recorder.ts'

export interface JournalSettings {
  /** `state.directory`; made by whoever has read the configuration. */
  readonly directory: string
  /** Different for replicas that share the directory: a word for a file name. */
  readonly instance: string
  readonly now: () => number
  readonly observer: Observer
  /** How long what has come waits before it is written; 0: until `flush`. */
  readonly everyMs?: number
  /** A file that has grown so far is written anew, in as few lines as it takes. */
  readonly compactAtBytes?: number
  readonly bytesMax?: number
}

const folder = 'journal'
export const daysKept = 60
const dayMs = 86_400_000

/** The first day that counts, so many days back. */
export function firstDay(now: number, days: number): string {
  return dayAt(now - days * dayMs)
}

/**
 * What partners do, in a file of this instance: lines are added to it, and once it is long it is replaced by one that says
 * the same in less. Nobody waits for the disk, and what cannot be written now is written later.
 */
export class Journal {
  readonly #settings: JournalSettings
  readonly #file: string
  readonly #recorder: UsageRecorder
  readonly #others: readonly Row[]
  readonly #othersNewest = new Map<string, Usage['highest']>()
  readonly #since: number
  readonly #timer: NodeJS.Timeout | undefined
  #handle: FileHandle
  #bytes: number
  #snapshotBytes: number
  #failing = false
  #turn: Promise<void> = Promise.resolve()

  private constructor(settings: JournalSettings, opened: Opened) {
    const { everyMs = 10_000 } = settings
    this.#settings = settings
    this.#file = fileOf(settings)
    this.#recorder = new UsageRecorder(settings.now, opened.rows)
    this.#others = opened.others
    for (const { partner, usage } of opened.others) {
      const known = { ...noUsage, highest: this.#othersNewest.get(partner) ?? {} }
      this.#othersNewest.set(partner, joined(known, usage).highest)
    }
    const days = [...opened.rows, ...opened.others].map(({ day }) => Date.parse(day))
    this.#since = days.reduce((first, day) => Math.min(first, day), settings.now())
    this.#handle = opened.handle
    this.#bytes = opened.bytes
    this.#snapshotBytes = opened.bytes
    this.#timer = everyMs > 0 ? setInterval(() => void this.flush(), everyMs) : undefined
    this.#timer?.unref()
  }

  /** Reads what is there, its own and that of other instances. Throws what the file system throws. */
  static async open(settings: JournalSettings): Promise<Journal> {
    const { directory, now, bytesMax = defaultBytesMax } = settings
    await mkdir(join(directory, folder), { recursive: true, mode: 0o700 })
    const file = fileOf(settings)
    const since = firstDay(now(), daysKept)
    const text = compacted(rowsOf(await readIfThere(file)), since, bytesMax)
    const handle = await replace(file, text)
    await forgetOld(directory, now(), file)
    const others = await readJournals(directory, { since, except: file })
    return new Journal(settings, { rows: rowsOf(text), others, handle, bytes: Buffer.byteLength(text) })
  }

  readonly observer: Observer = (event: Event) => this.#recorder.see(event)

  /** All that is known: what this instance has seen until now, and what others had written when it started. */
  rows(): readonly Row[] {
    const untold = this.#recorder.take()
    this.#recorder.giveBack(untold)
    const since = firstDay(this.#settings.now(), daysKept)
    return merged([...this.#others, ...this.#recorder.rows(since)], since)
  }

  /** The newest times of a partner, those that others had written when this one started among them. */
  newestOf(partner: string): Usage['highest'] {
    const others = { ...noUsage, highest: this.#othersNewest.get(partner) ?? {} }
    return joined(others, { ...noUsage, highest: this.#recorder.newestOf(partner) }).highest
  }

  /** The first day of which anything is known, as a time. */
  get since(): number {
    return this.#since
  }

  /** Writes what has come; never rejects. */
  flush(): Promise<void> {
    this.#turn = this.#turn.then(() => this.#write())
    return this.#turn
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.flush()
    await this.#handle.close()
  }

  async #write(): Promise<void> {
    const rows = this.#recorder.take()
    if (rows.length === 0) return
    try {
      await this.#append(rows)
      const { compactAtBytes = 4 * 1024 * 1024 } = this.#settings
      if (this.#bytes > compactAtBytes && this.#bytes > 2 * this.#snapshotBytes) await this.#compact()
      this.#failing = false
    } catch (error) {
      this.#failed(error)
    }
  }

  async #append(rows: readonly Row[]): Promise<void> {
    try {
      const bytes = Buffer.from(rows.map(lineOfRow).join(''))
      await writeWhole(this.#handle, bytes)
      this.#bytes += bytes.length
    } catch (error) {
      this.#recorder.giveBack(rows)
      // Lines that have found room would be there twice after the next try.
      await this.#handle.truncate(this.#bytes).catch(() => {})
      throw error
    }
  }

  async #compact(): Promise<void> {
    const { now, bytesMax = defaultBytesMax } = this.#settings
    const since = firstDay(now(), daysKept)
    // It is in the rows as well, and would be written twice.
    const untold = this.#recorder.take()
    try {
      const text = compacted(this.#recorder.rows(since), since, bytesMax)
      const handle = await replace(this.#file, text)
      await this.#handle.close()
      this.#handle = handle
      this.#bytes = Buffer.byteLength(text)
      this.#snapshotBytes = this.#bytes
    } catch (error) {
      this.#recorder.giveBack(untold)
      throw error
    }
  }

  /** Told once until it works again. */
  #failed(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error)
    const message = `the journal of what partners do cannot be written: ${reason}; it will be tried again`
    if (!this.#failing) this.#settings.observer({ kind: 'warning', topic: 'journal', message })
    this.#failing = true
  }
}

interface Opened {
  readonly rows: readonly Row[]
  readonly others: readonly Row[]
  readonly handle: FileHandle
  readonly bytes: number
}

const defaultBytesMax = 64 * 1024 * 1024

function fileOf({ directory, instance }: JournalSettings): string {
  return join(directory, folder, `usage-${instance.replace(/[^\w.-]/g, '_')}.jsonl`)
}

/** The rows of all instances that have written into a state directory; a folder that is not there has none. */
export async function readJournals(
  directory: string,
  { since, except }: { readonly since: string; readonly except?: string },
): Promise<readonly Row[]> {
  const names = await readdir(join(directory, folder)).catch(noneIfMissing<string[]>([]))
  const rows: Row[] = []
  for (const name of names.filter((one) => /^usage-.*\.jsonl$/.test(one))) {
    const file = join(directory, folder, name)
    if (file !== except) rows.push(...rowsOf(await readIfThere(file)))
  }
  return merged(rows, since)
}

/** Containers have another name after each start: what they have left is removed once all of it is too old. */
async function forgetOld(directory: string, now: number, own: string): Promise<void> {
  for (const name of await readdir(join(directory, folder))) {
    const file = join(directory, folder, name)
    if (!/^usage-.*\.jsonl$/.test(name) || file === own) continue
    if ((await stat(file)).mtimeMs < now - (daysKept + 1) * dayMs) await rm(file, { force: true })
  }
}

function readIfThere(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(noneIfMissing(''))
}

function noneIfMissing<V>(none: V): (error: NodeJS.ErrnoException) => V {
  return (error) => {
    if (error.code === 'ENOENT') return none
    throw error
  }
}

/** Puts a text in the place of a file, all at once, and returns the file open at its end. */
async function replace(file: string, text: string): Promise<FileHandle> {
  const fresh = `${file}.new`
  await rm(fresh, { force: true })
  const handle = await open(fresh, 'ax', 0o600)
  try {
    await writeWhole(handle, Buffer.from(text))
    await handle.sync()
    await rename(fresh, file)
    return handle
  } catch (error) {
    await handle.close()
    throw error
  }
}

async function writeWhole(handle: FileHandle, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await handle.write(bytes, at)).bytesWritten
}
