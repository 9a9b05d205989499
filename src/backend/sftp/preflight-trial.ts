import { randomBytes } from 'node:crypto'
import { type ByteString, printable } from '../../ftp/bytes.ts'
import { join } from '../../ftp/pathname.ts'
import { BackendError } from '../backend.ts'
import { writeHeaderLength } from './encode.ts'
import { explain, whyOpenFailed, whyWriteFailed } from './explain.ts'
import { collectingPath, type PartOwner } from './part-name.ts'
import { inWords, type PreflightStep } from './preflight-step.ts'
import type { Server } from './server.ts'
import type { SftpClient } from './sftp-client.ts'
import { openFlag } from './wire.ts'

export interface TrialParts {
  readonly client: SftpClient
  readonly server: Server
  readonly settings: PartOwner
  /** Where the files are made. */
  readonly directory: ByteString
}

/** The files of one preflight. */
export class Trial {
  /** What may be there, and is to be removed. */
  readonly made = new Set<ByteString>()
  readonly final: ByteString
  /** What the final name should hold; undefined when that is not known. */
  expected: Buffer | undefined
  readonly #parts: TrialParts
  readonly #open = new Set<Buffer>()

  constructor(parts: TrialParts) {
    this.#parts = parts
    this.final = this.name('')
  }

  name(ending: string): ByteString {
    return join(this.#parts.directory, `.ftps-gateway-test-${randomBytes(4).toString('hex')}${ending}`)
  }

  async create(): Promise<{ readonly path: ByteString; readonly handle: Buffer }> {
    const { client, settings } = this.#parts
    const path = collectingPath(this.final, settings, 'copy')
    // An answer that is lost does not say whether the file was made.
    this.made.add(path)
    const open = () => client.open(path, openFlag.write | openFlag.create | openFlag.exclusive)
    const { staging } = settings
    const handle = await (staging === undefined ? open() : inStaging(client, staging, open)).catch(async (error) => {
      throw await explain(client, error, whyOpenFailed(path))
    })
    this.#open.add(handle)
    return { path, handle }
  }

  /** The file of the final name, as an upload in place opens it. */
  async openFinal(): Promise<Buffer> {
    const handle = await this.#parts.client.open(this.final, openFlag.write | openFlag.create)
    this.#open.add(handle)
    return handle
  }

  async write(path: ByteString, handle: Buffer, content: Buffer): Promise<void> {
    const { client, server } = this.#parts
    const header = writeHeaderLength(handle)
    for (let at = 0; at < content.length; ) {
      const data = content.subarray(at, at + server.can.writeBytes)
      // The request's memory is its own: it may still be on its way when an early refusal has come back.
      const message = Buffer.concat([Buffer.alloc(header), data])
      await client.write(message, handle, at, data.length).catch(async (error) => {
        throw await explain(client, error, whyWriteFailed(path, data.length))
      })
      at += data.length
    }
  }

  async close(handle: Buffer): Promise<void> {
    this.#open.delete(handle)
    await this.#parts.client.close(handle)
  }

  async closeHandles(): Promise<void> {
    for (const handle of this.#open) await this.close(handle).catch(() => {})
  }
}

/** The folder of temporary files is made as uploads make it, and stays, as theirs: one may be about to use it. */
async function inStaging<T>(client: SftpClient, folder: ByteString, open: () => Promise<T>): Promise<T> {
  try {
    return await open()
  } catch (error) {
    if (!isGone(error)) throw error
    await client.mkdir(folder).catch(() => {})
    return open()
  }
}

type Remover = Pick<SftpClient, 'remove' | 'lstat'>

/** Over another session where the first was lost, before or meanwhile. */
export async function removeAll(
  made: ReadonlySet<ByteString>,
  client: SftpClient,
  another: () => Promise<Remover>,
): Promise<PreflightStep> {
  const name = 'remove'
  if (made.size === 0) return { name, state: 'skipped', said: 'not tried: nothing was made', blocks: false }
  let left = await remaining(made, async () => client)
  if (left.size > 0 && client.session.dead) left = await remaining([...left.keys()], another)
  if (left.size === 0) return { name, state: 'ok', said: 'nothing is left behind', blocks: false }
  const [reason] = left.values()
  const said = `${[...left.keys()].map(printable).join(', ')} may be left: ${reason}`
  const follows = 'remove it by hand; what is interrupted of uploads will be left as well'
  return { name, state: 'failed', said, follows, blocks: false }
}

/** Removes the files, and says why one is still there. Most were renamed, or never made: those are no failures. */
async function remaining(
  paths: Iterable<ByteString>,
  connect: () => Promise<Remover>,
): Promise<ReadonlyMap<ByteString, string>> {
  const left = new Map<ByteString, string>()
  try {
    const client = await connect()
    for (const path of paths) {
      await client.remove(path).catch(async (error) => {
        if (!isGone(error) && !(await client.lstat(path).then(() => false, isGone))) left.set(path, inWords(error))
      })
    }
  } catch (error) {
    for (const path of paths) left.set(path, inWords(error))
  }
  return left
}

function isGone(error: unknown): boolean {
  return error instanceof BackendError && error.kind === 'notFound'
}
