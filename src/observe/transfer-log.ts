import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import type { Observer, TransferRecord, TransferRecords } from './observer.ts'
import { type TransferFormat, transferLine } from './transfer-lines.ts'

export interface TransferLogSettings {
  /** Absolute. */
  readonly file: string
  readonly format: TransferFormat
}

/** Records that may wait for a slow disk; sessions wait for theirs, so that there are hardly ever more than sessions. */
const waitingMax = 10_000
/** A disk that hangs costs the record, not the client's reply. */
const patienceMs = 10_000
/** Without O_NONBLOCK the open of a pipe that nobody reads would never return. */
const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK

interface Target extends TransferLogSettings {
  handle: FileHandle
  /** The file ends with a piece of a line. */
  torn: boolean
}

/**
 * The file with a line for each transfer. Lines are written one after the other, each in one piece at the end of the file.
 * What cannot be written is told to the observer and lost.
 */
export class TransferLog implements TransferRecords {
  readonly #observer: Observer
  readonly #patienceMs: number
  #target: Target | undefined
  #turn: Promise<void> = Promise.resolve()
  #waiting = 0

  constructor(observer: Observer, patience = patienceMs) {
    this.#observer = observer
    this.#patienceMs = patience
  }

  get on(): boolean {
    return this.#target !== undefined
  }

  /** Opens the file, also the same one again, which may be another by now; undefined: no more records. Throws what `open` throws. */
  async use(settings: TransferLogSettings | undefined): Promise<void> {
    const next = settings && { ...settings, handle: await openAtEnd(settings.file), torn: false }
    const before = this.#target
    this.#target = next
    // Behind what still waits for the file; what its close says is of no use to anybody.
    this.#afterwards(async () => before?.handle.close()).catch(() => {})
  }

  async write(record: TransferRecord): Promise<void> {
    const target = this.#target
    if (!target) return
    if (this.#waiting >= waitingMax) return this.#lost(record, `${waitingMax} records wait for the disk`)
    const patience = new AbortController()
    const done = this.#afterwards(async () => {
      // It has been given up, and told so.
      if (!patience.signal.aborted) await append(target, record)
    })
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        patience.abort()
        reject(new Error(`not written within ${this.#patienceMs} ms`))
      }, this.#patienceMs)
    })
    try {
      await Promise.race([done, late])
    } catch (error) {
      this.#lost(record, error instanceof Error ? error.message : String(error))
    } finally {
      clearTimeout(timer)
    }
  }

  /** Resolves when what waits is written and the file is closed. */
  async close(): Promise<void> {
    await this.use(undefined)
    await this.#turn
  }

  /** Runs a job when all before it are done; a job that fails stops none behind it. */
  #afterwards(job: () => Promise<void>): Promise<void> {
    this.#waiting++
    const done = this.#turn.then(job)
    this.#turn = done
      .catch(() => {})
      .finally(() => {
        this.#waiting--
      })
    return done
  }

  #lost({ session, partner, path }: TransferRecord, reason: string): void {
    this.#observer({ kind: 'transferRecordLost', session, partner, path, reason })
  }
}

async function append(target: Target, record: TransferRecord): Promise<void> {
  await reopenRemoved(target)
  const line = transferLine(record, target.format)
  // What was left of the line before stays a line of its own.
  const bytes = Buffer.from(target.torn ? `\n${line}` : line)
  for (let at = 0; at < bytes.length; ) {
    const { bytesWritten } = await target.handle.write(bytes, at)
    if (bytesWritten === 0) throw new Error('the system takes no bytes')
    at += bytesWritten
    target.torn = at < bytes.length
  }
}

function openAtEnd(file: string): Promise<FileHandle> {
  return open(file, flags, 0o640)
}

/** What is written to a file without a name is lost for everybody. A renamed one is being rotated, and a signal will follow. */
async function reopenRemoved(target: Target): Promise<void> {
  const { nlink } = await target.handle.stat()
  if (nlink > 0) return
  const fresh = await openAtEnd(target.file)
  const removed = target.handle
  target.handle = fresh
  target.torn = false
  await removed.close()
}
