import type { DataConnection } from './data-connection.ts'
import { DataConnectionError } from './data-error.ts'
import type { Pace } from './pace.ts'

const looksPerStall = 4

export interface TransferOptions {
  /** A client that neither takes nor gives a byte for so long has stalled; waiting for the backend does not count. */
  readonly stallMs: number
  readonly signal: AbortSignal
  /** Where the bytes may not pass as fast as they can. */
  readonly pace?: Pace | undefined
}

export interface ProgressWatch {
  /** Rejects with DataConnectionError `stalled` or `aborted`; never resolves. */
  readonly failed: Promise<never>
  /** Says whether the transfer waits for the client; other waits do not count as a stall. At first it does. */
  clientTurn(yes: boolean): void
  stop(): void
}

/**
 * Watches that bytes move, and for the abort signal. Looks now and then instead of setting a timer for each chunk, so
 * a stall is found within one and a quarter of `stallMs`, at no cost while all is well.
 */
export function watchProgress(connection: DataConnection, { stallMs, signal }: TransferOptions): ProgressWatch {
  let fail: (error: DataConnectionError) => void = () => {}
  const failed = new Promise<never>((_resolve, reject) => {
    fail = reject
  })
  failed.catch(() => {})
  const onAbort = () => fail(new DataConnectionError('aborted', 'the transfer was aborted'))
  signal.addEventListener('abort', onAbort)
  if (signal.aborted) onAbort()

  let waiting = true
  let seen = ''
  let still = 0
  const look = async () => {
    const now = `${connection.bytes} ${connection.unsent} ${waiting ? await connection.inSystem() : ''}`
    still = waiting && now === seen ? still + 1 : 0
    seen = now
    if (still < looksPerStall) return
    fail(new DataConnectionError('stalled', `nothing moved for ${stallMs} ms after ${connection.bytes} bytes`))
  }
  const timer = setInterval(() => void look(), stallMs / looksPerStall)
  return {
    failed,
    clientTurn: (yes) => {
      waiting = yes
    },
    stop: () => {
      clearInterval(timer)
      signal.removeEventListener('abort', onAbort)
    },
  }
}
