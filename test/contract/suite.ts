import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { afterAll, beforeAll, onTestFailed, test } from 'vitest'
import type { Entry, FailureKind, FileSystem, Upload, WriteMode } from '../../src/backend/backend.ts'
import type { ByteString } from '../../src/ftp/bytes.ts'
import { type Behaviour, type Candidate, contract, type Differences } from './candidate.ts'

/** One login at the candidate, and what tests do with it. Only there while tests run. */
export interface World {
  readonly candidate: Candidate
  readonly files: FileSystem
  /** The absolute path of a name in the candidate's directory. */
  at(name: ByteString): ByteString
  put(path: ByteString, content: Buffer | string, mode?: WriteMode): Promise<void>
  get(path: ByteString, start?: number): Promise<Buffer>
  list(path: ByteString): Promise<Entry[]>
  names(path: ByteString): Promise<string[]>
}

export interface Suite {
  readonly world: World
  it(sentence: string, body: () => Promise<void>): void
  /** What this candidate does where servers differ; asking for it marks the sentence as one of those. */
  expected<K extends keyof Behaviour>(key: K): Behaviour[K]
}

/** Sentences of the contract about one thing. */
export interface Feature {
  readonly name: string
  tell(suite: Suite): void
}

/** Hears which sentences are asked, which of them held, and where a difference was in place of the contract. */
export interface Witness {
  asked(feature: string, sentence: string): void
  held(feature: string, sentence: string, differences: readonly (keyof Behaviour)[]): void
}

export interface SuiteOptions {
  readonly name: string
  readonly features: readonly Feature[]
  readonly differences?: Differences
  readonly witness?: Witness
  start(): Promise<Candidate>
}

/** Runs features of the storage contract against one candidate. */
export function runSuite({ name, features, differences = {}, witness, start }: SuiteOptions): void {
  let world: World | undefined
  beforeAll(async () => {
    const candidate = await start()
    world = inhabit(candidate, await candidate.backend.open(candidate.credentials))
  })
  afterAll(async () => {
    await world?.files.close()
    await world?.candidate.close()
  })
  for (const feature of features) {
    let differed = new Set<keyof Behaviour>()
    feature.tell({
      get world() {
        if (world === undefined) throw new Error('the candidate has not been started')
        return world
      },
      it(sentence, body) {
        witness?.asked(feature.name, sentence)
        test(`${name}: ${sentence}`, async () => {
          onTestFailed(() => console.error(`${name} said:\n${world?.candidate.log().slice(-8_000)}`))
          differed = new Set()
          await body()
          witness?.held(feature.name, sentence, [...differed])
        })
      },
      expected(key) {
        if (differences[key] !== undefined) differed.add(key)
        return differences[key]?.is ?? contract[key]
      },
    })
  }
}

function inhabit(candidate: Candidate, files: FileSystem): World {
  async function list(path: ByteString): Promise<Entry[]> {
    const entries: Entry[] = []
    for await (const batch of files.list(path)) entries.push(...batch)
    return entries
  }
  return {
    candidate,
    files,
    at: (name) => `${candidate.directory}/${name}`,
    put: (path, content, mode) => putWith(files, path, content, mode),
    get: (path, start) => getWith(files, path, start),
    list,
    names: async (path) => (await list(path)).map((entry) => entry.name).sort(),
  }
}

export async function putWith(
  files: FileSystem,
  path: ByteString,
  content: Buffer | string,
  mode: WriteMode = { kind: 'replace' },
): Promise<void> {
  const upload = await files.write(path, mode)
  await fill(upload, content)
  await upload.commit()
}

export async function getWith(files: FileSystem, path: ByteString, start = 0): Promise<Buffer> {
  const download = await files.read(path, start)
  try {
    const chunks: Buffer[] = []
    for await (const chunk of download.content) chunks.push(chunk)
    return Buffer.concat(chunks)
  } finally {
    await download.close()
  }
}

export async function fill(upload: Upload, content: Buffer | string): Promise<void> {
  const bytes = Buffer.from(content)
  const chunks: Buffer[] = []
  for (let at = 0; at < bytes.length; at += 16_384) chunks.push(bytes.subarray(at, at + 16_384))
  await pipeline(Readable.from(chunks), upload.sink)
}

/** What an assertion on a rejected BackendError matches. */
export function ofKind(kind: FailureKind): { readonly kind: FailureKind } {
  return { kind }
}
