import { createHash } from 'node:crypto'
import { BackendError } from '../backend/backend.ts'
import type { Receiving, Sending, Session } from '../commands/command.ts'
import type { DataConnection } from '../data/data-connection.ts'
import { DataConnectionError, type DataFailure } from '../data/data-error.ts'
import type { Pace } from '../data/pace.ts'
import type { ByteString } from '../ftp/bytes.ts'
import type { Dialect } from '../ftp/dialect.ts'
import type { TransferEvent, TransferRecord, TransferStart } from '../observe/observer.ts'
import { Answered } from './answered.ts'

/** What a transfer needs to know of its session. */
export interface TransferContext {
  readonly session: string
  readonly listener: string
  readonly partner: string
  readonly user: string
  readonly address: string
  readonly protection: 'C' | 'P'
  readonly dialect: Dialect
  readonly declaredSize: number | undefined
  readonly type: 'A' | 'I' | 'E'
  /** Level of MODE Z; undefined in MODE S. */
  readonly compression: number | undefined
  /** Where REST or RANG has it begin, and whether one of them was given. */
  readonly offset: number
  readonly ofPart: boolean
  /** How fast bytes may come and go, where that is limited. */
  readonly upload?: Pace | undefined
  readonly download?: Pace | undefined
}

type Known = 'id' | 'dialect' | 'protection' | 'declaredSize' | 'clientAddress' | 'restartAt' | 'range' | 'type'

/** What is known of a session that begins a transfer. */
export interface Beginning extends Pick<Session, Known | 'mode' | 'compressionLevel'> {
  readonly listener: { readonly name: string }
  readonly partner: string
  readonly user: { readonly name: ByteString } | undefined
}

export function contextOf(
  beginning: Beginning,
  { upload, download }: Pick<TransferContext, 'upload' | 'download'>,
): TransferContext {
  const { id: session, partner, dialect, protection, declaredSize, clientAddress: address, restartAt } = beginning
  const { range, type, mode, compressionLevel } = beginning
  const user = beginning.user?.name ?? ''
  // The declared size is that of the whole file where a client resumes; only without REST is it that of the upload.
  const ofUpload = restartAt > 0 ? undefined : declaredSize
  const compression = mode === 'Z' ? compressionLevel : undefined
  const part = { offset: range?.start ?? restartAt, ofPart: range !== undefined || restartAt > 0 }
  const about = { session, listener: beginning.listener.name, partner, user, address, type }
  return { ...about, ...part, upload, download, dialect, protection, compression, declaredSize: ofUpload }
}

/** The transfer that is running, from its command to its final reply. */
export interface Running {
  readonly verb: string
  path: string
  readonly startedAt: number
  readonly abort: AbortController
  connection: DataConnection | undefined
  /** Bytes of a compressed upload, as it is stored. */
  inflatedBytes: number | undefined
  /** What an upload has stored, where somebody wants to know. */
  stored: StoredBytes | undefined
  /** `send` or `receive` has taken over from the handler that opens the file. */
  taken: boolean
  /** All bytes are here and are being committed: too late to abort. */
  completing: boolean
  /** Its record is written. */
  recorded: boolean
}

/** What a transfer moves; what an old server does with it, nobody knows. */
export type Named = Sending | Receiving | { readonly verb: string; readonly path: ByteString }
export type Direction = TransferEvent['direction']

/** Counts and hashes bytes. */
export class StoredBytes {
  readonly #hash = createHash('sha256')
  #bytes = 0

  add(bytes: Buffer): void {
    this.#hash.update(bytes)
    this.#bytes += bytes.length
  }
  /** To be called once. */
  sum(): { readonly bytes: number; readonly sha256: string } {
    return { bytes: this.#bytes, sha256: this.#hash.digest('hex') }
  }
}

/** How a transfer has ended; no error: well. */
export interface Ended {
  readonly code: number
  readonly error: unknown
}

export function startOf(
  { session, partner, user, address }: TransferContext,
  { verb, path }: Named,
  direction: Direction,
  running: Running,
): TransferStart {
  const about = { session, partner, user, address, verb, path, direction }
  return { kind: 'transferStarted', ...about, bytes: () => running.connection?.bytes ?? 0 }
}

export function eventOf(
  { session, partner, user, address }: TransferContext,
  transfer: Named,
  direction: Direction,
  { connection, startedAt, inflatedBytes }: Running,
  { code, error }: Ended,
): TransferEvent {
  return {
    kind: 'transfer',
    session,
    partner,
    user,
    address,
    verb: transfer.verb,
    path: transfer.path,
    direction,
    bytes: connection?.bytes ?? 0,
    seconds: (performance.now() - startedAt) / 1000,
    outcome: outcomeOf(error),
    code,
    ...(direction === 'upload' && { endOfData: connection?.endOfData ?? 'none' }),
    ...(inflatedBytes !== undefined && { inflatedBytes }),
    ...(connection?.tls !== undefined && { tls: connection.tls }),
    ...(connection?.reused !== undefined && { reused: connection.reused }),
    ...('upload' in transfer && transfer.upload.inPlace && { inPlace: true }),
    ...(error instanceof Error && { reason: error.message }),
  }
}

/** `refused`: the backend or the policy said no before the transfer could begin. */
export function recordOf(
  { session, listener, partner, user, address, type, compression, offset, ofPart }: TransferContext,
  { verb, connection, startedAt, stored }: Running,
  path: ByteString,
  outcome: TransferRecord['outcome'],
  code: number,
): TransferRecord {
  const [end, seconds] = [new Date(), (performance.now() - startedAt) / 1000]
  return {
    start: new Date(end.getTime() - Math.round(seconds * 1000)),
    end,
    seconds,
    session,
    partner,
    user,
    address,
    listener,
    verb,
    path,
    bytes: connection?.bytes ?? 0,
    ...(stored && { stored: stored.sum() }),
    outcome,
    code,
    whole: outcome === 'ok' && !ofPart && verb !== 'APPE',
    offset,
    type,
    mode: compression === undefined ? 'S' : 'Z',
    ...(connection && { data: protectionOf(connection) }),
  }
}

function protectionOf({ tls, cipher, reused }: DataConnection): NonNullable<TransferRecord['data']> {
  return tls === undefined ? 'plain' : { version: tls, cipher: cipher ?? 'unknown', reused: reused ?? false }
}

const incomplete: ReadonlySet<DataFailure> = new Set(['truncated', 'wrongSize', 'corrupt'])

export function outcomeOf(error: unknown): TransferEvent['outcome'] {
  if (error === undefined) return 'ok'
  if (error instanceof Answered) return outcomeOf(error.cause)
  if (error instanceof BackendError) return 'backend_error'
  if (!(error instanceof DataConnectionError)) return 'gateway_error'
  if (error.failure === 'aborted') return 'client_abort'
  return incomplete.has(error.failure) ? 'truncated' : 'data_error'
}
