import { BackendError } from '../backend.ts'
import { answerBuffers } from './buffer-pool.ts'
import { type Answer, decodeAnswer, decodeVersion } from './decode.ts'
import { encodeInit, encodeRequest, encodeWrite, type Field } from './encode.ts'
import { MessageSplitter } from './message-splitter.ts'
import type { RawChannel } from './raw-channel.ts'
import { status, statusName, version } from './wire.ts'

export interface SessionTimeouts {
  /** No answer at all from the server for this long while a request waits. */
  readonly requestMs: number
  /** The same for CLOSE, fsync and copy-data: object stores finish a file there. */
  readonly closeMs: number
}

/** How one request ended: by its answer, or because the session failed (`lost`) or was closed (`cancelled`) before. */
export interface EndedRequest {
  readonly operation: string
  readonly status: ReturnType<typeof statusName> | 'lost' | 'cancelled'
  readonly seconds: number
}

export interface SessionOptions extends SessionTimeouts {
  /** Called for each request, thousands of times a second. */
  readonly onRequest?: (ended: EndedRequest) => void
}

/** A request may wait this many times its timeout as long as the server answers others in between. */
const patience = 20
const settled = () => {}
const watchEveryMs = 1000

interface Pending {
  resolve: (answer: Answer) => void
  reject: (error: BackendError) => void
  readonly operation: string
  readonly sentAt: number
  readonly timeoutMs: number
  /** Where it ends in all that was given to the channel. */
  readonly endsAt: number
}

/**
 * One SFTP channel: requests out, answers matched by id. Every request ends: with its answer, at its deadline, or at once
 * when the channel is lost; after that the session is dead and refuses requests without sending them.
 */
export class SftpSession {
  /** Extensions that the server offers, by name; filled by `start`. */
  extensions: ReadonlyMap<string, string> = new Map()
  readonly #timeouts: SessionOptions
  readonly #splitter = new MessageSplitter((length) => answerBuffers.take(length))
  readonly #pending = new Map<number, Pending>()
  #channel: RawChannel | undefined
  #lastId: number
  #bytesGiven = 0
  #started: { resolve: () => void; reject: (error: BackendError) => void } | undefined
  #lastAnswerAt = 0
  #watch: NodeJS.Timeout | undefined
  #dead: BackendError | undefined
  readonly #mourners = new Set<(error: BackendError) => void>()
  #onQuiet: (() => void)[] = []

  /** `lastId`: requests are counted from here; only a test has a reason to begin near the end of the numbers. */
  constructor(timeouts: SessionOptions, lastId = 0) {
    this.#timeouts = timeouts
    this.#lastId = lastId
  }

