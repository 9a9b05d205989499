import type { ByteString } from '../../ftp/bytes.ts'
import { parentOf } from '../../ftp/pathname.ts'
import { BackendError, type WriteMode } from '../backend.ts'
import { copyInto } from './copy.ts'
import { isFile } from './entry.ts'
import { isLost } from './failures.ts'
import { collectingPath, keptPath } from './part-name.ts'
import { toldOf } from './partials.ts'
import type { SftpClient } from './sftp-client.ts'
import type { TransferParts } from './transfer-parts.ts'
import {
  type ApartPlace,
  dropPart,
  fillingOf,
  lookAtTarget,
  openInPlace,
  openPart,
  type Place,
  startIn,
} from './upload-place.ts'
import type { UploadSettings } from './upload-settings.ts'
import { openFlag } from './wire.ts'

type Opened = Omit<ApartPlace, 'kind' | 'target'>

/**
 * APPE, and STOR behind REST: goes on in the partial file of this login, where there is one; else in a copy of the file that
 * has the name, so that it stays whole until the commit. Where a file cannot be replaced, looked at or read, in the file itself.
 * `claim` makes the upload the only one to the target before it is touched.
 */
export async function openContinued(
  parts: TransferParts,
  owner: UploadSettings,
  path: ByteString,
  mode: WriteMode,
  claim: (target: ByteString) => void,
): Promise<Place> {
  const { client, server } = parts
  if (!(await mayLook(client, path))) return openInPlace(client, path, mode)
  const { exists, modified, ...looked } = await lookAtTarget(client, path)
  claim(looked.path)
  const target = { ...looked, unique: false, replaces: exists }
  const partial = await findPartial(parts, owner, target.path, mode, modified)
  if (partial) return { kind: 'apart', ...partial, target }
  if (!exists) {
    const start = startIn(0, mode)
    checkTold(owner, target.path, mode, start, false)
    const part = await openPart(client, owner, target.path, fillingOf(parts, owner))
    return { kind: 'apart', ...part, start, size: 0, keepsTail: false, good: 0, target }
  }
  if (server.can.rename === 'plain') return openInPlace(client, path, mode)
  try {
    const copy = await openCopy(parts, owner, target.path, mode)
    return { kind: 'apart', ...copy, target: { ...target, replaces: false } }
  } catch (error) {
    // Mailboxes that may be written to and not read: nothing can be copied there.
    if (error instanceof BackendError && error.kind === 'accessDenied') return openInPlace(client, path, mode)
    throw error
  }
}

/** Where nobody may look, it is not known whether there is a file: taken for none, it would be replaced by what is appended. */
async function mayLook(client: SftpClient, path: ByteString): Promise<boolean> {
  return client.lstat(path).then(
    () => true,
    (error) => {
      if (isLost(error)) throw error
      return !(error instanceof BackendError && error.kind === 'accessDenied')
    },
  )
}

function checkTold(
  owner: UploadSettings,
  target: ByteString,
  mode: WriteMode,
  start: number,
  isPartial: boolean,
): void {
  if (mode.kind === 'append' && owner.told.contradict(keptPath(target, owner), start, isPartial))
    throw new BackendError('busy', 'the file is not what its client was told; it has to ask for the size again')
}

async function findPartial(
  parts: TransferParts,
  owner: UploadSettings,
  target: ByteString,
  mode: WriteMode,
  since: number | undefined,
): Promise<Opened | undefined> {
  const found = owner.partials.startLooking(keptPath(target, owner))
  try {
    if (owner.keepPartial) await owner.strays.look(parts, owner, parentOf(target))
    return await openPartial(parts, owner, target, mode, since)
  } finally {
    found()
  }
}

/** Takes the partial file under a name of its own: what was under way for an earlier session cannot reach it there. */
async function openPartial(
  parts: TransferParts,
  owner: UploadSettings,
  target: ByteString,
  mode: WriteMode,
  since: number | undefined,
): Promise<Opened | undefined> {
  const { client } = parts
  const { partials } = owner
  const kept = keptPath(target, owner)
  const orphan = partials.take(kept)
  const path = collectingPath(target, owner, fillingOf(parts, owner))
  const from = orphan?.path ?? kept
  try {
    await client.rename(from, path)
  } catch (error) {
    // Nobody heard whether it was carried out.
    if (isLost(error)) partials.abandon(kept, { path, orElse: from, bytes: orphan?.bytes })
    if (isLost(error) || (await isThere(client, from))) throw error
    return undefined
  }
  let handle: Buffer | undefined
  let size = 0
  try {
    const [itself, opened] = await Promise.all([client.lstat(path), client.open(path, openFlag.write)])
    handle = opened
    // What somebody has stored since is not to be replaced by this and what is appended to it unasked.
    const over = mode.kind === 'append' && !owner.told.has(kept) && (since ?? 0) > (itself.modified ?? 0)
    if (!isFile(itself) || over) {
      await dropPart(client, partials, kept, { path, handle })
      return undefined
    }
    const found = await client.fstat(handle)
    if (found.size === undefined) throw new BackendError('failed', 'the server does not tell how long the file is')
    // Of an upload whose connection was lost, only what the server had acknowledged is sure.
    size = Math.min(found.size, orphan?.bytes ?? found.size)
    const { size: told } = mode.kind === 'append' ? toldOf({ size }) : { size }
    const start = startIn(told, mode)
    checkTold(owner, target, mode, start, true)
    return { path, handle, start, size: found.size, good: size, keepsTail: false }
  } catch (error) {
    // It stays what it was, for the next try.
    if (handle) client.close(handle).catch(() => {})
    const lost = { path, bytes: orphan?.bytes ?? (size > 0 ? size : undefined) }
    if (orphan) partials.abandon(kept, lost)
    else await client.rename(path, kept).catch(() => partials.abandon(kept, lost))
    throw error
  }
}

async function isThere(client: SftpClient, path: ByteString): Promise<boolean> {
  return client.lstat(path).then(
    () => true,
    (error) => {
      if (isLost(error)) throw error
      return false
    },
  )
}

async function openCopy(
  parts: TransferParts,
  owner: UploadSettings,
  target: ByteString,
  mode: WriteMode,
): Promise<Opened> {
  const { client } = parts
  const source = await client.open(target, openFlag.read)
  try {
    const basis = await client.fstat(source)
    const { size } = basis
    if (size === undefined) throw new BackendError('failed', 'the server does not tell how long the file is')
    const start = startIn(size, mode)
    checkTold(owner, target, mode, start, false)
    const part = await openPart(client, owner, target, 'copy')
    try {
      await copyInto(parts, source, size, part.handle)
    } catch (error) {
      await dropPart(client, owner.partials, keptPath(target, owner), part)
      throw error
    }
    return { ...part, start, size, keepsTail: true, good: 0, basis }
  } finally {
    await client.close(source).catch(() => {})
  }
}
