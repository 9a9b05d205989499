import type { Reply } from '../ftp/reply.ts'

/** A failure whose reply is settled already: an old server has said it itself. */
export class Answered extends Error {
  override readonly name = 'Answered'
  readonly reply: Reply
  override readonly cause: Error
  constructor(reply: Reply, cause: Error) {
    super(cause.message)
    this.reply = reply
    this.cause = cause
  }
}
