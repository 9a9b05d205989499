import { createCipheriv, createHash } from 'node:crypto'
import { type Ending, FtpsClient, type Login, Lost } from './ftps-client.ts'
import type { Attempt, Content, Expectation } from './history.ts'

export interface WorkerOptions {
  readonly name: string
  readonly login: Login
  readonly seed: number
  /** How many files it works on. */
  readonly files: number
  /** Whether APPE and STOR behind REST are among its commands. */
  readonly extends: boolean
  readonly expectation: Expectation
  /** Milliseconds since the start of the run. */
  now(): number
  record(attempt: Attempt): void
}

interface Kept extends Content {
  readonly bytes: Buffer
}

/** One client that stores, fetches, renames and deletes its own files at random until told to stop. */
export class Worker {
  readonly #options: WorkerOptions
  readonly #random: () => number
  readonly #paths: readonly string[]
  /** What the client itself believes to be there, where it knows: it appends to nothing else. */
  readonly #known = new Map<string, Kept>()
  /** What was begun and not confirmed: it is gone on with where the gateway says that it ends. */
  readonly #interrupted = new Map<string, Kept>()
  #client: FtpsClient | undefined
  #count = 0

  constructor(options: WorkerOptions) {
    this.#options = options
    this.#random = randomOf(options.seed)
    this.#paths = Array.from({ length: options.files }, (_, i) => `${options.name}-${i}`)
  }

