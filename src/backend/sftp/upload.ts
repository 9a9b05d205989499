import type { ByteString } from '../../ftp/bytes.ts'
import { parentOf } from '../../ftp/pathname.ts'
import { BackendError, type Upload, type WriteMode } from '../backend.ts'
import type { Attrs } from './attrs.ts'
import type { UploadSettings } from './finish.ts'
import { keptPath } from './part-name.ts'
import type { Partials } from './partials.ts'
import type { SftpClient } from './sftp-client.ts'
import { SftpUpload } from './sftp-upload.ts'
import type { TransferParts } from './transfer-parts.ts'
import { openContinued } from './upload-continued.ts'
import { dropPart, fillingOf, openBeside } from './upload-place.ts'

/** Opens an upload. Nothing that is there already is changed before `commit`, except in place (APPE, REST). */
export async function openUpload(
  parts: TransferParts,
  settings: UploadSettings,
  path: ByteString,
  mode: WriteMode,
  onCommitted: (attrs: Attrs) => void,
): Promise<Upload> {
  const { client } = parts
  const { tag, partials, strays } = settings
  if (path === '/') throw new BackendError('isADirectory', 'the root is a directory')
  const continues = mode.kind === 'append' || mode.kind === 'restart'
  if (mode.kind === 'replace') startOver(client, partials, keptPath(path, tag))
  const opening = continues
    ? openContinued(parts, settings, path, mode)
    : openBeside(client, settings, path, { unique: mode.kind === 'unique', filling: fillingOf(parts) })
  const looks = mode.kind === 'replace' && settings.keepPartial && !strays.knows(tag, parentOf(path))
  // Under way while the client sends; nobody waits for it before the commit.
  if (looks) strays.look(parts, tag, parentOf(path)).catch(() => {})
  const place = await opening
  const { target } = place
  if (!target) return new SftpUpload(parts, settings, place, { onCommitted })
  const kept = keptPath(target.path, tag)
  let release: () => void
  try {
    if (mode.kind === 'replace' && target.path !== path) startOver(client, partials, kept)
    release = partials.claim(kept, place.path)
  } catch (error) {
    await dropPart(client, place)
    throw error
  }
  /** An upload that a killed gateway has left must not be taken for the rest of this one. */
  const settle = async (now: TransferParts) => {
    await strays.look(now, tag, parentOf(target.path))
    now.client.remove(kept).catch(() => {})
  }
  return new SftpUpload(parts, settings, place, { onCommitted, release, ...(looks && { settle }) })
}

/**
 * What was interrupted before is not continued after this. The requests go out with those that open the upload, and cost no
 * round trip. Throws BackendError `busy` while the login is uploading the file already.
 */
function startOver(client: SftpClient, partials: Partials, kept: ByteString): void {
  if (partials.isLive(kept)) throw new BackendError('busy', 'the same login is uploading this file already')
  const orphan = partials.take(kept)
  for (const path of [kept, ...(orphan ? [orphan.path] : [])]) client.remove(path).catch(() => {})
}
