import type { Writable } from 'node:stream'
import type { ByteString } from '../../ftp/bytes.ts'
import { BackendError, type Upload, type WriteMode } from '../backend.ts'
import type { Attrs } from './attrs.ts'
import type { ByteBudget } from './byte-budget.ts'
import type { Capabilities } from './capabilities.ts'
import { isDirectory } from './entry.ts'
import { explain, whyOpenFailed, whyWriteFailed } from './explain.ts'
import { SftpStatusError } from './failures.ts'
import { partPath } from './part-name.ts'
import { renameOver } from './rename.ts'
import type { SftpClient } from './sftp-client.ts'
import { fileKind, openFlag, status } from './wire.ts'
import { Writer } from './writer.ts'

export interface UploadSettings {
  /** See `loginTag`. */
  readonly tag: string
  readonly fsync: 'auto' | 'off'
  readonly inFlightMax: number
  readonly budget: ByteBudget
}

/** Where the bytes go, and how they become the target. */
interface Place {
  readonly path: ByteString
  readonly handle: Buffer
  readonly start: number
  /** Undefined when the bytes go straight to the final name. */
  readonly target: Target | undefined
}
interface Target {
  readonly path: ByteString
  /** Permission bits of the file that is replaced; the new one keeps them. */
  readonly mode: number | undefined
  /** STOU: must not replace anything. */
  readonly unique: boolean
}

/** Opens an upload. Nothing that is there already is changed before `commit`, except in place (APPE, REST). */
export async function openUpload(
  client: SftpClient,
  capabilities: Capabilities,
  settings: UploadSettings,
  path: ByteString,
  mode: WriteMode,
): Promise<Upload> {
  if (path === '/') throw new BackendError('isADirectory', 'the root is a directory')
  const inPlace = mode.kind === 'append' || mode.kind === 'restart'
  const place = inPlace
    ? await openInPlace(client, path, mode)
    : await openBeside(client, settings.tag, path, mode.kind === 'unique')
  return new SftpUpload(client, capabilities, settings, place)
}

/** A temporary file beside the target; the target is looked at in the same round trip. */
async function openBeside(client: SftpClient, tag: string, path: ByteString, unique: boolean): Promise<Place> {
  const [opened, looked] = await Promise.allSettled([openPart(client, tag, path), lookAtTarget(client, path)])
  const part = opened.status === 'fulfilled' ? opened.value : undefined
  if (looked.status === 'rejected') {
    await dropPart(client, part)
    throw looked.reason
  }
  const { exists, ...target } = looked.value
  if (unique && exists) {
    await dropPart(client, part)
    throw new BackendError('alreadyExists', 'the name is taken')
  }
  if (target.path !== path) {
    // Storing to a link stores to the file that it names, as every FTP server does; the link stays a link.
    await dropPart(client, part)
    return { ...(await openPart(client, tag, target.path)), start: 0, target: { ...target, unique } }
  }
  if (opened.status === 'rejected') throw opened.reason
  return { ...opened.value, start: 0, target: { ...target, unique } }
}

interface Part {
  readonly path: ByteString
  readonly handle: Buffer
}

async function dropPart(client: SftpClient, part: Part | undefined): Promise<void> {
  if (!part) return
  await client.close(part.handle).catch(() => {})
  await client.remove(part.path).catch(() => {})
}

async function openPart(
  client: SftpClient,
  tag: string,
  target: ByteString,
): Promise<{ path: ByteString; handle: Buffer }> {
  const flags = openFlag.write | openFlag.create | openFlag.exclusive
  const plain = partPath(target, tag, false)
  try {
    return { path: plain, handle: await client.open(plain, flags) }
  } catch (error) {
    const taken =
      error instanceof SftpStatusError && (error.code === status.failure || error.code === status.fileAlreadyExists)
    const exists = taken && (await client.lstat(plain).catch(() => undefined)) !== undefined
    if (!exists) throw await explain(client, error, whyOpenFailed(target))
  }
  const another = partPath(target, tag, true)
  try {
    return { path: another, handle: await client.open(another, flags) }
  } catch (error) {
    throw await explain(client, error, whyOpenFailed(target))
  }
}

