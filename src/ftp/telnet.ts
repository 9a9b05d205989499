/** Interpret-as-command; a data byte 0xFF arrives doubled (RFC 854). */
const iac = 0xff
const will = 0xfb
const wont = 0xfc
const dont = 0xfe
/** NOP to GA: commands of two bytes, among them IP and DM that clients send before ABOR. */
const firstCommand = 0xf1
const lastCommand = 0xf9
const interrupt = 0xf4
const dataMark = 0xf2

const repliesMax = 16

const lineEnds: ReadonlySet<number | undefined> = new Set([0x0a, 0x0d, 0])

export interface TelnetOutput {
  /** What is left for FTP. */
  readonly bytes: Buffer
  /** What to send back: a refusal of each option that the peer negotiated; mostly empty. */
  readonly replies: Buffer
}

/**
 * Takes the Telnet commands out of a control connection (RFC 959 section 2.3), in the clear and on TLS: lftp sends
 * IAC IP IAC DM on both. Chunks may be cut anywhere. At most 16 options are refused in a session; a peer that
 * negotiates for ever gets no more answers.
 */
export class Telnet {
  /** Undefined between commands, else the newest byte of one: IAC, the verb of an option, or IP that DM may follow. */
  #command: number | undefined
  #repliesLeft = repliesMax
  /** Whether the last byte belongs to a line that has begun. */
  #inLine = false
  /**
   * 0xFF is a letter of the client's charset, and clients that never heard of Telnet do not double it. Then one within a
   * line is that letter: commands come between lines, before ABOR. Two are still one letter.
   */
  letter255 = false

  /** Whether a command has begun whose end is still to come. */
  get pending(): boolean {
    return this.#command !== undefined
  }

  push(chunk: Buffer): TelnetOutput {
    if (this.#command === undefined && !chunk.includes(iac)) {
      this.#inLine = chunk.length === 0 ? this.#inLine : !lineEnds.has(chunk.at(-1))
      return { bytes: chunk, replies: Buffer.alloc(0) }
    }
    const bytes: number[] = []
    const replies: number[] = []
    const keep = (...kept: readonly number[]) => {
      bytes.push(...kept)
      this.#inLine = !lineEnds.has(kept.at(-1))
    }
    for (const byte of chunk) {
      if (this.#command === undefined || this.#command === interrupt) {
        // In `IAC IP IAC DM ABOR` of BSD's ftp the second IAC is the urgent byte, which never reaches Node.
        const lostItsIac = this.#command === interrupt && byte === dataMark
        this.#command = byte === iac ? iac : undefined
        if (byte !== iac && !lostItsIac) keep(byte)
      } else if (this.#command === iac) {
        if (this.letter255 && this.#inLine && byte !== iac) {
          this.#command = undefined
          keep(iac, byte)
        } else if (byte >= will && byte <= dont) {
          this.#command = byte
        } else {
          this.#command = byte === interrupt ? interrupt : undefined
          // A lone IAC is dropped and its byte kept: with lftp it is DM that is the urgent byte.
          if (byte < firstCommand || byte > lastCommand) keep(byte)
        }
      } else {
        const refusal = this.#command === will || this.#command === wont ? dont : wont
        this.#command = undefined
        if (this.#repliesLeft > 0) {
          this.#repliesLeft -= 1
          replies.push(iac, refusal, byte)
        }
      }
    }
    return { bytes: Buffer.from(bytes), replies: Buffer.from(replies) }
  }
}
