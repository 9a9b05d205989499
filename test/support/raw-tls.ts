import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface, type Interface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export interface RawDownload {
  readonly host: string
  readonly port: number
  readonly version: 'TLSv1.2' | 'TLSv1.3'
}
export interface RawUpload extends RawDownload {
  readonly size: number
  readonly ending: 'close_notify' | 'fin' | 'mid-record' | 'rst' | 'notify-rst'
}
/** A TLS client in a process of its own that ends connections as told; see raw-tls-client.py. One connection at a time. */
export class RawTlsClient {
  readonly #process: ChildProcess
  readonly #answers: Interface
  readonly #lines: AsyncIterator<string>

  constructor() {
    const script = fileURLToPath(new URL('raw-tls-client.py', import.meta.url))
    this.#process = spawn('python3', [script], { stdio: ['pipe', 'pipe', 'inherit'] })
    if (!this.#process.stdout) throw new Error('no output of python3')
    this.#answers = createInterface({ input: this.#process.stdout })
    this.#lines = this.#answers[Symbol.asyncIterator]()
  }

  /** Makes one upload; resolves when the client has closed, with the error that it met. */
  upload(request: RawUpload): Promise<{ readonly sent?: number; readonly error?: string }> {
    return this.#ask(request)
  }

  /** Reads one download to its end. */
  download(
    request: RawDownload,
  ): Promise<{ readonly received?: number; readonly end?: string; readonly error?: string }> {
    return this.#ask({ ...request, ending: 'read' })
  }

  async #ask(request: object): Promise<object> {
    this.#process.stdin?.write(`${JSON.stringify(request)}\n`)
    const { value, done } = await this.#lines.next()
    if (done) throw new Error('the raw TLS client has ended')
    return JSON.parse(value)
  }

  async close(): Promise<void> {
    const exited = new Promise((resolve) => this.#process.once('exit', resolve))
    this.#process.stdin?.end()
    await exited
    this.#answers.close()
  }
}
