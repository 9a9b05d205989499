import { BackendError } from '../backend/backend.ts'
import type { DataConnection } from '../data/data-connection.ts'
import { DataConnectionError } from '../data/data-error.ts'
import { receiveInto, sendContent } from '../data/transfer.ts'
import { type Reply, reply } from '../ftp/reply.ts'
import type { OldDownload, OldReply, OldSession, OldUpload } from '../legacy/old-server.ts'
import { Answered } from './answered.ts'
import type { Running, TransferContext } from './transfer-report.ts'
import { StoredBytes } from './transfer-report.ts'
import type { TransferRunner, TransferSettings } from './transfer-runner.ts'

/** After an ABOR, or a final reply that says failure, the old server has this long to end its data connection itself. */
const endsItselfMs = 1_000

export interface RelayedTransfer {
  readonly verb: string
  /** As it is sent to the old server. */
  readonly line: string
  /** As records show it. */
  readonly path: string
  readonly direction: 'upload' | 'download' | 'listing'
}

interface Parts {
  readonly old: OldSession
  readonly runner: TransferRunner
  readonly settings: Pick<TransferSettings, 'stallMs' | 'records'>
  /** Whether an upload of so many bytes may end by FIN without TLS close_notify. */
  readonly acceptFin: (bytes: number) => boolean
  readonly mark: (mark: OldReply) => Promise<void>
  /** Whether the gateway stops, or the session is cut. */
  readonly gone: AbortSignal
}

type OldData = OldDownload | OldUpload

/** One transfer between the client and the old server: what each of them does to its end is done to the other's. */
export class RelayTransfer {
  readonly #parts: Parts
  readonly #context: TransferContext
  readonly #transfer: RelayedTransfer
  #aborted = false
  /** The old server has given its final reply. */
  answered = false
  /** Ends what the old server has not ended itself. */
  readonly #cut = new AbortController()

  constructor(parts: Parts, context: TransferContext, transfer: RelayedTransfer) {
    this.#parts = parts
    this.#context = context
    this.#transfer = transfer
  }

  /** ABOR was sent; a server that does not read it before the end of the data is told by the data connection. */
  abort(): void {
    this.#aborted = true
    this.#cutSoon()
  }

  #cutSoon(): void {
    setTimeout(() => this.#cut.abort(), endsItselfMs).unref()
  }

  /** The final reply; throws what has gone wrong. */
  async run(): Promise<Reply> {
    const data = await this.#openOld()
    let over = () => {}
    const dataOver = new Promise<void>((resolve) => {
      over = resolve
    })
    try {
      let begun = () => {}
      const marked = new Promise<undefined>((resolve) => {
        begun = () => resolve(undefined)
      })
      const onMark = async (mark: OldReply) => {
        await this.#parts.mark(mark)
        begun()
      }
      const final = this.#parts.old.ask(this.#transfer.line, { data: dataOver, onMark })
      // Some servers say nothing but 226 to a transfer that was quick.
      const early = await Promise.race([marked, final])
      if (early && early.code >= 300) return early
      const { runner } = this.#parts
      return await runner.report(this.#context, this.#transfer, this.#transfer.direction, (running) =>
        this.#move(running, data, final, over),
      )
    } finally {
      over()
      data.drop()
    }
  }

  async #openOld(): Promise<OldData> {
    const { old, gone } = this.#parts
    try {
      return await (this.#transfer.direction === 'upload' ? old.openUpload(gone) : old.openDownload(gone))
    } catch (error) {
      if (!(error instanceof BackendError) || error.kind === 'unavailable') throw error
      throw new Answered(reply(425, "Can't open data connection to the file server."), error)
    }
  }

  async #move(running: Running, data: OldData, final: Promise<OldReply>, over: () => void): Promise<Reply> {
    const signal = AbortSignal.any([running.abort.signal, this.#cut.signal])
    final.then(
      ({ code }) => {
        this.answered = true
        if (code >= 400) this.#cutSoon()
      },
      () => this.#cut.abort(),
    )
    let failure: unknown
    try {
      await ('sink' in data ? this.#upload(running, data, signal) : this.#download(running, data, signal))
    } catch (error) {
      failure = error
      data.drop()
    }
    over()
    if (running.abort.signal.aborted) throw failure
    const answer = await final.catch((error: Error) => {
      throw new Answered(reply(426, 'Transfer aborted, the connection to the file server was lost.'), error)
    })
    return this.#judge(answer, failure, data)
  }

  async #upload(running: Running, { sink, direct }: OldUpload, signal: AbortSignal): Promise<void> {
    const { runner, settings, acceptFin } = this.#parts
    const connection = await runner.open(running, this.#context, 'upload', acceptFin, signal)
    const stored = settings.records.on ? new StoredBytes() : undefined
    running.stored = stored
    const onBytes = stored && ((bytes: Buffer) => stored.add(bytes))
    const options = { stallMs: settings.stallMs, signal, pace: this.#context.upload }
    await receiveInto(connection, { sink, direct, onBytes }, undefined, options)
  }

  async #download(running: Running, data: OldDownload, signal: AbortSignal): Promise<void> {
    const { runner, settings } = this.#parts
    const connection = await runner.open(running, this.#context, 'download', () => true, signal)
    const options = { stallMs: settings.stallMs, signal, pace: this.#context.download }
    await sendContent(endingLike(connection, data), data.content(), options, (chunk) => data.recycle(chunk))
  }

  /** The old server's own words go to the client, unless they say that all is well when it is not. */
  #judge(answer: OldReply, failure: unknown, data: OldData): Reply {
    const { direction, verb } = this.#transfer
    if (failure instanceof Error) {
      const missing = failure instanceof DataConnectionError && notOpened.has(failure.failure)
      // ProFTPD answers ABOR first, with 226, and the transfer then.
      throw (answer.code >= 400 && !missing) || this.#aborted ? new Answered(answer, failure) : failure
    }
    if (answer.code >= 400)
      throw new Answered(answer, new BackendError('failed', `old server: ${answer.code} to ${verb}`))
    if (direction !== 'upload' && 'complete' in data && !data.complete) {
      const message = 'the old server ended the download without TLS close_notify, and so has its client seen it end'
      throw new Answered(answer, new DataConnectionError('truncated', message))
    }
    return answer
  }
}

/** Failures of the client's data connection that we know more about than the old server. */
const notOpened: ReadonlySet<string> = new Set(['timeout', 'refused', 'tls', 'notResumed'])

/** The client's connection, which ends in order only when the old server's has. All bytes are with the system by then. */
function endingLike(connection: DataConnection, data: OldDownload): DataConnection {
  const end = async () => {
    if (data.complete) return connection.end()
    // Without TLS a FIN would be an end in order.
    if (connection.tls === undefined) connection.stream.resetAndDestroy()
    else connection.close()
  }
  return Object.create(connection, { end: { value: end } })
}
