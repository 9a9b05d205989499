import type { ByteString } from '../../ftp/bytes.ts'
import { join, parentOf, resolve } from '../../ftp/pathname.ts'
import { BackendError, type WriteMode } from '../backend.ts'
import type { Attrs } from './attrs.ts'
import { isDirectory } from './entry.ts'
import { explain, whyOpenFailed } from './explain.ts'
import { SftpStatusError } from './failures.ts'
import { partPath } from './part-name.ts'
import type { SftpClient } from './sftp-client.ts'
import { fileKind, openFlag, status } from './wire.ts'

/** Where the bytes go, and how they become the target. */
export interface Place {
  readonly path: ByteString
  readonly handle: Buffer
  readonly start: number
  /** Undefined when the bytes go straight to the final name. */
  readonly target: Target | undefined
}
export interface Target {
  readonly path: ByteString
  /** Permission bits of the file that is replaced; the new one keeps them. */
  readonly mode: number | undefined
  /** STOU: must not replace anything. */
  readonly unique: boolean
}

/** A temporary file beside the target; the target is looked at in the same round trip. */
export async function openBeside(client: SftpClient, tag: string, path: ByteString, unique: boolean): Promise<Place> {
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
  const target = isLink ? await whereLinkLeads(client, path) : path
  const file = isLink ? await statIfThere(() => client.stat(path)) : attrs
  if (file && isDirectory(file)) throw new BackendError('isADirectory', 'the target is a directory')
  const mode = file?.permissions === undefined ? undefined : file.permissions & 0o7777
  // Replacing by rename would get around the protection of a read-only file.
  if (mode !== undefined && (mode & 0o222) === 0) throw new BackendError('accessDenied', 'the target is read-only')
  return { path: target, mode, exists: true }
}

/** Many servers' REALPATH (Paramiko's, pkg/sftp's) only tidies the text of a path; then the link itself is asked. */
async function whereLinkLeads(client: SftpClient, link: ByteString): Promise<ByteString> {
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

/** APPE and REST go on in the file itself; the offset is explicit, because OpenSSH ignores it on append handles. */
export async function openInPlace(client: SftpClient, path: ByteString, mode: WriteMode): Promise<Place> {
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
