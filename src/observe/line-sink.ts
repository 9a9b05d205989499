import { write, writeSync } from 'node:fs'

/** Characters of lines that may wait for a slow reader. */
const waitingMax = 16 * 1024 * 1024
const retryMs = 20
const newline = 10

/**
 * Writes lines to a file descriptor behind everybody's back: nobody waits for a slow reader, and a reader that went
 * away or a full disk costs lines, never the gateway. (pino's own destination ends the process on a full disk, and its
 * `flushSync` never returns when the reader of a pipe is gone.)
 */
export class LineSink {
  readonly #fd: number
  #waiting: string[] = []
  #length = 0
  #dropped = 0
  #failing = false
  /** What was written last ends with a piece of a line. */
  #torn = false
  #work: Promise<void> | undefined
  constructor(fd: number) {
    this.#fd = fd
  }

  write(line: string): void {
    if (this.#length + line.length > waitingMax) {
      this.#dropped++
      return
    }
    this.#waiting.push(line)
    this.#length += line.length
    this.#work ??= this.#drain()
  }

  /** Whether the newest write failed: a line that says so would be lost as well. */
  get failing(): boolean {
    return this.#failing
  }

  /** Lines lost since the last call. */
  takeDropped(): number {
    const dropped = this.#dropped
    this.#dropped = 0
    return dropped
  }

  /** Resolves when nothing waits any more; never rejects. */
  async flush(): Promise<void> {
    await this.#work
  }

  /** Writes at once what waits, or gives it up: for a process that is about to die. */
  flushNow(): void {
    try {
      writeSync(this.#fd, this.#take().join(''))
    } catch {
      // There is nowhere left to say it.
    }
  }

  async #drain(): Promise<void> {
    // A tick later, so that the lines of one moment go out together.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const lines = this.#take()
      await this.#writeAll(lines)
    }
    this.#work = undefined
  }

  async #writeAll(lines: readonly string[]): Promise<void> {
    // What was left of the line before stays a line of its own.
    const bytes = Buffer.from((this.#torn ? '\n' : '') + lines.join(''))
    const written = await writeWhole(this.#fd, bytes)
    this.#failing = written < bytes.length
    if (this.#failing) this.#dropped += lines.length
    if (written > 0) this.#torn = bytes[written - 1] !== newline
  }

  #take(): string[] {
    const lines = this.#waiting
    this.#waiting = []
    this.#length = 0
    return lines
  }
}

/** Writes until every byte is taken or an error comes; the number of bytes that were. */
async function writeWhole(fd: number, bytes: Buffer): Promise<number> {
  let at = 0
  while (at < bytes.length) {
    const result = await writeOnce(fd, bytes.subarray(at))
    if (typeof result === 'number') at += result
    else if (result.code === 'EAGAIN') await new Promise((resolve) => setTimeout(resolve, retryMs))
    else break
  }
  return at
}

function writeOnce(fd: number, bytes: Buffer): Promise<number | NodeJS.ErrnoException> {
  return new Promise((resolve) => {
    write(fd, bytes, (error, written) => resolve(error ?? written))
  })
}
