import { Writable } from 'node:stream'
import { BackendError, type ByteTarget } from '../backend.ts'
import { messageBuffers } from './buffer-pool.ts'
import type { ByteBudget } from './byte-budget.ts'
import { writeHeaderLength } from './encode.ts'
import { asBackendError, isSessionLost } from './failures.ts'
import { largeFileBytes } from './lanes.ts'
import type { SftpClient } from './sftp-client.ts'

/** A handle of the file on one connection. */
export interface WriteLane {
  readonly client: Pick<SftpClient, 'write'>
  readonly handle: Buffer
  /** Bytes that wait here because the server's window is full; more of them would only hold memory. */
  readonly queued: () => number
}

interface Way extends WriteLane {
  inFlight: number
}

/** A WRITE that is kept until it is acknowledged, to be sent again over another connection. */
interface Sent {
  readonly message: Buffer
  readonly length: number
  /** A connection that was given up, and lives, may still be sending it; then its memory is nobody else's. */
  again: boolean
}

export interface WritePlan {
  readonly start: number
  /** Data bytes of one WRITE. */
  readonly requestBytes: number
  /** Bytes that may be without an acknowledgement. */
  readonly inFlightMax: number
  readonly budget: ByteBudget
  /** Called with the bytes of each WRITE, in their order and once. */
  readonly onBytes?: ((bytes: Buffer) => void) | undefined
  /** Called once every WRITE has been sent, before they are acknowledged. */
  onAllSent?(): void
  /** Called when so many bytes have been sent that further lanes are worth it, and when they were given up. */
  onLarge?(): void
  /** Another lane for the same file in place of all, when the connection of one was lost; throws when there can be none. */
  renew?: (() => Promise<WriteLane>) | undefined
  /** Turns the first failure into the error to report (a full disk looks like any other failure). */
  explain(error: unknown, length: number): Promise<Error>
}

/**
 * Writes a file from front to back: WRITEs in strictly increasing offset order (object stores refuse anything else), many
 * without an acknowledgement at a time. 'finish' means that every byte was acknowledged. The first failure latches.
 */
export class Writer extends Writable implements ByteTarget {
  /** The WRITEs without an acknowledgement by their offsets, in order; one that failed stays. */
  readonly #open = new Map<number, Sent>()
  readonly #ways: Way[]
  readonly #plan: WritePlan
  readonly #header: number
  #message: Buffer | undefined
  #filled = 0
  #nextOffset: number
  #inFlight = 0
  #wake: (() => void) | undefined
  /** Whether somebody else writes into `#message`; then it is theirs until the next one is theirs. */
  #lent = false
  onRoom: () => void = () => {}
  /** Every WRITE has been sent. */
  #allSent = false
  #failed = false
  #wide = false

  constructor(lane: WriteLane, plan: WritePlan) {
    super({ highWaterMark: plan.requestBytes })
    this.#ways = [{ ...lane, inFlight: 0 }]
    this.#plan = plan
    this.#header = writeHeaderLength(lane.handle)
    this.#nextOffset = plan.start
  }

