import type { Reply } from './reply.ts'

/**
 * A login that is refused although who the client is has been proved. It is no wrong password: it is not counted, and its
 * answer does not wait.
 */
export class RefusedLogin extends Error {
  override readonly name = 'RefusedLogin'
  readonly outcome: 'brownout' | 'retired'
  readonly reply: Reply
  /** What the client was told, and the help desk can look up. */
  readonly reference: string

  constructor(outcome: RefusedLogin['outcome'], reference: string, message: string, reply: Reply) {
    super(message)
    this.outcome = outcome
    this.reference = reference
    this.reply = reply
  }
}
