import type { ByteString } from '../../ftp/bytes.ts'
import { join, parentOf, resolve } from '../../ftp/pathname.ts'
import { BackendError, type WriteMode } from '../backend.ts'
import type { Attrs } from './attrs.ts'
import { isDirectory } from './entry.ts'
import { explain, whyOpenFailed } from './explain.ts'
import { isLost } from './failures.ts'
import { collectingPath, type Filling, keptPath } from './part-name.ts'
import type { Partials } from './partials.ts'
import type { SftpClient } from './sftp-client.ts'
import type { TransferParts } from './transfer-parts.ts'
import type { UploadSettings } from './upload-settings.ts'
import { fileKind, openFlag } from './wire.ts'

/** Where the bytes go, and how they become the target. */
export type Place = ApartPlace | InPlace

export interface OpenFile {
  readonly path: ByteString
  readonly handle: Buffer
  readonly start: number
  /** How long the file is already. */
  readonly size: number
}
/** A file of its own, which gets the target's name in the end. */
export interface ApartPlace extends OpenFile {
  readonly kind: 'apart'
  readonly target: Target
  /**
   * Whether what is behind the bytes that come belongs to the file: where one that was finished is written into, it does; where
   * a client goes back in its partial file, it does not.
   */
  readonly keepsTail: boolean
  /** How much of it was there before this upload, and is good: that of an interrupted upload. */
  readonly good: number
  /** The file that was copied into it, as it was then: another one must not be replaced by this. */
  readonly basis?: Pick<Attrs, 'size' | 'modified'>
}
/** The final name itself: to be gone on with (APPE and REST), or to be written from its beginning. */
export interface InPlace extends OpenFile {
  readonly kind: 'goneOn' | 'overwritten'
  /** Whether the upload has made the file. */
  readonly made: boolean
  /** STOU: part of it means nothing to its client. */
  readonly unique: boolean
}
export interface Target {
  readonly path: ByteString
  /** Permission bits of the file that is replaced; the new one keeps them. */
  readonly mode: number | undefined
  /** STOU: must not replace anything. */
  readonly unique: boolean
  /** Whether a file has the name, which is being replaced from its beginning. */
  readonly replaces: boolean
}

/** A temporary file beside the target; the target is looked at in the same round trip. */
export async function openBeside(
  { client, server }: Pick<TransferParts, 'client' | 'server'>,
  owner: UploadSettings,
  path: ByteString,
  { unique, filling }: { readonly unique: boolean; readonly filling: Filling },
): Promise<ApartPlace> {
  const [opened, looked] = await Promise.allSettled([
    openPart(client, owner, path, filling),
    lookAtTarget(client, path),
  ])
  const part = opened.status === 'fulfilled' ? opened.value : undefined
  const drop = () => dropPart(client, owner.partials, keptPath(path, owner), part)
  if (looked.status === 'rejected') {
    await drop()
    throw looked.reason
  }
  const { exists, modified: _, ...target } = looked.value
  if (unique && exists) {
    await drop()
    throw new BackendError('alreadyExists', 'the name is taken')
  }
  const whole = { ...target, unique, replaces: exists }
  const fresh = { kind: 'apart', start: 0, size: 0, keepsTail: false, good: 0, target: whole } as const
  if (target.path !== path) {
    // Storing to a link stores to the file that it names, as every FTP server does; the link stays a link.
    await drop()
    return { ...(await openPart(client, owner, target.path, filling)), ...fresh }
  }
  if (opened.status === 'rejected') throw opened.reason
  // Until the end it would be open to whoever may read new files here.
  if (server.can.setMode === 'ok' && target.mode !== undefined && (target.mode & 0o044) !== 0o044)
    client.fsetstat(opened.value.handle, { permissions: target.mode }).catch(() => {})
  return { ...opened.value, ...fresh }
}

/** Where nothing can be renamed there is no other way. */
export function isInPlace({ server }: Pick<TransferParts, 'server'>, { mode }: Pick<UploadSettings, 'mode'>): boolean {
  return mode === 'in-place' || server.can.rename === 'none'
}

/** How a client's bytes reach their file. */
export function fillingOf(
  { server, lanes }: Pick<TransferParts, 'server' | 'lanes'>,
  { continuable }: Pick<UploadSettings, 'continuable'>,
): Filling {
  return server.can.answersInOrder && !lanes.wanted && continuable !== false ? 'sequence' : 'gaps'
}

export interface Part {
  readonly path: ByteString
  readonly handle: Buffer
}

/** Gives a temporary file up; never throws. */
export async function dropPart(
  client: SftpClient,
  partials: Partials,
  kept: ByteString,
  part: Part | undefined,
): Promise<void> {
  if (!part) return
  await client.close(part.handle).catch(() => {})
  await removePart(client, partials, kept, part.path).catch(() => {})
}

