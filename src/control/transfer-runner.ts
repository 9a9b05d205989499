import { BackendError } from '../backend/backend.ts'
import type { Receiving, Sending } from '../commands/command.ts'
import type { DataChannel } from '../data/data-channel.ts'
import type { DataConnection } from '../data/data-connection.ts'
import { DataConnectionError } from '../data/data-error.ts'
import { receiveInto, sendContent } from '../data/transfer.ts'
import { fromNetworkLines } from '../ftp/ascii.ts'
import { printable } from '../ftp/bytes.ts'
import type { Dialect } from '../ftp/dialect.ts'
import { type Reply, reply } from '../ftp/reply.ts'
import type { Observer, TransferEvent } from '../observe/observer.ts'
import { isForeseen, replyTo } from './replies.ts'

/** What a transfer needs to know of its session. */
export interface TransferContext {
  readonly session: string
  readonly partner: string
  readonly user: string
  readonly address: string
  readonly protection: 'C' | 'P'
  readonly dialect: Dialect
  readonly declaredSize: number | undefined
}

export interface TransferSettings {
  readonly stallMs: number
  readonly observer: Observer
}

/** The transfer that is running, from its command to its final reply. */
interface Running {
  readonly verb: string
  path: string
  readonly startedAt: number
  readonly abort: AbortController
  connection: DataConnection | undefined
  /** `send` or `receive` has taken over from the handler that opens the file. */
  taken: boolean
  /** All bytes are here and are being committed: too late to abort. */
  completing: boolean
}

/** Runs one transfer at a time: 150, data connection, bytes, commit, and the reply with what became of it. */
export class TransferRunner {
  readonly #data: DataChannel
  readonly #settings: TransferSettings
  readonly #mark: (mark: Reply) => Promise<void>
  #running: Running | undefined
  /** The handler of the newest transfer command; a backend that hangs may keep it after its transfer was aborted. */
  #handler: Promise<unknown> = Promise.resolve()

  constructor(data: DataChannel, settings: TransferSettings, mark: (mark: Reply) => Promise<void>) {
    this.#data = data
    this.#settings = settings
    this.#mark = mark
  }

  /** Called when a transfer command begins, so that ABOR finds it before its file is open. */
  async begin(verb: string): Promise<void> {
    await this.#handler
    const abort = new AbortController()
    const startedAt = performance.now()
    this.#running = { verb, path: '', startedAt, abort, connection: undefined, taken: false, completing: false }
  }

