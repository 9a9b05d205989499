import { BackendError } from '../backend.ts'
import type { ByteBudget } from './byte-budget.ts'
import { Pace } from './pace.ts'
import type { SftpClient } from './sftp-client.ts'

/** A handle of the file on one connection. */
export interface ReadLane {
  readonly client: Pick<SftpClient, 'read'>
  readonly handle: Buffer
}

export interface ReadPlan {
  readonly start: number
  /** Bytes in the file when it was opened; undefined where the server does not say. */
  readonly size: number | undefined
  /** Bytes asked for by one READ. */
  readonly requestBytes: number
  /** Bytes that may be under way or wait here to be taken. */
  readonly inFlightMax: number
  /** READs that may be under way; no limit when left out. */
  readonly depthMax?: number
  readonly budget: ByteBudget
  /** Called with the bytes that the server gives to one READ at most, when it gives less than was asked for. */
  learnRequestBytes?(bytes: number): void
}

/** READs that are always under way: enough for the next to be there when one is taken. */
const depthMin = 4
const requestBytesMin = 512
/** A server's own limit is larger; a short answer below it is the end of a file, or a busy moment. */
const learnedBytesMin = 4096

/** Where one READ was sent, and how many bytes are asked for there. */
interface Way extends ReadLane {
  inFlight: number
}

interface Ask {
  readonly offset: number
  readonly length: number
  readonly answer: Promise<Buffer | undefined>
}

/**
 * The file's bytes in order, as many READs under way at a time as the path is worth (`Pace`). Short answers are normal
 * (pkg/sftp answers at most 32 KiB): the gap is asked for again at once and later READs are made smaller, for good where the
 * same comes twice. Only a STATUS of end of
 * file ends the content; an end before `size` is an error, because a file that shrinks under a reader would arrive cut.
 */
export class Reader implements AsyncIterable<Buffer> {
  readonly #ways: Way[]
  readonly #plan: ReadPlan
  #size: number | undefined
  readonly #asked: Ask[] = []
  readonly #pace: Pace
  #requestBytes: number
  /** Bytes of the newest short answer. */
  #shortAnswer = 0
  /** It came twice: the server gives no more. */
  #isLimit = false
  #nextOffset: number
  #askedBeyondEnd = false
  #stopped = false

  constructor(lane: ReadLane, plan: ReadPlan) {
    this.#ways = [{ ...lane, inFlight: 0 }]
    this.#plan = plan
    this.#size = plan.size
    this.#requestBytes = plan.requestBytes
    this.#pace = new Pace(depthMin * plan.requestBytes)
    this.#nextOffset = plan.start
  }

  /** Corrects the size that was known at first. */
  set size(size: number | undefined) {
    this.#size = size
  }

  /** Sends the first READs, before anybody takes what they bring. */
  start(): void {
    this.#askAhead()
  }

  /** Reads over one connection more from now on. */
  addLane(lane: ReadLane): void {
    this.#ways.push({ ...lane, inFlight: 0 })
  }

  /** Asks no more; the iteration ends before its next chunk. */
  stop(): void {
    this.#stopped = true
    for (const { answer, length } of this.#asked.splice(0)) {
      answer.then(
        () => this.#plan.budget.giveBack(length),
        () => this.#plan.budget.giveBack(length),
      )
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    try {
      while (!this.#stopped) {
        this.#askAhead()
        const ask = this.#asked.shift()
        if (!ask) return
        const chunk = await this.#take(ask)
        if (chunk === undefined) return this.#checkEnd(ask.offset)
        yield chunk
      }
    } finally {
      this.stop()
    }
  }

  /** Keeps the pipe full, but never with more than one READ beyond the known end. */
  #askAhead(): void {
    const { inFlightMax, depthMax = Number.POSITIVE_INFINITY, budget } = this.#plan
    const size = this.#size
    const worth = Math.floor(Math.min(this.#pace.bytes, inFlightMax) / this.#requestBytes)
    const depth = Math.max(1, Math.min(worth, depthMax))
    while (this.#asked.length < depth && !this.#askedBeyondEnd) {
      const left = size === undefined ? undefined : size - this.#nextOffset
      const length = left !== undefined && left > 0 ? Math.min(left, this.#requestBytes) : this.#requestBytes
      // Out of budget, one READ at a time goes on: transfers must not wait for each other for ever.
      if (this.#asked.length > 0 ? !budget.take(length) : !budget.force(length)) return
      this.#asked.push(this.#ask(this.#nextOffset, length))
      this.#nextOffset += length
      if (left !== undefined && left <= 0) this.#askedBeyondEnd = true
    }
  }

  #ask(offset: number, length: number): Ask {
    const way = this.#ways.reduce((best, other) => (other.inFlight < best.inFlight ? other : best))
    way.inFlight += length
    const answered = this.#pace.sent()
    const answer = way.client.read(way.handle, offset, length).finally(() => {
      way.inFlight -= length
    })
    // A failure is thrown where its turn comes; until then it is not unhandled.
    answer.then((chunk) => answered(chunk?.length ?? 0)).catch(() => {})
    return { offset, length, answer }
  }

  async #take(ask: Ask): Promise<Buffer | undefined> {
    let chunk: Buffer | undefined
    try {
      chunk = await ask.answer
    } finally {
      this.#plan.budget.giveBack(ask.length)
    }
    if (chunk === undefined) return undefined
    if (chunk.length === 0) throw new BackendError('failed', 'read: an answer without bytes')
    if (ask.offset >= (this.#size ?? Number.POSITIVE_INFINITY)) this.#askedBeyondEnd = false
    if (chunk.length < ask.length) this.#askForGap(ask, chunk.length)
    else this.#askForMore(ask.length)
    return chunk
  }

  #askForGap(ask: Ask, got: number): void {
    const length = ask.length - got
    this.#plan.budget.force(length)
    this.#asked.unshift(this.#ask(ask.offset + got, length))
    // A file that grows, and whose new end says nothing about the server.
    if (ask.offset + got > (this.#size ?? Number.POSITIVE_INFINITY)) return
    // Twice the same is a limit; once may be the end of the file.
    this.#isLimit = got === this.#shortAnswer
    if (this.#isLimit || got >= learnedBytesMin) this.#requestBytes = Math.max(requestBytesMin, got)
    if (this.#isLimit && got >= learnedBytesMin) this.#plan.learnRequestBytes?.(got)
    this.#shortAnswer = got
  }

  /** A single short answer was a busy moment; the rest of the file need not be read in pieces like it. */
  #askForMore(answered: number): void {
    if (this.#isLimit || this.#requestBytes >= this.#plan.requestBytes) return
    this.#requestBytes = Math.min(this.#plan.requestBytes, Math.max(answered, 2 * this.#requestBytes))
  }

  #checkEnd(offset: number): void {
    const size = this.#size
    if (size === undefined || offset >= size) return
    throw new BackendError('failed', `the file ended at byte ${offset}; it had ${size} bytes when it was opened`)
  }
}
