import { asciiUpperCase, type ByteString, fromBuffer } from './bytes.ts'

/** A command line without its end, or the news that one was longer than `lineLengthMax` and is being discarded. */
export type Line = { readonly kind: 'line'; readonly text: ByteString } | { readonly kind: 'tooLong' }

/** Bytes in a line, its CR included. */
export const lineLengthMax = 8192

/** Verbs that are obeyed although their LF is missing; see `takeUrgent`. */
const urgentVerbs: ReadonlySet<string> = new Set(['ABOR', 'STAT', 'QUIT'])

/**
 * Cuts the bytes of a control connection (after Telnet) into lines. A line ends at LF or NUL; all CR before that are
 * dropped, and so are empty lines, which some NAT devices send. The caller bounds what is pushed and not yet taken; a
 * line without end is bounded here.
 */
export class LineSplitter {
  #rest: ByteString = ''
  /** How far `#rest` was searched for a line end. */
  #searched = 0
  #discarding = false

  push(chunk: Buffer): void {
    this.#rest += fromBuffer(chunk)
  }

  /** Bytes that are here and not yet taken as lines. AUTH wants none: they would be a plaintext command injection. */
  get pending(): number {
    return this.#rest.length
  }

  /** The next line; undefined when more bytes are needed. */
  next(): Line | undefined {
    for (;;) {
      if (this.#discarding && !this.#discard()) return undefined
      const end = this.#findEnd()
      if (end > lineLengthMax || (end === -1 && this.#rest.length > lineLengthMax)) {
        this.#discarding = true
        this.#take(lineLengthMax)
        return { kind: 'tooLong' }
      }
      if (end === -1) return undefined
      const text = withoutTrailingCr(this.#take(end + 1).slice(0, end))
      if (text !== '') return { kind: 'line', text }
    }
  }

  /**
   * Takes `ABOR\r`, `STAT\r` or `QUIT\r` when that is all there is. Python's ftplib sends ABOR as urgent data; its last
   * byte, the LF, never reaches a Node socket. Call it when no more bytes came for a while; an LF that does arrive
   * later is an empty line.
   */
  takeUrgent(): ByteString | undefined {
    if (this.#discarding || !this.#rest.endsWith('\r')) return undefined
    const text = withoutTrailingCr(this.#rest)
    if (!urgentVerbs.has(asciiUpperCase(text))) return undefined
    this.#take(this.#rest.length)
    return text
  }

  /** Drops the rest of a line that was too long; false while its LF has not come. */
  #discard(): boolean {
    const end = this.#rest.indexOf('\n')
    this.#take(end === -1 ? this.#rest.length : end + 1)
    this.#discarding = end === -1
    return end !== -1
  }

  #findEnd(): number {
    for (let i = this.#searched; i < this.#rest.length; i++) {
      const byte = this.#rest.charCodeAt(i)
      if (byte === 0x0a || byte === 0) return i
    }
    this.#searched = this.#rest.length
    return -1
  }

  #take(length: number): ByteString {
    const taken = this.#rest.slice(0, length)
    this.#rest = this.#rest.slice(length)
    this.#searched = 0
    return taken
  }
}

function withoutTrailingCr(text: ByteString): ByteString {
  let end = text.length
  while (end > 0 && text[end - 1] === '\r') end -= 1
  return text.slice(0, end)
}
