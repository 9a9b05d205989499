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
import { type ApartPlace, dropPart, fillingOf, isInPlace, openBeside, openInPlace, removePart } from './upload-place.ts'
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
  if (isInPlace(parts, settings)) return openedInPlace(parts, settings, path, mode, onCommitted)
  const { client } = parts
  const { partials, strays } = settings
  const continues = mode.kind === 'append' || mode.kind === 'restart'
  if (mode.kind === 'replace') {
    startOver(client, partials, keptPath(path, settings))
    settings.outdated.forget(keptPath(path, settings))
  }
  const opening = continues
    ? openContinued(parts, settings, path, mode)
    : openBeside(client, settings, path, { unique: mode.kind === 'unique', filling: fillingOf(parts) })
  const looks = mode.kind === 'replace' && settings.keepPartial && !strays.knows(settings, parentOf(path))
  // Under way while the client sends; nobody waits for it before the commit.
  if (looks) strays.look(parts, settings, parentOf(path)).catch(() => {})
  const place = await opening
  if (place.kind !== 'apart') return new SftpUpload(parts, settings, place, { onCommitted, release: () => {} })
  const kept = keptPath(place.target.path, settings)
  const release = await claimed(client, partials, kept, place, () => {
    if (mode.kind === 'replace' && place.target.path !== path) startOver(client, partials, kept)
  })
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

/** Two uploads of a login into one file would be mixed there. */
async function openedInPlace(
  parts: TransferParts,
  settings: UploadSettings,
  path: ByteString,
  mode: WriteMode,
  onCommitted: (attrs: Attrs) => void,
): Promise<Upload> {
  const release = settings.partials.claim(`${settings.tag}${path}`)
  try {
    const place = await openInPlace(parts.client, path, mode)
    return new SftpUpload(parts, settings, place, { onCommitted, release })
  } catch (error) {
    release()
    throw error
  }
}

async function claimed(
  client: SftpClient,
  partials: Partials,
  kept: ByteString,
  place: ApartPlace,
  before: () => void,
): Promise<() => void> {
  try {
    before()
    return partials.claim(kept, place.path)
  } catch (error) {
    await dropPart(client, partials, kept, place)
    throw error
  }
}

/**
 * What was interrupted before is not continued after this. The requests go out with those that open the upload, and cost no
 * round trip. Throws BackendError `busy` while the login is uploading the file already.
 */
function startOver(client: SftpClient, partials: Partials, kept: ByteString): void {
  if (partials.isLive(kept)) throw new BackendError('busy', 'the same login is uploading this file already')
  const orphan = partials.take(kept)
  for (const path of [kept, ...(orphan ? [orphan.path] : [])]) removePart(client, partials, kept, path).catch(() => {})
}