/** The final path with a link resolved, and what is there. Throws for what cannot be replaced by a file. */
async function lookAtTarget(client: SftpClient, path: ByteString) {
  const attrs = await statIfThere(() => client.lstat(path))
  if (!attrs) return { path, mode: undefined, exists: false }
  const isLink = ((attrs.permissions ?? 0) & fileKind.mask) === fileKind.symlink
  const target = isLink ? await client.realpath(path) : path
  const file = isLink ? await statIfThere(() => client.stat(path)) : attrs
  if (file && isDirectory(file)) throw new BackendError('isADirectory', 'the target is a directory')
  const mode = file?.permissions === undefined ? undefined : file.permissions & 0o7777
  // Replacing by rename would get around the protection of a read-only file.
  if (mode !== undefined && (mode & 0o222) === 0) throw new BackendError('accessDenied', 'the target is read-only')
  return { path: target, mode, exists: true }
}

async function statIfThere(stat: () => Promise<Attrs>): Promise<Attrs | undefined> {
  try {
    return await stat()
  } catch (error) {
    // Write-only inboxes refuse to look; then the upload goes on as if nothing were there.
    const absent = error instanceof BackendError && (error.kind === 'notFound' || error.kind === 'accessDenied')
    if (absent) return undefined
    throw error
  }
}

/** APPE and REST go on in the file itself; the offset is explicit, because OpenSSH ignores it on append handles. */
async function openInPlace(client: SftpClient, path: ByteString, mode: WriteMode): Promise<Place> {
  const flags = openFlag.write | openFlag.create
  let handle: Buffer
  try {
    handle = await client.open(path, flags)
  } catch (error) {
    throw await explain(client, error, whyOpenFailed(path))
  }
  try {
    const { size = 0 } = await client.fstat(handle)
    const start = mode.kind === 'restart' ? mode.offset : size
    if (start > size) throw new BackendError('badOffset', `offset ${start} is past the end (${size})`)
    return { path, handle, start, target: undefined }
  } catch (error) {
    await client.close(handle).catch(() => {})
    throw error
  }
}

class SftpUpload implements Upload {
  readonly inPlace: boolean
  readonly sink: Writable
  readonly #client: SftpClient
  readonly #capabilities: Capabilities
  readonly #settings: UploadSettings
  readonly #place: Place
  readonly #writer: Writer
  #open = true
  #over = false

  constructor(client: SftpClient, capabilities: Capabilities, settings: UploadSettings, place: Place) {
    this.#client = client
    this.#capabilities = capabilities
    this.#settings = settings
    this.#place = place
    this.inPlace = place.target === undefined
    this.#writer = new Writer(client, {
      handle: place.handle,
      start: place.start,
      requestBytes: capabilities.writeBytes,
      inFlightMax: settings.inFlightMax,
      budget: settings.budget,
      queued: () => client.session.queued,
      explain: (error, length) => explain(client, error, whyWriteFailed(place.path, length)),
    })
    this.sink = this.#writer
    // The server may be lost before anybody writes, and so before anybody listens; the error latches all the same.
    this.#writer.on('error', () => {})
    // A client that sends slowly has no request pending which could fail.
    const forget = client.session.whenDead((error) => this.#writer.destroy(error))
    this.#writer.once('close', forget)
  }

  /** fsync, size, close, rename; each must succeed before the next is asked for. */
  async commit(): Promise<void> {
    if (this.#over || !this.#writer.writableFinished) throw new BackendError('failed', 'commit of an unfinished upload')
    const { path, handle, target } = this.#place
    await this.#keepMode(handle, target)
    if (this.#settings.fsync === 'auto' && this.#capabilities.fsync) await this.#client.fsync(handle)
    await this.#checkSize(handle)
    this.#open = false
    await this.#client.close(handle)
    if (target?.unique) await this.#client.rename(path, target.path)
    else if (target) await renameOver(this.#client, path, target.path)
    this.#over = true
  }

  async abandon(): Promise<void> {
    if (this.#over) return
    this.#over = true
    this.#writer.destroy()
    if (this.#open) await this.#client.close(this.#place.handle).catch(() => {})
    this.#open = false
    if (this.#place.target) await this.#client.remove(this.#place.path).catch(() => {})
  }

  /** Best effort: object stores know no modes, and a file without its old mode is still the whole file. */
  async #keepMode(handle: Buffer, target: Target | undefined): Promise<void> {
    if (target?.mode !== undefined) await this.#client.fsetstat(handle, { permissions: target.mode }).catch(() => {})
  }

  async #checkSize(handle: Buffer): Promise<void> {
    const { size } = await this.#client.fstat(handle)
    const wanted = this.#place.start + this.#writer.acknowledged
    // In place, what was behind the bytes stays; a file of its own must have just these bytes.
    const fits = size === undefined || (this.#place.target ? size === wanted : size >= wanted)
    if (!fits) throw new BackendError('failed', `the backend holds ${size} bytes of ${wanted}`)
  }
}