  /** Resolves when `until` was true after an attempt. */
  async run(until: () => boolean): Promise<void> {
    while (!until()) {
      try {
        this.#client ??= await FtpsClient.logIn(this.#options.login)
      } catch {
        // The gateway or its backend is away for a while.
        await new Promise((resolve) => setTimeout(resolve, 200))
        continue
      }
      await this.#attempt(this.#client)
      if (this.#client.lost) this.#client = undefined
    }
    this.#client?.destroy()
  }

  async #attempt(client: FtpsClient): Promise<void> {
    const [path, dice] = [this.#pick(this.#paths), this.#random()]
    const known = this.#known.get(path)
    const interrupted = this.#interrupted.get(path)
    if (interrupted && dice < 0.6) return this.#resume(client, path, interrupted)
    this.#interrupted.delete(path)
    if (dice < 0.5) return this.#store(client, path)
    if (dice < 0.6 && this.#options.extends && known && known.size > 0) return this.#extend(client, path, known)
    if (dice < 0.8) return this.#retrieve(client, path)
    if (dice < 0.92) return this.#rename(client, path, this.#pick(this.#paths))
    return this.#tell(
      { op: 'delete', path },
      () => client.command(`DELE ${path}`),
      () => {
        this.#known.delete(path)
        this.#interrupted.delete(path)
      },
    )
  }

  async #store(client: FtpsClient, path: string): Promise<void> {
    const content = this.#content()
    const ending = this.#ending()
    const bytes = ending === 'well' || ending === 'hangUp' ? content.size : Math.floor(this.#random() * content.size)
    await this.#send(client, path, content, { line: `STOR ${path}`, from: 0, ending, bytes })
  }

  /** Asks how much has come, as clients do, and sends the rest. */
  async #resume(client: FtpsClient, path: string, content: Kept): Promise<void> {
    const size = await client.size(path).catch(() => undefined)
    if (client.lost) return
    if (size === undefined || size >= content.size) {
      // Nothing came of it, or it is all there.
      this.#interrupted.delete(path)
      return
    }
    const append = this.#random() < 0.5
    if (!append && (await client.command(`REST ${size}`).catch(() => 0)) !== 350) return
    const ending = this.#random() < 0.7 ? 'well' : 'cut'
    const rest = content.size - size
    const bytes = ending === 'well' ? rest : Math.floor(this.#random() * rest)
    await this.#send(client, path, content, { line: `${append ? 'APPE' : 'STOR'} ${path}`, from: size, ending, bytes })
  }

  /** What came of it, where it was not confirmed, is kept: APPE would continue that. */
  async #send(client: FtpsClient, path: string, content: Kept, { line, from, ending, bytes }: Sending): Promise<void> {
    this.#options.expectation.announce(content)
    const failed = () => {
      this.#known.delete(path)
      if (client.begun && this.#options.extends) this.#interrupted.set(path, content)
    }
    const done = () => {
      this.#known.set(path, content)
      this.#interrupted.delete(path)
    }
    client.begun = false
    const run = () => client.upload(line, content.bytes.subarray(from), ending, bytes)
    const how = `${line.slice(0, 4)} from ${from}, ${bytes} bytes, ${ending}`
    await this.#tell({ op: 'store', path, content }, run, done, failed, failed, how)
  }

  /** Continues a whole file, by APPE or from an offset in it. */
  async #extend(client: FtpsClient, path: string, before: Kept): Promise<void> {
    const more = this.#content().bytes.subarray(0, 300_000)
    const offset = this.#random() < 0.5 ? before.size : Math.floor(this.#random() * before.size)
    const content = kept(Buffer.concat([before.bytes.subarray(0, offset), more]))
    // What lies behind the end of a shorter file stays, in servers that write in place.
    const append = offset === before.size
    if (content.size < before.size) return
    this.#options.expectation.announce(content)
    if (!append && (await client.command(`REST ${offset}`).catch(() => 0)) !== 350) return
    await this.#tell(
      { op: 'extend', path, content, before },
      () => client.upload(`${append ? 'APPE' : 'STOR'} ${path}`, more, 'well'),
      () => this.#known.set(path, content),
      () => this.#known.delete(path),
      () => this.#known.delete(path),
    )
  }

  async #retrieve(client: FtpsClient, path: string): Promise<void> {
    let received: Content | undefined
    const startedAt = this.#options.now()
    let code: number | undefined
    try {
      const answer = await client.download(`RETR ${path}`)
      code = answer.code
      if (code === 226) received = kept(answer.content)
    } catch (error) {
      if (!(error instanceof Lost)) throw error
    }
    this.#record({ op: 'retrieve', path, received }, code, startedAt)
  }

  async #rename(client: FtpsClient, path: string, to: string): Promise<void> {
    if (path === to) return
    if ((await client.command(`RNFR ${path}`).catch(() => 0)) !== 350) return
    const moved = this.#known.get(path)
    const forget = () => {
      for (const name of [path, to]) for (const map of [this.#known, this.#interrupted]) map.delete(name)
    }
    await this.#tell(
      { op: 'rename', path, to },
      () => client.command(`RNTO ${to}`),
      () => {
        forget()
        if (moved) this.#known.set(to, moved)
      },
      forget,
    )
  }

  /** Runs an attempt and records it; `done` after a 2yz, `unknown` when there was no answer, or one that says as much. */
  async #tell(
    what: Attempt['what'],
    run: () => Promise<number>,
    done: () => unknown,
    unknown: () => unknown = done,
    refused: () => unknown = () => {},
    how?: string,
  ): Promise<void> {
    const startedAt = this.#options.now()
    let code: number | undefined
    try {
      code = await run()
    } catch (error) {
      if (!(error instanceof Lost)) throw error
    }
    const settle = { done, unknown, refused }
    settle[outcomeOf(what.op, code)]()
    this.#record(what, code, startedAt, how)
  }

  #record(what: Attempt['what'], code: number | undefined, startedAt: number, how?: string): void {
    const { name: client, now, record } = this.#options
    const outcome = outcomeOf(what.op, code)
    // A long run makes hundreds of thousands of them: their bytes would not fit.
    const attempt = { client, what: withoutBytes(what), outcome, code, startedAt, endedAt: now() }
    record({ id: this.#count++, ...attempt, ...(how && { how }) })
  }

  /** Mostly small files, some of no bytes, some of several megabytes, of about the sizes of blocks. */
  #content(): Kept {
    const dice = this.#random()
    const sizes = [0, 1, 16_384, 32_768, 261_120, 65_536]
    const size =
      dice < 0.2
        ? Math.max(0, this.#pick(sizes) + Math.floor(this.#random() * 3) - 1)
        : Math.floor(this.#random() * (dice < 0.8 ? 100_000 : dice < 0.97 ? 3_000_000 : 12_000_000))
    const key = createHash('sha256').update(`${this.#options.seed} ${this.#options.name} ${this.#count}`).digest()
    return kept(createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(size)))
  }

  #ending(): Ending {
    if (this.#random() < 0.7) return 'well'
    return this.#pick(['hangUp', 'cut', 'reset', 'abort', 'vanish'] as const)
  }

  #pick<T>(values: readonly T[]): T {
    return values[Math.floor(this.#random() * values.length)] as T
  }
}

/** What is sent of a content: from an offset in it, so many bytes, and how it ends. */
interface Sending {
  readonly line: string
  readonly from: number
  readonly ending: Ending
  readonly bytes: number
}

/**
 * A backend that is lost while it deletes or renames may have done it; an upload ends with a rename, so 451 says that it is not
 * known. Every other failure of an upload has changed nothing.
 */
function outcomeOf(op: Attempt['what']['op'], code: number | undefined): Attempt['outcome'] {
  if (code === undefined) return 'unknown'
  if (code < 300) return 'done'
  return op !== 'retrieve' && (code === 421 || code === 451) ? 'unknown' : 'refused'
}

function withoutBytes(what: Attempt['what']): Attempt['what'] {
  switch (what.op) {
    case 'store':
      return { ...what, content: named(what.content) }
    case 'extend':
      return { ...what, content: named(what.content), before: named(what.before) }
    case 'retrieve':
      return { ...what, received: what.received && named(what.received) }
    default:
      return what
  }
}

function named({ sha256, size }: Content): Content {
  return { sha256, size }
}

function kept(bytes: Buffer): Kept {
  return { bytes, size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }
}

/** Numbers from 0 to 1 that a seed decides (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}
