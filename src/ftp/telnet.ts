/** Interpret-as-command; a data byte 0xFF arrives doubled (RFC 854). */
const iac = 0xff
const will = 0xfb
const wont = 0xfc
const dont = 0xfe
/** NOP to GA: commands of two bytes, among them IP and DM that clients send before ABOR. */
const firstCommand = 0xf1
const lastCommand = 0xf9

const repliesMax = 16

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
  /** Undefined between commands, else the bytes of the command so far: IAC, or the verb of an option. */
  #command: number | undefined
  #repliesLeft = repliesMax

  push(chunk: Buffer): TelnetOutput {
    if (this.#command === undefined && !chunk.includes(iac)) return { bytes: chunk, replies: Buffer.alloc(0) }
    const bytes: number[] = []
    const replies: number[] = []
    for (const byte of chunk) {
      if (this.#command === undefined) {
        if (byte === iac) this.#command = iac
        else bytes.push(byte)
      } else if (this.#command === iac) {
        if (byte >= will && byte <= dont) {
          this.#command = byte
        } else {
          this.#command = undefined
          // A lone IAC is dropped and its byte kept: in `IAC IP IAC DM ABOR` as urgent data, DM never reaches Node.
          if (byte < firstCommand || byte > lastCommand) bytes.push(byte)
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
