import type { ByteString } from '../../ftp/bytes.ts'
import { parentOf } from '../../ftp/pathname.ts'
import { BackendError, type Upload, type WriteMode } from '../backend.ts'
import type { Attrs } from './attrs.ts'
import { keptPath } from './part-name.ts'
import type { Partials } from './partials.ts'
import type { SftpClient } from './sftp-client.ts'
import { SftpUpload } from './sftp-upload.ts'
import type { TransferParts } from './transfer-parts.ts'
import { openContinued } from './upload-continued.ts'
import { dropPart, fillingOf, isInPlace, openBeside, openInPlace, removePart } from './upload-place.ts'
import type { UploadSettings } from './upload-settings.ts'

/** Opens an upload. Nothing that is there already is changed before `commit`, except in place. */
export async function openUpload(
  parts: TransferParts,
  settings: UploadSettings,
  path: ByteString,
  mode: WriteMode,
  onCommitted: (attrs: Attrs) => void,
): Promise<Upload> {
  if (path === '/') throw new BackendError('isADirectory', 'the root is a directory')
  const claims = new Claims(settings.partials)
  const release = () => claims.release()
  const committed = (attrs: Attrs) => {
    settings.told.forget(keptPath(path, settings))
    settings.partials.replaced(keptPath(path, settings))
    if (attrs.size !== undefined) onCommitted(attrs)
  }
  try {
    claims.take(keptPath(path, settings))
    if (isInPlace(parts, settings)) {
      const place = await openInPlace(parts.client, path, mode, claims.inPlace)
      return new SftpUpload(parts, settings, place, { onCommitted: committed, release })
    }
    return await openedApart(parts, settings, path, mode, claims, committed)
  } catch (error) {
    release()
    // Somebody is making a file of this name; STOU takes another one.
    if (mode.kind === 'unique' && error instanceof BackendError && error.kind === 'busy')
      throw new BackendError('alreadyExists', 'the name is being uploaded', { cause: error })
    throw error
  }
}

/** What an upload has for itself alone, from before its first request to its end. */
class Claims {
  readonly #partials: Partials
  readonly #held: (() => void)[] = []
  constructor(partials: Partials) {
    this.#partials = partials
  }
  take(kept: ByteString): void {
    this.#held.push(this.#partials.claim(kept))
  }
  /** No path is like it. */
  readonly inPlace = (target: ByteString) => this.take(`in place ${target}`)
  hide(collecting: ByteString): void {
    this.#held.push(this.#partials.hide(collecting))
  }
  release(): void {
    for (const each of this.#held.splice(0)) each()
  }
}

async function openedApart(
  parts: TransferParts,
  settings: UploadSettings,
  path: ByteString,
  mode: WriteMode,
  claims: Claims,
  onCommitted: (attrs: Attrs) => void,
): Promise<Upload> {
  const { client } = parts
  const { partials, strays, told } = settings
  const release = () => claims.release()
  const own = keptPath(path, settings)
  const claimTarget = (target: ByteString) => {
    if (target !== path) claims.take(keptPath(target, settings))
  }
  const continues = mode.kind === 'append' || mode.kind === 'restart'
  const opening = continues
    ? openContinued(parts, settings, path, mode, { target: claimTarget, inPlace: claims.inPlace })
    : openBeside(parts, settings, path, { unique: mode.kind === 'unique', filling: fillingOf(parts, settings) })
  const looks = mode.kind === 'replace' && settings.keepPartial && !strays.knows(settings, parentOf(path))
  // Under way while the client sends; nobody waits for it before the commit.
  if (looks) strays.look(parts, settings, parentOf(path)).catch(() => {})
  const place = await opening
  if (place.kind !== 'apart') return new SftpUpload(parts, settings, place, { onCommitted, release })
  const kept = keptPath(place.target.path, settings)
  try {
    if (!continues) claimTarget(place.target.path)
  } catch (error) {
    await dropPart(client, partials, kept, place)
    throw error
  }
  claims.hide(place.path)
  if (mode.kind === 'replace') {
    for (const each of new Set([own, kept])) startOver(client, partials, each)
    told.forget(own)
  }
  /** What was left behind of earlier uploads must not be taken for the rest of this one. */
  const settle = async (now: TransferParts) => {
    if (looks) await strays.look(now, settings, parentOf(place.target.path))
    const over = [...(looks ? [kept] : []), ...partials.litterOf(kept)]
    const removed = Promise.all(over.map((each) => removePart(now.client, partials, kept, each)))
    // What fails is noted; where requests are carried out in order, the rename comes after them anyway.
    if (now.server.can.answersInOrder) removed.catch(() => {})
    else await removed
  }
  return new SftpUpload(parts, settings, place, { onCommitted, release, settle })
}

/**
 * What was interrupted before is not continued after this. Nobody waits for the requests, but they go out before the client is
 * told to send; and not before the upload is open: one that cannot begin changes nothing.
 */
function startOver(client: SftpClient, partials: Partials, kept: ByteString): void {
  const orphan = partials.take(kept)
  const places = new Set([...(orphan?.places ?? []), kept])
  for (const path of places) removePart(client, partials, kept, path).catch(() => {})
}
