import { BackendError } from '../backend/backend.ts'
import type { Receiving, Sending } from '../commands/command.ts'
import { deflated, inflated } from '../data/compression.ts'
import type { DataChannel } from '../data/data-channel.ts'
import type { DataConnection } from '../data/data-connection.ts'
import { DataConnectionError } from '../data/data-error.ts'
import { receiveInto, sendContent } from '../data/transfer.ts'
import { type ByteString, fromText, printable } from '../ftp/bytes.ts'
import { type Reply, reply } from '../ftp/reply.ts'
import type { Observer, TransferRecord, TransferRecords } from '../observe/observer.ts'
import { isForeseen, replyTo } from './replies.ts'
import {
  type Direction,
  type Ended,
  eventOf,
  type Named,
  outcomeOf,
  type Running,
  recordOf,
  StoredBytes,
  startOf,
  type TransferContext,
} from './transfer-report.ts'

export interface TransferSettings {
  readonly stallMs: number
  readonly observer: Observer
  readonly records: TransferRecords
}

type Bytes = AsyncIterable<Buffer>
type Decoding = (source: Bytes) => Bytes

const fileVerbs: ReadonlySet<string> = new Set(['STOR', 'STOU', 'APPE', 'RETR'])

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
    const nothingYet = { connection: undefined, inflatedBytes: undefined, stored: undefined }
    const notYet = { taken: false, completing: false, recorded: false }
    this.#running = { verb, path: '', startedAt, abort, ...nothingYet, ...notYet }
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
    return this.report(context, transfer, direction, async (running) => {
      const cancel = () => void transfer.cancel()
      running.abort.signal.addEventListener('abort', cancel)
      try {
        await this.#announce(running, transfer)
        const connection = await this.open(running, context, 'download', () => true)
        const options = { stallMs: this.#settings.stallMs, signal: running.abort.signal, pace: context.download }
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
    return this.report(context, transfer, 'upload', async (running) => {
      try {
        await this.#announce(running, transfer)
        // The size that ALLO declares is that of the file, so it says nothing about the bytes of MODE Z.
        const acceptFin = (bytes: number) =>
          context.dialect.upload.endOfData === 'warn' ||
          (context.compression === undefined && bytes === context.declaredSize)
        const connection = await this.open(running, context, 'upload', acceptFin)
        if (this.#settings.records.on) running.stored = new StoredBytes()
        const options = { stallMs: this.#settings.stallMs, signal: running.abort.signal, pace: context.upload }
        const { stored } = running
        const destination = {
          sink: upload.sink,
          direct: upload.direct,
          onBytes: stored && ((b: Buffer) => stored.add(b)),
        }
        await receiveInto(connection, destination, this.#decoding(running, context, transfer), options)
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

  /** Opens the client's data connection, after its mark. */
  async open(
    running: Running,
    { protection, dialect }: TransferContext,
    direction: 'upload' | 'download',
    acceptFin: (bytes: number) => boolean,
    signal = running.abort.signal,
  ): Promise<DataConnection> {
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

  /** Runs the work, turns a failure into its reply, and tells and records it either way, before the reply is sent. */
  async report(
    context: TransferContext,
    transfer: Named,
    direction: Direction,
    work: (running: Running) => Promise<Reply>,
  ): Promise<Reply> {
    const running = this.#running
    if (!running) throw new Error('a transfer outside of a transfer command')
    running.path = transfer.path
    running.taken = true
    this.#settings.observer(startOf(context, transfer, direction, running))
    let answer: Reply
    let error: unknown
    try {
      answer = await work(running)
    } catch (cause) {
      error = running.abort.signal.aborted ? new DataConnectionError('aborted', 'aborted by ABOR', { cause }) : cause
      answer = replyTo(error, 'transfer')
    }
    const ended: Ended = { code: answer.code, error }
    this.#settings.observer(eventOf(context, transfer, direction, running, ended))
    if (error !== undefined && !isForeseen(error)) {
      this.#settings.observer({ kind: 'bug', error, session: context.session })
    }
    if (direction !== 'listing') {
      await this.#record(running, () => recordOf(context, running, transfer.path, outcomeOf(error), answer.code))
    }
    return answer
  }

  /** For the record: a command for a file whose transfer has not begun, and will not. */
  async refused(context: TransferContext, path: ByteString, code: number): Promise<void> {
    const running = this.#running
    if (!running || running.taken || !fileVerbs.has(running.verb)) return
    const outcome = running.abort.signal.aborted ? 'client_abort' : 'refused'
    await this.#record(running, () => recordOf(context, running, path, outcome, code))
  }

  /** Once for each transfer: what was aborted while its file was being opened comes back later. */
  async #record(running: Running, made: () => TransferRecord): Promise<void> {
    const { records } = this.#settings
    if (running.recorded || !records.on) return
    running.recorded = true
    await records.write(made())
  }
}

/** Whether the client may send the rest: what came until then is the beginning of its file. */
function canContinue(error: unknown): boolean {
  if (error instanceof BackendError) return error.kind === 'unavailable'
  return error instanceof DataConnectionError && error.failure !== 'wrongSize' && error.failure !== 'corrupt'
}
