import type { ByteString } from '../../ftp/bytes.ts'
import { parentOf } from '../../ftp/pathname.ts'
import { BackendError, type WriteMode } from '../backend.ts'
import { copyInto } from './copy.ts'
import { isLost } from './failures.ts'
import { collectingPath, keptPath } from './part-name.ts'
import { toldOf } from './partials.ts'
import type { TransferParts } from './transfer-parts.ts'
import {
  dropPart,
  fillingOf,
  lookAtTarget,
  type OpenFile,
  openInPlace,
  openPart,
  type Place,
  startIn,
} from './upload-place.ts'
import type { UploadSettings } from './upload-settings.ts'
import { openFlag } from './wire.ts'

/**
 * APPE, and STOR behind REST: goes on in the partial file of this login, where there is one; else in a copy of the file that
 * has the name, so that it stays whole until the commit. Where a file cannot be replaced, or not be read, in the file itself.
 */
export async function openContinued(
  parts: TransferParts,
  owner: UploadSettings,
  path: ByteString,
  mode: WriteMode,
): Promise<Place> {
  const { client, server } = parts
  const { exists, ...looked } = await lookAtTarget(client, path)
  if (owner.keepPartial) await owner.strays.look(parts, owner, parentOf(looked.path))
  const target = { ...looked, unique: false, replaces: exists }
  if (mode.kind === 'append' && owner.outdated.has(keptPath(target.path, owner)))
    throw new BackendError(
      'busy',
      'the file was being uploaded when its size was asked for; it has to be asked for again',
    )
  const partial = await openPartial(parts, owner, target.path, mode)
  if (partial) return { kind: 'apart', ...partial, keepsTail: false, target }
  if (!exists) {
    const start = startIn(0, mode)
    const part = await openPart(client, owner, target.path, fillingOf(parts))
    return { kind: 'apart', ...part, start, size: 0, keepsTail: false, target }
  }
  if (server.can.rename === 'plain') return openInPlace(client, path, mode)
  try {
    const copy = await openCopy(parts, owner, target.path, mode)
    return { kind: 'apart', ...copy, keepsTail: true, target: { ...target, replaces: false } }
  } catch (error) {
    // Mailboxes that may be written to and not read: nothing can be copied there.
    if (error instanceof BackendError && error.kind === 'accessDenied') return openInPlace(client, path, mode)
    throw error
  }
}

/** Takes the partial file under a name of its own: what was under way for an earlier session cannot reach it there. */
async function openPartial(
  parts: TransferParts,
  owner: UploadSettings,
  target: ByteString,
  mode: WriteMode,
): Promise<OpenFile | undefined> {
  const { client } = parts
  const { partials } = owner
  const kept = keptPath(target, owner)
  if (partials.isLive(kept)) throw new BackendError('busy', 'the same login is uploading this file already')
  const orphan = partials.take(kept)
  const path = collectingPath(target, owner, fillingOf(parts))
  try {
    await client.rename(orphan?.path ?? kept, path)
  } catch (error) {
    if (isLost(error)) {
      if (orphan) partials.abandon(kept, orphan)
      throw error
    }
    return undefined
  }
  let handle: Buffer | undefined
  let size = 0
  try {
    handle = await client.open(path, openFlag.write)
    const found = await client.fstat(handle)
    if (found.size === undefined) throw new BackendError('failed', 'the server does not tell how long the file is')
    // Of an upload whose connection was lost, only what the server had acknowledged is sure.
    size = Math.min(found.size, orphan?.bytes ?? found.size)
    const { size: told } = mode.kind === 'append' ? toldOf({ size }) : { size }
    return { path, handle, start: startIn(told, mode), size: found.size }
  } catch (error) {
    // It stays what it was, for the next try.
    if (handle) client.close(handle).catch(() => {})
    if (orphan || size === 0) partials.abandon(kept, orphan ? { path, bytes: orphan.bytes } : { path, bytes: size })
    else await client.rename(path, kept).catch(() => partials.abandon(kept, { path, bytes: size }))
    throw error
  }
}

async function openCopy(
  parts: TransferParts,
  owner: UploadSettings,
  target: ByteString,
  mode: WriteMode,
): Promise<OpenFile> {
  const { client } = parts
  const source = await client.open(target, openFlag.read)
  try {
    const { size } = await client.fstat(source)
    if (size === undefined) throw new BackendError('failed', 'the server does not tell how long the file is')
    const start = startIn(size, mode)
    const part = await openPart(client, owner, target, 'copy')
    try {
      await copyInto(parts, source, size, part.handle)
    } catch (error) {
      await dropPart(client, owner.partials, keptPath(target, owner), part)
      throw error
    }
    return { ...part, start, size }
  } finally {
    await client.close(source).catch(() => {})
  }
}