  /**
   * The handler's reply, or `aborted` as soon as ABOR comes while the backend is still opening the file. What the backend
   * opens after that is closed again in the handler, which the next transfer waits for.
   */
  orAborted(handler: Promise<Reply>): Promise<Reply> {
    const running = this.#running
    this.#handler = handler.catch(() => {})
    if (!running) return handler
    const { signal } = running.abort
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        if (!running.taken) reject(new DataConnectionError('aborted', 'aborted while the file was being opened'))
      }
      signal.addEventListener('abort', onAbort)
      handler.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
    })
  }

  end(): void {
    if (!this.#running?.abort.signal.aborted) this.#running = undefined
  }

  /** Ends what can be ended; false when there is nothing, or when an upload is already being committed. */
  abort(): boolean {
    const running = this.#running
    if (!running || running.completing || running.abort.signal.aborted) return false
    running.abort.abort()
    return true
  }

  /** For STAT. */
  status(): string | undefined {
    const running = this.#running
    return running && `${running.verb} ${printable(running.path)}, ${running.connection?.bytes ?? 0} bytes so far`
  }

  async send(context: TransferContext, transfer: Sending): Promise<Reply> {
    const direction = transfer.verb === 'RETR' ? 'download' : 'listing'
    return this.#record(context, transfer, direction, async (running) => {
      const cancel = () => void transfer.cancel()
      running.abort.signal.addEventListener('abort', cancel)
      try {
        await this.#announce(running, transfer)
        const connection = await this.#open(running, context, 'download', () => true)
        const options = { stallMs: this.#settings.stallMs, signal: running.abort.signal }
        await sendContent(connection, transfer.content, options, (chunk) => transfer.recycle?.(chunk))
        return reply(226, 'Transfer complete.')
      } finally {
        running.abort.signal.removeEventListener('abort', cancel)
        await transfer.cancel()
      }
    })
  }

  async receive(context: TransferContext, transfer: Receiving): Promise<Reply> {
    const { upload, ascii } = transfer
    return this.#record(context, transfer, 'upload', async (running) => {
      try {
        await this.#announce(running, transfer)
        const acceptFin = (bytes: number) =>
          context.dialect.upload.endOfData === 'warn' || bytes === context.declaredSize
        const connection = await this.#open(running, context, 'upload', acceptFin)
        const options = { stallMs: this.#settings.stallMs, signal: running.abort.signal }
        await receiveInto(connection, upload, ascii ? fromNetworkLines : undefined, options)
        this.#checkDeclaredSize(context, connection, ascii)
        running.completing = true
        await upload.commit()
        return reply(226, transfer.done ?? 'Transfer complete.')
      } finally {
        await upload.abandon()
      }
    })
  }

  /** The 150, unless ABOR came while the file was being opened. */
  async #announce(running: Running, { mark }: Sending | Receiving): Promise<void> {
    if (running.abort.signal.aborted) throw new DataConnectionError('aborted', 'aborted before it began')
    await this.#mark(reply(150, mark))
  }

  async #open(
    running: Running,
    { protection, dialect }: TransferContext,
    direction: 'upload' | 'download',
    acceptFin: (bytes: number) => boolean,
  ): Promise<DataConnection> {
    const { signal } = running.abort
    const connection = await this.#data.open({
      direction,
      protection,
      reuse: dialect.tls.sessionReuse,
      acceptFin,
      signal,
    })
    running.connection = connection
    return connection
  }

  /** ALLO is the only word a client has about how much is coming; what does not fit it is not stored. */
  #checkDeclaredSize({ declaredSize }: TransferContext, { bytes }: DataConnection, ascii: boolean): void {
    if (declaredSize === undefined || ascii || declaredSize === bytes) return
    throw new DataConnectionError('wrongSize', `ALLO declared ${declaredSize} bytes, ${bytes} came`)
  }

  /** Runs the work, turns a failure into its reply, and tells the observer either way, before the reply is sent. */
  async #record(
    context: TransferContext,
    transfer: Sending | Receiving,
    direction: TransferEvent['direction'],
    work: (running: Running) => Promise<Reply>,
  ): Promise<Reply> {
    const running = this.#running
    if (!running) throw new Error('a transfer outside of a transfer command')
    running.path = transfer.path
    running.taken = true
    let answer: Reply
    let error: unknown
    try {
      answer = await work(running)
    } catch (cause) {
      error = running.abort.signal.aborted ? new DataConnectionError('aborted', 'aborted by ABOR', { cause }) : cause
      answer = replyTo(error, 'transfer')
    }
    this.#tell(context, transfer, direction, running, answer.code, error)
    return answer
  }

  #tell(
    { session, partner, user, address }: TransferContext,
    transfer: Sending | Receiving,
    direction: TransferEvent['direction'],
    { connection, startedAt }: Running,
    code: number,
    error: unknown,
  ): void {
    this.#settings.observer({
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
      ...(connection?.tls !== undefined && { tls: connection.tls }),
      ...(connection?.reused !== undefined && { reused: connection.reused }),
      ...('upload' in transfer && transfer.upload.inPlace && { inPlace: true }),
      ...(error instanceof Error && { reason: error.message }),
    })
    if (error !== undefined && !isForeseen(error)) this.#settings.observer({ kind: 'bug', error, session })
  }
}

function outcomeOf(error: unknown): TransferEvent['outcome'] {
  if (error === undefined) return 'ok'
  if (error instanceof BackendError) return 'backend_error'
  if (!(error instanceof DataConnectionError)) return 'gateway_error'
  if (error.failure === 'aborted') return 'client_abort'
  return error.failure === 'truncated' || error.failure === 'wrongSize' ? 'truncated' : 'data_error'
}
