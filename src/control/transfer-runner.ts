import { BackendError } from '../backend/backend.ts'
import type { Receiving, Sending } from '../commands/command.ts'
import { deflated, inflated } from '../data/compression.ts'
import type { DataChannel } from '../data/data-channel.ts'
import type { DataConnection } from '../data/data-connection.ts'
import { DataConnectionError, type DataFailure } from '../data/data-error.ts'
import { receiveInto, sendContent } from '../data/transfer.ts'
import { type ByteString, fromText, printable } from '../ftp/bytes.ts'
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
  /** Level of MODE Z; undefined in MODE S. */
  readonly compression: number | undefined
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
  /** Bytes of a compressed upload, as it is stored. */
  inflatedBytes: number | undefined
  /** `send` or `receive` has taken over from the handler that opens the file. */
  taken: boolean
  /** All bytes are here and are being committed: too late to abort. */
  completing: boolean
}

type Bytes = AsyncIterable<Buffer>
type Decoding = (source: Bytes) => Bytes

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
    const nothingYet = { connection: undefined, inflatedBytes: undefined, taken: false, completing: false }
    this.#running = { verb, path: '', startedAt, abort, ...nothingYet }
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
  status(): ByteString | undefined {
    const running = this.#running
    const path = fromText(printable(running?.path ?? ''))
    return running && `${running.verb} ${path}, ${running.connection?.bytes ?? 0} bytes so far`
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
        const content = transfer.text ? this.#watchText(context, transfer, transfer.content) : transfer.content
        if (context.compression !== undefined) {
          await sendContent(connection, deflated(content, context.compression), options)
        } else {
          await sendContent(connection, content, options, (chunk) => transfer.recycle?.(chunk))
        }
        return reply(226, 'Transfer complete.')
      } finally {
        running.abort.signal.removeEventListener('abort', cancel)
        await transfer.cancel()
      }
    })
  }

  async receive(context: TransferContext, transfer: Receiving): Promise<Reply> {
    const { upload } = transfer
    return this.#record(context, transfer, 'upload', async (running) => {
      try {
        await this.#announce(running, transfer)
        // The size that ALLO declares is that of the file, so it says nothing about the bytes of MODE Z.
        const acceptFin = (bytes: number) =>
          context.dialect.upload.endOfData === 'warn' ||
          (context.compression === undefined && bytes === context.declaredSize)
        const connection = await this.#open(running, context, 'upload', acceptFin)
        const options = { stallMs: this.#settings.stallMs, signal: running.abort.signal }
        await receiveInto(connection, upload, this.#decoding(running, context, transfer), options)
        if (transfer.convert === undefined) this.#checkDeclaredSize(context, running.inflatedBytes ?? connection.bytes)
        running.completing = true
        await upload.commit()
        return reply(226, transfer.done ?? 'Transfer complete.')
      } catch (error) {
        // Where the bytes on the way are not those that are stored, the client could not tell where to go on.
        const same = transfer.convert === undefined && context.compression === undefined
        const continuable = same && (running.abort.signal.aborted || canContinue(error))
        await upload.abandon(continuable ? 'bytes' : 'trace')
        throw error
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

  /** What makes a file of the bytes that come; undefined when they are the file. */
  #decoding(running: Running, context: TransferContext, transfer: Receiving): Decoding | undefined {
    const { convert } = transfer
    const decode = convert && ((bytes: Bytes) => convert(this.#watchText(context, transfer, bytes)))
    if (context.compression === undefined) return decode
    running.inflatedBytes = 0
    const count = (bytes: number) => {
      running.inflatedBytes = (running.inflatedBytes ?? 0) + bytes
    }
    return (source) => (decode ? decode(inflated(source, count)) : inflated(source, count))
  }

  /** The same bytes. No text has a NUL in it: whoever transfers one as text has most probably got a file damaged. */
  async *#watchText({ session, user }: TransferContext, { verb, path }: Sending | Receiving, bytes: Bytes) {
    let told = false
    for await (const chunk of bytes) {
      if (!told && chunk.includes(0)) {
        told = true
        const message = `${verb} ${printable(path)} by ${printable(user)}: a file with NUL bytes is transferred as text (TYPE A or E) and is most probably damaged by that; its client should send TYPE I, or set ascii.convert: false for it`
        this.#settings.observer({ kind: 'warning', topic: 'text.binary', message, session })
      }
      yield chunk
    }
  }

  /** ALLO is the only word a client has about how much is coming; what does not fit it is not stored. */
  #checkDeclaredSize({ declaredSize }: TransferContext, bytes: number): void {
    if (declaredSize === undefined || declaredSize === bytes) return
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
    { connection, startedAt, inflatedBytes }: Running,
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
      ...(inflatedBytes !== undefined && { inflatedBytes }),
      ...(connection?.tls !== undefined && { tls: connection.tls }),
      ...(connection?.reused !== undefined && { reused: connection.reused }),
      ...('upload' in transfer && transfer.upload.inPlace && { inPlace: true }),
      ...(error instanceof Error && { reason: error.message }),
    })
    if (error !== undefined && !isForeseen(error)) this.#settings.observer({ kind: 'bug', error, session })
  }
}

const incomplete: ReadonlySet<DataFailure> = new Set(['truncated', 'wrongSize', 'corrupt'])

/** Whether the client may send the rest: what came until then is the beginning of its file. */
function canContinue(error: unknown): boolean {
  if (error instanceof BackendError) return error.kind === 'unavailable'
  return error instanceof DataConnectionError && error.failure !== 'wrongSize' && error.failure !== 'corrupt'
}

function outcomeOf(error: unknown): TransferEvent['outcome'] {
  if (error === undefined) return 'ok'
  if (error instanceof BackendError) return 'backend_error'
  if (!(error instanceof DataConnectionError)) return 'gateway_error'
  if (error.failure === 'aborted') return 'client_abort'
  return incomplete.has(error.failure) ? 'truncated' : 'data_error'
}