  /** Exchanges INIT and VERSION. Throws BackendError `unavailable`, and the session has ended then. */
  async start(channel: RawChannel): Promise<void> {
    this.#channel = channel
    if (this.#dead) throw this.#dead
    const answered = new Promise<void>((resolve, reject) => {
      this.#started = { resolve, reject }
    })
    const timer = setTimeout(
      () => this.fail(new BackendError('unavailable', 'the server did not answer SFTP INIT')),
      this.#timeouts.requestMs,
    )
    channel.send(encodeInit(version))
    try {
      await answered
    } finally {
      clearTimeout(timer)
    }
  }

  /** Bytes that wait here because the server or the network does not take them. */
  get queued(): number {
    return this.#channel?.queued ?? 0
  }

  /** No request waits for its answer. */
  get idle(): boolean {
    return this.#pending.size === 0
  }

  get packetSize(): number {
    return this.#channel?.packetSize ?? 0
  }

  /** Whether requests can no longer be sent. */
  get dead(): boolean {
    return this.#dead !== undefined
  }

  /** Resolves as soon as no request waits for its answer, at once for a dead session. */
  quiet(): Promise<void> {
    if (this.#pending.size === 0) return Promise.resolve()
    return new Promise((resolve) => this.#onQuiet.push(resolve))
  }

  /** Sends one request and waits for its answer, whatever it is. Throws BackendError `unavailable` when none comes. */
  request(type: number, operation: string, fields: readonly Field[], slow = false): Promise<Answer> {
    return this.#send(operation, (id) => encodeRequest(type, id, fields), slow)
  }

  /** Sends a WRITE whose data already lies in `message` behind room for the header (`writeHeaderLength`). */
  write(message: Buffer, handle: Buffer, offset: number, dataLength: number): Promise<Answer> {
    return this.#send('write', (id) => encodeWrite(message, id, handle, offset, dataLength), false)
  }

  /** Bytes from the channel. A malformed message ends the session: nothing after it can be trusted. */
  receive(chunk: Buffer): void {
    if (this.#dead) return
    try {
      this.#splitter.push(chunk, (message) => this.#deliver(message))
    } catch (cause) {
      this.fail(
        new BackendError('unavailable', `malformed SFTP from the server: ${(cause as Error).message}`, { cause }),
      )
    }
  }

  /** Ends the session for a reason: every request fails with it, at once. */
  fail(error: BackendError): void {
    if (!this.#dead) this.#end(error, 'lost')
  }

  /** Calls back when the session ends, by `close` too, for those who have nothing pending then; returns how to call that off. */
  whenDead(callback: (error: BackendError) => void): () => void {
    if (this.#dead) callback(this.#dead)
    else this.#mourners.add(callback)
    return () => this.#mourners.delete(callback)
  }

  /** Ends the session because it is no longer needed; idempotent. */
  close(): void {
    if (!this.#dead) this.#end(new BackendError('unavailable', 'the SFTP session was closed'), 'cancelled')
  }

  #end(error: BackendError, how: 'lost' | 'cancelled'): void {
    this.#dead = error
    clearInterval(this.#watch)
    this.#watch = undefined
    this.#channel?.close()
    this.#started?.reject(error)
    const pending = [...this.#pending.values()]
    this.#pending.clear()
    for (const request of pending) {
      this.#tellEnd(request, how)
      request.reject(error)
    }
    for (const mourner of this.#mourners) mourner(error)
    this.#mourners.clear()
    this.#tellQuiet()
  }

  #send(operation: string, encode: (id: number) => Buffer, slow: boolean): Promise<Answer> {
    const channel = this.#channel
    if (this.#dead || !channel) return Promise.reject(this.#dead ?? new BackendError('unavailable', 'no SFTP session'))
    const id = this.#freeId()
    return new Promise((resolve, reject) => {
      // What cannot be encoded rejects here, before anything waits for its answer.
      const message = encode(id)
      const timeoutMs = slow ? this.#timeouts.closeMs : this.#timeouts.requestMs
      this.#bytesGiven += message.length
      const endsAt = this.#bytesGiven
      this.#pending.set(id, { resolve, reject, operation, sentAt: performance.now(), timeoutMs, endsAt })
      // Behind what there is to read: when this process stood still, the answers are here already.
      this.#watch ??= setInterval(() => setImmediate(() => this.#checkDeadlines()), watchEveryMs)
      channel.send(message)
    })
  }

  /** Ids are uint32 and may come round while a slow request still waits. */
  #freeId(): number {
    do this.#lastId = (this.#lastId + 1) >>> 0
    while (this.#pending.has(this.#lastId))
    return this.#lastId
  }

  #deliver(message: Buffer): void {
    this.#lastAnswerAt = performance.now()
    if (this.#started) {
      this.#deliverVersion(message)
      return
    }
    const { id, answer } = decodeAnswer(message)
    const pending = this.#pending.get(id)
    // An answer that nobody waits for is a server's mistake, and harmless.
    if (!pending) return
    // The memory of a WRITE is used again once it is acknowledged; what is still to be sent of it would be another file's.
    const early = pending.endsAt > this.#bytesGiven - (this.#channel?.unsent ?? 0)
    if (early && !(answer.type === 'status' && answer.code !== status.ok)) {
      this.fail(new BackendError('unavailable', `the server answered a ${pending.operation} before it was sent`))
      return
    }
    this.#pending.delete(id)
    this.#tellEnd(pending, answer.type === 'status' ? statusName(answer.code) : 'ok')
    const { resolve } = pending
    // A Map leaves dead tables behind, each pointing to the next. Once one of them is in the collector's old generation it
    // takes along all that hangs on the others: without this, every answer there ever was, until the next full collection.
    pending.resolve = settled
    pending.reject = settled
    resolve(answer)
    if (this.#pending.size > 0) return
    clearInterval(this.#watch)
    this.#watch = undefined
    this.#tellQuiet()
  }

  #tellEnd({ operation, sentAt }: Pending, status: EndedRequest['status']): void {
    this.#timeouts.onRequest?.({ operation, status, seconds: (performance.now() - sentAt) / 1000 })
  }

  #tellQuiet(): void {
    for (const resolve of this.#onQuiet.splice(0)) resolve()
  }

  #deliverVersion(message: Buffer): void {
    const offered = decodeVersion(message)
    if (offered.version !== version) {
      this.fail(new BackendError('unavailable', `the server speaks SFTP version ${offered.version}, not ${version}`))
      return
    }
    this.extensions = offered.extensions
    this.#started?.resolve()
    this.#started = undefined
  }

  /** Requests are answered in order by most servers, so the oldest one tells whether the server still works. */
  #checkDeadlines(): void {
    const [oldest] = this.#pending.values()
    if (!oldest) return
    const now = performance.now()
    const quietMs = now - Math.max(oldest.sentAt, this.#lastAnswerAt)
    if (quietMs <= oldest.timeoutMs && now - oldest.sentAt <= oldest.timeoutMs * patience) return
    this.fail(new BackendError('unavailable', `no answer to ${oldest.operation} for ${Math.round(quietMs / 1000)} s`))
  }
}
