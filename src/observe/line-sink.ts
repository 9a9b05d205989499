import { write, writeSync } from 'node:fs'

/** Characters of lines that may wait for a slow reader. */
const waitingMax = 16 * 1024 * 1024
const retryMs = 20

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
      if (!(await writeAll(this.#fd, Buffer.from(lines.join(''))))) this.#dropped += lines.length
    }
    this.#work = undefined
  }

  #take(): string[] {
    const lines = this.#waiting
    this.#waiting = []
    this.#length = 0
    return lines
  }
}

/** Whether every byte was taken. */
async function writeAll(fd: number, bytes: Buffer): Promise<boolean> {
  let at = 0
  while (at < bytes.length) {
    const result = await writeOnce(fd, bytes.subarray(at))
    if (typeof result === 'number') at += result
    else if (result.code === 'EAGAIN') await new Promise((resolve) => setTimeout(resolve, retryMs))
    else return false
  }
  return true
}

function writeOnce(fd: number, bytes: Buffer): Promise<number | NodeJS.ErrnoException> {
  return new Promise((resolve) => {
    write(fd, bytes, (error, written) => resolve(error ?? written))
  })
}
