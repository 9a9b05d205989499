import type { ByteString } from '../../ftp/bytes.ts'
import { parentOf } from '../../ftp/pathname.ts'
import { BackendError, type WriteMode } from '../backend.ts'
import type { Attrs } from './attrs.ts'
import { copyInto } from './copy.ts'
import { isFile } from './entry.ts'
import { isLost } from './failures.ts'
import { collectingPath, keptPath } from './part-name.ts'
import { type Orphan, type Partials, toldOf } from './partials.ts'
import type { SftpClient } from './sftp-client.ts'
import type { Continued } from './told-sizes.ts'
import type { TransferParts } from './transfer-parts.ts'
import {
  type ApartPlace,
  dropPart,
  fillingOf,
  lookAtTarget,
  openInPlace,
  openPart,
  type Place,
  removePart,
  startIn,
} from './upload-place.ts'
import type { UploadSettings } from './upload-settings.ts'
import { openFlag } from './wire.ts'

type Opened = Omit<ApartPlace, 'kind' | 'target'>

/** Makes the upload the only one, before anything is touched. Each throws BackendError `busy` where it is not. */
export interface Claim {
  /** Of its login, to the target. */
  target(path: ByteString): void
  /** Of all logins, to the file itself: the bytes of two would mix. */
  inPlace(path: ByteString): void
}

/**
 * APPE, and STOR behind REST: goes on in the partial file of this login, where there is one; else in a copy of the file that
 * has the name, so that it stays whole until the commit. Where a file cannot be replaced, looked at or read, in the file itself.
 */
export async function openContinued(
  parts: TransferParts,
  owner: UploadSettings,
  path: ByteString,
  mode: WriteMode,
  claim: Claim,
): Promise<Place> {
  const { client, server } = parts
  if (!(await mayLook(client, path))) return openInPlace(client, path, mode, claim.inPlace)
  const { exists, modified, ...looked } = await lookAtTarget(client, path)
  claim.target(looked.path)
  if (exists && owner.partials.wasThrownAway(keptPath(looked.path, owner)))
    throw new BackendError('badOffset', 'nothing was kept of the upload that was to replace the file; send it whole')
  const target = { ...looked, unique: false, replaces: exists }
  const partial = await findPartial(parts, owner, target.path, mode, exists ? { modified } : undefined)
  if (partial) return { kind: 'apart', ...partial, target }
  if (!exists) {
    const start = startIn(0, mode)
    checkTold(owner, target.path, mode, start, 'file')
    const part = await openPart(client, owner, target.path, fillingOf(parts, owner))
    return { kind: 'apart', ...part, start, size: 0, keepsTail: false, good: 0, target }
  }
  if (server.can.rename === 'plain') return openInPlace(client, path, mode, claim.inPlace)
  try {
    const copy = await openCopy(parts, owner, target.path, mode)
    return { kind: 'apart', ...copy, target: { ...target, replaces: false } }
  } catch (error) {
    // Mailboxes that may be written to and not read: nothing can be copied there.
    if (error instanceof BackendError && error.kind === 'accessDenied')
      return openInPlace(client, path, mode, claim.inPlace)
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
  where: Continued['in'],
): void {
  if (mode.kind !== 'append' && mode.kind !== 'restart') return
  if (owner.told.contradict(keptPath(target, owner), { start, in: where, by: mode.kind }))
    throw new BackendError('busy', 'the file is not what its client was told; it has to ask for the size again')
}

/** The file that has the name. */
type Finished = Pick<Attrs, 'modified'>

/**
 * Whether a partial file gives way to the file that has the name, for a client that does not know of it: one that somebody has
 * stored since, or of which nothing has come, is not to be replaced by what is appended.
 */
function isOver(partial: Attrs, file: Finished): boolean {
  return (file.modified ?? 0) > (partial.modified ?? 0) || partial.size === 0
}

async function findPartial(
  parts: TransferParts,
  owner: UploadSettings,
  target: ByteString,
  mode: WriteMode,
  file: Finished | undefined,
): Promise<Opened | undefined> {
  const found = owner.partials.startLooking(keptPath(target, owner))
  try {
    if (owner.keepPartial) await owner.strays.look(parts, owner, parentOf(target))
    return await openPartial(parts, owner, target, mode, file)
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
  file: Finished | undefined,
): Promise<Opened | undefined> {
  const { client } = parts
  const { partials } = owner
  const kept = keptPath(target, owner)
  if (partials.isLitter(kept)) await removePart(client, partials, kept, kept)
  const orphan = partials.take(kept)
  const path = collectingPath(target, owner, fillingOf(parts, owner))
  if (!(await takeOver(client, partials, kept, orphan, path))) return undefined
  let handle: Buffer | undefined
  let size = 0
  try {
    const [itself, opened] = await Promise.all([client.lstat(path), client.open(path, openFlag.write)])
    handle = opened
    const unasked = mode.kind === 'append' && !owner.told.has(kept)
    if (!isFile(itself) || (unasked && file && isOver(itself, file))) {
      await dropPart(client, partials, kept, { path, handle })
      return undefined
    }
    const found = await client.fstat(handle)
    if (found.size === undefined) throw new BackendError('failed', 'the server does not tell how long the file is')
    // Of an upload whose connection was lost, only what the server had acknowledged is sure.
    size = Math.min(found.size, orphan?.bytes ?? found.size)
    const { size: told } = mode.kind === 'append' ? toldOf({ size }) : { size }
    const start = startIn(told, mode)
    checkTold(owner, target, mode, start, 'partial')
    return { path, handle, start, size: found.size, good: size, keepsTail: false }
  } catch (error) {
    // It stays what it was, for the next try.
    if (handle) client.close(handle).catch(() => {})
    const lost = { places: [path, kept], bytes: orphan?.bytes ?? (size > 0 ? size : undefined) }
    if (orphan) partials.abandon(kept, lost)
    else await client.rename(path, kept).catch(() => partials.abandon(kept, lost))
    throw error
  }
}

/** Gives the partial file another name; false: there is none. */
async function takeOver(
  client: SftpClient,
  partials: Partials,
  kept: ByteString,
  orphan: Orphan | undefined,
  path: ByteString,
): Promise<boolean> {
  const places = orphan?.places ?? [kept]
  let left = places
  try {
    for (const [i, place] of places.entries()) {
      left = [...places.slice(i), path]
      const failure = await client.rename(place, path).then(
        () => undefined,
        (error: unknown) => error,
      )
      if (failure === undefined) return true
      if (isLost(failure) || (await isThere(client, place))) throw failure
    }
    return false
  } catch (error) {
    // Nobody heard what was carried out.
    if (isLost(error)) partials.abandon(kept, { places: left, bytes: orphan?.bytes })
    else if (orphan) partials.abandon(kept, orphan)
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
    checkTold(owner, target, mode, start, 'file')
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
