import type { Instruments } from './instruments.ts'
import type { TransferEvent, TransferStart } from './observer.ts'

interface Live extends TransferStart {
  counted: number
}

/** Counts the bytes of transfers while they are under way: one that takes hours is no peak in its last minute. */
export class LiveTransfers {
  readonly #instruments: Instruments
  /** By session, which has one at a time. */
  readonly #running = new Map<string, Live>()

  constructor(instruments: Instruments) {
    this.#instruments = instruments
  }

  start(event: TransferStart): void {
    this.#running.set(event.session, { ...event, counted: 0 })
    this.#instruments.transfersInProgress.inc({ direction: event.direction })
  }

  end({ session, partner, direction, bytes }: TransferEvent): void {
    const live = this.#running.get(session)
    if (this.#running.delete(session)) this.#instruments.transfersInProgress.dec({ direction })
    this.#instruments.transferBytes.inc({ partner, direction }, Math.max(0, bytes - (live?.counted ?? 0)))
  }

  /** Brings the counter up to date. */
  count(): void {
    for (const live of this.#running.values()) {
      const { partner, direction, counted } = live
      const bytes = live.bytes()
      live.counted = Math.max(bytes, counted)
      this.#instruments.transferBytes.inc({ partner, direction }, live.counted - counted)
    }
  }
}
