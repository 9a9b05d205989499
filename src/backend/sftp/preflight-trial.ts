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
    const flags = openFlag.write | openFlag.create | openFlag.exclusive
    const handle = await client.open(path, flags).catch(async (error) => {
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

/** Most were renamed, or never made: only what is still there is a failure. */
export async function removeAll(
  made: ReadonlySet<ByteString>,
  connect: () => Promise<Pick<SftpClient, 'remove' | 'lstat'>>,
): Promise<PreflightStep> {
  const name = 'remove'
  if (made.size === 0) return { name, state: 'skipped', said: 'not tried: nothing was made', blocks: false }
  const left = new Map<ByteString, string>()
  try {
    const client = await connect()
    for (const path of made) {
      await client.remove(path).catch(async (error) => {
        const gone = await client.lstat(path).then(
          () => false,
          (why) => isGone(why),
        )
        if (!gone) left.set(path, inWords(error))
      })
    }
  } catch (error) {
    for (const path of made) left.set(path, inWords(error))
  }
  if (left.size === 0) return { name, state: 'ok', said: 'nothing is left behind', blocks: false }
  const [reason] = left.values()
  const said = `${[...left.keys()].map(printable).join(', ')} may be left: ${reason}`
  const follows = 'remove it by hand; what is interrupted of uploads will be left as well'
  return { name, state: 'failed', said, follows, blocks: false }
}

function isGone(error: unknown): boolean {
  return error instanceof BackendError && error.kind === 'notFound'
}