/**
 * Removes a file that is nobody's any more, or notes that it is to be removed; whether there was one. Throws BackendError only
 * when the backend is lost.
 */
export async function removePart(
  client: SftpClient,
  partials: Partials,
  kept: ByteString,
  path: ByteString,
): Promise<boolean> {
  try {
    await client.remove(path)
    partials.removedLitter(kept, path)
    return true
  } catch (error) {
    if (isLost(error)) partials.addLitter(kept, path)
    if (isLost(error)) throw error
    if (error instanceof BackendError && error.kind === 'notFound') partials.removedLitter(kept, path)
    return false
  }
}

/** A new file of a name that nobody has. */
export async function openPart(
  client: SftpClient,
  owner: UploadSettings,
  target: ByteString,
  filling: Filling,
): Promise<Part> {
  const path = collectingPath(target, owner, filling)
  const open = () => client.open(path, openFlag.write | openFlag.create | openFlag.exclusive)
  const { staging } = owner
  try {
    const handle = await (staging === undefined
      ? open()
      : open().catch((error) => inNewFolder(client, staging, error, open)))
    return { path, handle }
  } catch (error) {
    // The request may be carried out all the same.
    if (isLost(error)) owner.partials.addLitter(keptPath(target, owner), path)
    throw await explain(client, error, whyOpenFailed(target))
  }
}

/** The folder of temporary files is made when it is first needed. */
async function inNewFolder<T>(
  client: SftpClient,
  folder: ByteString,
  error: unknown,
  open: () => Promise<T>,
): Promise<T> {
  if (!(error instanceof BackendError) || error.kind !== 'notFound') throw error
  // Somebody else may have made it meanwhile.
  await client.mkdir(folder).catch(() => {})
  return open()
}

/** The final path with a link resolved, and what is there. Throws for what cannot be replaced by a file. */
export async function lookAtTarget(client: SftpClient, path: ByteString) {
  const attrs = await statIfThere(() => client.lstat(path))
  if (!attrs) return { path, mode: undefined, modified: undefined, exists: false }
  const isLink = ((attrs.permissions ?? 0) & fileKind.mask) === fileKind.symlink
  const target = isLink ? await whereLinkLeads(client, path) : path
  const file = isLink ? await statIfThere(() => client.stat(path)) : attrs
  if (file && isDirectory(file)) throw new BackendError('isADirectory', 'the target is a directory')
  const mode = file?.permissions === undefined ? undefined : file.permissions & 0o7777
  // Replacing by rename would get around the protection of a read-only file.
  if (mode !== undefined && (mode & 0o222) === 0) throw new BackendError('accessDenied', 'the target is read-only')
  return { path: target, mode, modified: file?.modified, exists: true }
}

/** Many servers' REALPATH (Paramiko's, pkg/sftp's) only tidies the text of a path; then the link itself is asked. */
export async function whereLinkLeads(client: SftpClient, link: ByteString): Promise<ByteString> {
  const real = await client.realpath(link)
  if (real !== link) return real
  const stored = await client.readlink(link)
  return resolve('/', stored.startsWith('/') ? stored : join(parentOf(link), stored), '/') ?? link
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

/**
 * The file itself: for APPE and REST where it cannot be replaced, for all uploads where the operator wants that. What is there
 * is not touched before the first byte comes. `claim` makes it the only upload of all logins to the file: the bytes of two would mix. The offset is explicit, because OpenSSH ignores it on append
 * handles.
 */
export async function openInPlace(
  client: SftpClient,
  path: ByteString,
  mode: WriteMode,
  claim: (target: ByteString) => void,
): Promise<InPlace> {
  const unique = mode.kind === 'unique'
  const kind = unique || mode.kind === 'replace' ? 'overwritten' : 'goneOn'
  const target = await lookAtTarget(client, path)
  claim(target.path)
  if (unique && target.exists) throw new BackendError('alreadyExists', 'the name is taken')
  const flags = openFlag.write | openFlag.create | (unique ? openFlag.exclusive : 0)
  const handle = await client.open(path, flags).catch(async (error) => {
    throw await explain(client, error, whyOpenFailed(path))
  })
  try {
    const { size } = await client.fstat(handle)
    // Without it an append would begin at 0, over what is there.
    if (size === undefined) throw new BackendError('failed', 'the server does not tell how long the file is')
    const start = kind === 'goneOn' ? startIn(size, mode) : 0
    return { kind, path, handle, start, size, made: kind === 'overwritten' && !target.exists, unique }
  } catch (error) {
    await client.close(handle).catch(() => {})
    throw error
  }
}

/** Where an upload that continues begins in a file of such a size. Throws BackendError `badOffset` behind its end. */
export function startIn(size: number, mode: WriteMode): number {
  const start = mode.kind === 'restart' ? mode.offset : size
  if (start > size) throw new BackendError('badOffset', `offset ${start} is past the end (${size})`)
  return start
}
