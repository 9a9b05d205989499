import { type ByteString, fromBuffer } from '../ftp/bytes.ts'
import type { OldReply } from './old-server.ts'

/** Bytes of one line. */
export const lineBytesMax = 8192
/** Bytes of one reply: STAT of a directory answers with its whole listing. */
export const replyBytesMax = 4 * 1024 * 1024

/**
 * Cuts what a server says into replies (RFC 959 section 4.2), each with its bytes untouched: line ends, indents and whatever
 * stands before the line with the code stay as they are. Throws an Error when a line or a reply is too long.
 */
export class ReplyReader {
  #rest: ByteString = ''
  #lines: ByteString[] = []
  #bytes = 0
  #open: string | undefined

  /** Whether there are bytes that are no whole reply. */
  get pending(): boolean {
    return this.#rest !== '' || this.#lines.length > 0
  }

  push(chunk: Buffer): OldReply[] {
    this.#rest += fromBuffer(chunk)
    const replies: OldReply[] = []
    let from = 0
    for (let end = this.#rest.indexOf('\n'); end !== -1; end = this.#rest.indexOf('\n', from)) {
      const reply = this.#take(this.#rest.slice(from, end + 1))
      if (reply) replies.push(reply)
      from = end + 1
    }
    this.#rest = this.#rest.slice(from)
    if (this.#rest.length > lineBytesMax) throw new Error(`a reply with a line of more than ${lineBytesMax} bytes`)
    return replies
  }

  #take(line: ByteString): OldReply | undefined {
    if (line.length > lineBytesMax) throw new Error(`a reply with a line of more than ${lineBytesMax} bytes`)
    this.#lines.push(line)
    this.#bytes += line.length
    if (this.#bytes > replyBytesMax) throw new Error(`a reply of more than ${replyBytesMax} bytes`)
    const [, code, mark] = /^([1-6]\d\d)(-|[ \r\n])/.exec(line) ?? []
    if (code === undefined) return undefined
    if (mark === '-') {
      this.#open ??= code
      return undefined
    }
    // Inside of a reply of several lines only its own code ends it: what stands there may begin with digits, too.
    if (this.#open !== undefined && this.#open !== code) return undefined
    return this.#finish(Number(code))
  }

  #finish(code: number): OldReply {
    const [verbatim, lines] = [this.#lines.join(''), this.#lines.map(textOf)]
    this.#lines = []
    this.#bytes = 0
    this.#open = undefined
    return { code, lines: [lines[0] ?? '', ...lines.slice(1)], verbatim }
  }
}

/** A line without its code and its end. */
function textOf(line: ByteString): ByteString {
  return line.replace(/[\r\n]+$/, '').replace(/^[1-6]\d\d[- ]?/, '')
}
