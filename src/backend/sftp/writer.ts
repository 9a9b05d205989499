import { Writable } from 'node:stream'
import type { ByteBudget } from './byte-budget.ts'
import { writeHeaderLength } from './encode.ts'
import { asBackendError } from './failures.ts'
import type { SftpClient } from './sftp-client.ts'

export interface WritePlan {
  readonly handle: Buffer
  readonly start: number
  /** Data bytes of one WRITE. */
  readonly requestBytes: number
  /** Bytes that may be without an acknowledgement. */
  readonly inFlightMax: number
  /** Bytes that wait here because the server's window is full; more of them would only hold memory. */
  readonly queued: () => number
  readonly budget: ByteBudget
  /** Turns the first failure into the error to report (a full disk looks like any other failure). */
  explain(error: unknown, length: number): Promise<Error>
}

/** Message buffers kept for the next WRITE: as many as a window of 2 MiB has under way, and a few. */
const sparesMax = 12

/**
 * Writes a file from front to back: WRITEs in strictly increasing offset order (object stores refuse anything else), many
 * without an acknowledgement at a time. 'finish' means that every byte was acknowledged. The first failure latches.
 */
export class Writer extends Writable {
  /** Bytes that the server has acknowledged. */
  acknowledged = 0
  readonly #client: Pick<SftpClient, 'write'>
  readonly #plan: WritePlan
  readonly #header: number
  readonly #spares: Buffer[] = []
  #message: Buffer
  #filled = 0
  #nextOffset: number
  #inFlight = 0
  #wake: (() => void) | undefined
  #failed = false

  constructor(client: Pick<SftpClient, 'write'>, plan: WritePlan) {
    super({ highWaterMark: plan.requestBytes })
    this.#client = client
    this.#plan = plan
    this.#header = writeHeaderLength(plan.handle)
    this.#nextOffset = plan.start
    this.#message = this.#freshMessage()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#fill(chunk, 0, callback)
  }

  override _final(callback: (error?: Error | null) => void): void {
    if (this.#filled > 0) this.#send()
    this.#whenInFlightAtMost(0, callback)
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#wake = undefined
    this.#spares.length = 0
    callback(error)
  }

  /** Copies the chunk into WRITE messages, and waits between them while too much is without an acknowledgement. */
  #fill(chunk: Buffer, start: number, callback: (error?: Error | null) => void): void {
    let at = start
    while (at < chunk.length) {
      const room = this.#plan.requestBytes - this.#filled
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

  #mustWait(): boolean {
    const { inFlightMax, requestBytes, budget, queued } = this.#plan
    if (this.#inFlight + requestBytes > inFlightMax) return true
    return this.#inFlight > requestBytes && (budget.free < requestBytes || queued() > requestBytes)
  }

  #send(): void {
    const message = this.#message
    const length = this.#filled
    const offset = this.#nextOffset
    this.#nextOffset += length
    this.#filled = 0
    this.#inFlight += length
    this.#plan.budget.force(length)
    this.#message = this.#freshMessage()
    this.#client.write(message, this.#plan.handle, offset, length).then(
      () => this.#onAcknowledged(message, length),
      (error) => this.#onFailed(error, length),
    )
  }

  #onAcknowledged(message: Buffer, length: number): void {
    this.#release(length)
    this.acknowledged += length
    if (this.#spares.length < sparesMax) this.#spares.push(message)
    this.#wake?.()
  }

  #onFailed(error: unknown, length: number): void {
    this.#release(length)
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

  #freshMessage(): Buffer {
    return this.#spares.pop() ?? Buffer.allocUnsafeSlow(this.#header + this.#plan.requestBytes)
  }
}
