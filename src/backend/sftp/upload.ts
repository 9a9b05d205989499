import type { Writable } from 'node:stream'
import type { ByteString } from '../../ftp/bytes.ts'
import { BackendError, type ByteTarget, type Upload, type WriteMode } from '../backend.ts'
import type { Attrs } from './attrs.ts'
import type { TransferParts } from './download.ts'
import { isDirectory } from './entry.ts'
import { explain, whyOpenFailed, whyWriteFailed } from './explain.ts'
import { isRefusedAltogether, SftpStatusError } from './failures.ts'
import { partPath } from './part-name.ts'
import { renameOver } from './rename.ts'
import type { SftpClient } from './sftp-client.ts'
import { fileKind, openFlag, status } from './wire.ts'
import { type WriteLane, Writer } from './writer.ts'

export interface UploadSettings {
  /** See `loginTag`. */
  readonly tag: string
  readonly fsync: 'auto' | 'off'
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
  parts: TransferParts,
  settings: UploadSettings,
  path: ByteString,
  mode: WriteMode,
  onCommitted: (attrs: Attrs) => void,
): Promise<Upload> {
  const { client } = parts
  if (path === '/') throw new BackendError('isADirectory', 'the root is a directory')
  const inPlace = mode.kind === 'append' || mode.kind === 'restart'
  const place = inPlace
    ? await openInPlace(client, path, mode)
    : await openBeside(client, settings.tag, path, mode.kind === 'unique')
  return new SftpUpload(parts, settings, place, onCommitted)
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
    const { size } = await client.fstat(handle)
    // Without it an append would begin at 0, over what is there.
    if (size === undefined) throw new BackendError('failed', 'the server does not tell how long the file is')
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
  readonly direct: ByteTarget
  readonly #client: SftpClient
  readonly #parts: TransferParts
  readonly #settings: UploadSettings
  readonly #place: Place
  readonly #onCommitted: (attrs: Attrs) => void
  readonly #writer: Writer
  readonly #laneClosers: (() => Promise<void>)[] = []
  /** fsync, size and CLOSE, once they have been asked for. */
  #sealed: Promise<Attrs> | undefined
  #closed: Promise<void> | undefined
  #over = false

  constructor(parts: TransferParts, settings: UploadSettings, place: Place, onCommitted: (attrs: Attrs) => void) {
    const { client, server, lanes, inFlightMax, budget } = parts
    this.#client = client
    this.#parts = parts
    this.#settings = settings
    this.#place = place
    this.#onCommitted = onCommitted
    this.inPlace = place.target === undefined
    this.#writer = new Writer(laneOf(client, place.handle), {
      start: place.start,
      requestBytes: server.can.writeBytes,
      inFlightMax,
      budget,
      onAllSent: () => {
        // On such a server these come after the last WRITE, so they need not wait for its acknowledgement.
        if (server.can.answersInOrder && this.#writer.inOrder) void this.#seal()
      },
      onLarge: () => {
        if (lanes.wanted) this.#widen()
      },
      explain: (error, length) => explain(client, error, whyWriteFailed(place.path, length)),
    })
    this.sink = this.#writer
    this.direct = this.#writer
    // The server may be lost before anybody writes, and so before anybody listens; the error latches all the same.
    this.#writer.on('error', () => {})
    // A client that sends slowly has no request pending which could fail.
    const forget = client.session.whenDead((error) => this.#writer.destroy(error))
    this.#writer.once('close', forget)
  }

  /** The final name comes last, and only when all the rest was acknowledged: a rename cannot be taken back. */
  async commit(): Promise<void> {
    if (this.#over || !this.#writer.writableFinished) throw new BackendError('failed', 'commit of an unfinished upload')
    const { path, target } = this.#place
    const attrs = await this.#seal()
    if (target?.unique) await this.#client.rename(path, target.path)
    else if (target) await renameOver(this.#client, this.#parts.server, path, target.path)
    this.#over = true
    if (attrs.size !== undefined) this.#onCommitted(attrs)
  }

  async abandon(): Promise<void> {
    if (this.#over) return
    this.#over = true
    this.#writer.destroy()
    await this.#close().catch(() => {})
    if (this.#place.target) await this.#client.remove(this.#place.path).catch(() => {})
  }

  /** Makes what was written durable, checks its size and closes it. */
  #seal(): Promise<Attrs> {
    this.#sealed ??= this.#parts.server.can.answersInOrder ? this.#sealAtOnce() : this.#sealStepByStep()
    this.#sealed.catch(() => {})
    return this.#sealed
  }

  async #sealAtOnce(): Promise<Attrs> {
    const [, , attrs] = await Promise.all([this.#keepMode(), this.#fsync(), this.#attrs(), this.#close()])
    return this.#checked(attrs)
  }

  async #sealStepByStep(): Promise<Attrs> {
    await this.#keepMode()
    await this.#fsync()
    const attrs = await this.#attrs()
    await this.#close()
    return this.#checked(attrs)
  }

  /** Best effort: object stores know no modes, and a file without its old mode is still the whole file. */
  async #keepMode(): Promise<void> {
    const { handle, target } = this.#place
    const { server } = this.#parts
    if (target?.mode === undefined || server.can.setMode === 'ignore') return
    await this.#client.fsetstat(handle, { permissions: target.mode }).catch((error) => {
      if (isRefusedAltogether(error)) server.learn({ setMode: 'ignore' })
    })
  }

  async #fsync(): Promise<void> {
    if (this.#settings.fsync === 'auto' && this.#parts.server.can.fsync) await this.#client.fsync(this.#place.handle)
  }

  /** Nothing where the server cannot tell: every WRITE was acknowledged, and it has said all it can. */
  async #attrs(): Promise<Attrs> {
    const { server } = this.#parts
    if (server.can.sizeAfterUpload === 'skip') return {}
    try {
      return await this.#client.fstat(this.#place.handle)
    } catch (error) {
      if (!isRefusedAltogether(error)) throw error
      server.learn({ sizeAfterUpload: 'skip' })
      return {}
    }
  }

  /** Every handle of the file, once. */
  #close(): Promise<void> {
    const closers = [() => this.#client.close(this.#place.handle), ...this.#laneClosers]
    this.#closed ??= Promise.all(closers.map((close) => close())).then(() => {})
    return this.#closed
  }

  #checked(attrs: Attrs): Attrs {
    const { size } = attrs
    const wanted = this.#place.start + this.#writer.sent
    // In place, what was behind the bytes stays; a file of its own must have just these bytes.
    const fits = size === undefined || (this.#place.target ? size === wanted : size >= wanted)
    if (!fits) throw new BackendError('failed', `the backend holds ${size} bytes of ${wanted}`)
    return attrs
  }

  /** A large file goes on over further connections, each with a handle of its own. */
  #widen(): void {
    this.#parts.lanes.spread(async (client) => {
      const handle = await client.open(this.#place.path, openFlag.write)
      if (this.#closed || !this.#writer.addLane(laneOf(client, handle))) return client.close(handle)
      this.#laneClosers.push(() => client.close(handle))
    })
  }
}

function laneOf(client: SftpClient, handle: Buffer): WriteLane {
  return { client, handle, queued: () => client.session.queued }
}