  /** Writes over one connection more from now on, if its handle leaves the messages their form. */
  addLane(lane: WriteLane): boolean {
    // While there is no way, one is being looked for.
    const over = this.writableFinished || this.destroyed || this.#ways.length === 0
    if (over || writeHeaderLength(lane.handle) !== this.#header) return false
    this.#wide = true
    this.#ways.push({ ...lane, inFlight: 0 })
    return true
  }
  /** Where there was ever more than one connection, WRITEs may be carried out in any order. */
  get inOrder(): boolean {
    return !this.#wide
  }
  /** Every WRITE that was sent is answered. */
  get idle(): boolean {
    return this.#open.size === 0
  }
  /** Bytes from the start that the server has acknowledged without a gap. */
  get contiguous(): number {
    const [first = this.#nextOffset] = this.#open.keys()
    return first - this.#plan.start
  }
  /** Bytes that have been put into WRITEs. */
  get sent(): number {
    return this.#nextOffset - this.#plan.start
  }

  /** The connection of a lane is lost. All lanes are given up, and what was not acknowledged is sent again over another one. */
  lost(error: BackendError): void {
    // While there is no way, one is being looked for.
    const waits = this.#ways.length === 0 || (this.#allSent && this.#open.size === 0)
    if (this.destroyed || this.#failed || waits) return
    const { renew } = this.#plan
    if (!renew) {
      this.#fail(error, 0)
      return
    }
    this.#ways.length = 0
    for (const sent of this.#open.values()) sent.again = this.#wide
    renew().then(
      (lane) => this.#goOn(lane),
      (cause) => this.#fail(cause, 0),
    )
  }

  /** Sends what is waiting here, and resolves when all of it is acknowledged or nothing more will be. */
  settle(): Promise<void> {
    if (this.destroyed || this.#failed) return Promise.resolve()
    this.#send()
    return new Promise((resolve) => {
      this.once('close', () => resolve())
      this.#whenInFlightAtMost(0, () => resolve())
    })
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#fill(chunk, 0, callback)
  }

  room(): Buffer {
    this.#lent = true
    this.#message ??= this.#freshMessage()
    return this.#message.subarray(this.#header + this.#filled)
  }

  filled(bytes: number): boolean {
    // What comes after a failure is dropped.
    if (this.destroyed) return true
    this.#filled += bytes
    if (this.#filled < this.#plan.requestBytes) return true
    this.#send()
    if (!this.#mustWait()) return true
    this.#whenInFlightAtMost(this.#inFlight - 1, () => this.onRoom())
    return false
  }

  override _final(callback: (error?: Error | null) => void): void {
    if (this.#filled > 0) this.#send()
    this.#allSent = true
    if (this.#ways.length > 0) this.#plan.onAllSent?.()
    this.#whenInFlightAtMost(0, callback)
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#wake = undefined
    if (this.#message && !this.#lent) messageBuffers.giveBack(this.#message)
    this.#message = undefined
    // Without a way nobody answers them any more.
    if (this.#ways.length === 0) this.#release(this.#inFlight)
    callback(error)
  }

  /** Copies the chunk into WRITE messages, and waits between them while too much is without an acknowledgement. */
  #fill(chunk: Buffer, start: number, callback: (error?: Error | null) => void): void {
    let at = start
    while (at < chunk.length) {
      const room = this.#plan.requestBytes - this.#filled
      this.#message ??= this.#freshMessage()
      const copied = chunk.copy(this.#message, this.#header + this.#filled, at, at + room)
      this.#filled += copied
      at += copied
      if (this.#filled < this.#plan.requestBytes) break
      this.#send()
      if (this.#mustWait()) {
        const rest = at
        this.#whenInFlightAtMost(this.#inFlight - 1, () => this.#fill(chunk, rest, callback))
        return
      }
    }
    callback()
  }

  #freshMessage(): Buffer {
    return messageBuffers.take(this.#header + this.#plan.requestBytes)
  }

  #mustWait(): boolean {
    const { inFlightMax, requestBytes, budget } = this.#plan
    if (this.#inFlight + requestBytes > inFlightMax) return true
    if (this.#inFlight <= requestBytes) return false
    return budget.free < requestBytes || this.#ways.every(({ queued }) => queued() > requestBytes)
  }

  #send(): void {
    const message = this.#message
    if (!message || this.#filled === 0) return
    this.#message = undefined
    const length = this.#filled
    const offset = this.#nextOffset
    const sentBefore = this.sent
    this.#nextOffset += length
    if (sentBefore < largeFileBytes && this.sent >= largeFileBytes) this.#plan.onLarge?.()
    this.#filled = 0
    this.#inFlight += length
    this.#plan.budget.force(length)
    this.#plan.onBytes?.(message.subarray(this.#header, this.#header + length))
    const sent = { message, length, again: false }
    this.#open.set(offset, sent)
    this.#transmit(offset, sent)
  }

  #transmit(offset: number, sent: Sent): void {
    const { message, length } = sent
    const [first, ...others] = this.#ways
    if (!first) return
    const way = others.reduce((best, other) => (load(other) < load(best) ? other : best), first)
    way.inFlight += length
    way.client.write(message, way.handle, offset, length).then(
      () => this.#onAcknowledged(offset, sent, way),
      (error) => this.#onFailed(error, length, way),
    )
  }

  #goOn(lane: WriteLane): void {
    if (this.destroyed) return
    if (writeHeaderLength(lane.handle) !== this.#header) {
      this.#fail(new BackendError('unavailable', 'the new handle of the file has another length'), 0)
      return
    }
    this.#ways.push({ ...lane, inFlight: 0 })
    for (const [offset, sent] of this.#open) this.#transmit(offset, sent)
    if (this.#allSent) this.#plan.onAllSent?.()
    else if (this.#wide) this.#plan.onLarge?.()
  }

  #onAcknowledged(offset: number, { message, length, again }: Sent, way: Way): void {
    // One of a connection that was given up has been sent again.
    if (!this.#ways.includes(way)) return
    this.#release(length)
    way.inFlight -= length
    this.#open.delete(offset)
    // The last one may still be lent.
    if (length === this.#plan.requestBytes && !again) messageBuffers.giveBack(message)
    this.#wake?.()
  }

  #onFailed(error: unknown, length: number, way: Way): void {
    // One of a connection that was given up is sent again, or was released with all the others.
    if (!this.#ways.includes(way)) return
    const renewable = this.#plan.renew && !this.destroyed && !this.#failed
    if (renewable && isSessionLost(error)) {
      this.lost(error)
      return
    }
    this.#release(length)
    this.#fail(error, length)
  }

  /** `length`: bytes of the WRITE that failed. */
  #fail(error: unknown, length: number): void {
    if (this.#failed) return
    this.#failed = true
    void this.#plan
      .explain(error, length)
      .catch(() => asBackendError(error, 'write'))
      .then((explained) => this.destroy(explained))
  }

  #release(length: number): void {
    this.#inFlight -= length
    this.#plan.budget.giveBack(length)
  }

  /** Calls back once so few bytes are in flight; after a failure never: `destroy` then reports to the stream's user. */
  #whenInFlightAtMost(bytes: number, callback: () => void): void {
    const check = () => {
      if (this.#inFlight > bytes || this.#failed) return
      this.#wake = undefined
      callback()
    }
    this.#wake = check
    check()
  }
}

/** What is queued counts twice: the server takes no more there for now. */
function load({ queued, inFlight }: Way): number {
  return inFlight + queued()
}
