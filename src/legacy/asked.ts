import { asciiUpperCase, type ByteString } from '../ftp/bytes.ts'
import type { Asking, OldReply } from './old-server.ts'

/** A command that the old server has been sent, until its final reply. */
export class Asked {
  readonly verb: ByteString
  readonly promise: Promise<OldReply>
  readonly #asking: Asking
  #marks: Promise<void> = Promise.resolve()
  #marked = false
  #settle: { readonly resolve: (reply: OldReply) => void; readonly reject: (error: unknown) => void }
  /** The data of a transfer have come or gone. */
  dataOver = false

  constructor(line: ByteString, asking: Asking) {
    this.verb = asciiUpperCase(line.split(' ', 1)[0] ?? '')
    this.#asking = asking
    this.#settle = { resolve: () => {}, reject: () => {} }
    this.promise = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
    })
  }

  /** Whether data may move for as long as they like. */
  get underWay(): boolean {
    return this.#asking.data !== undefined && this.#marked && !this.dataOver
  }

  /** Whether a final reply that comes while the transfer runs belongs to it, and not to STAT or its kind. */
  ends(code: number): boolean {
    return !this.#marked || !((code >= 211 && code <= 215) || (code >= 500 && code <= 503))
  }

  mark(reply: OldReply): void {
    this.#marked = true
    this.#marks = this.#marks.then(() => this.#asking.onMark?.(reply))
  }

  final(reply: OldReply): void {
    this.#marks.then(() => this.#settle.resolve(reply), this.#settle.reject)
  }

  fail(error: unknown): void {
    this.#settle.reject(error)
  }
}
