import type { ByteString } from '../../ftp/bytes.ts'
import { BackendError, type Upload, type WriteMode } from '../backend.ts'
import type { Attrs } from './attrs.ts'
import type { UploadSettings } from './finish.ts'
import { keptPath } from './part-name.ts'
import type { Partials } from './partials.ts'
import type { SftpClient } from './sftp-client.ts'
import { SftpUpload } from './sftp-upload.ts'
import type { TransferParts } from './transfer-parts.ts'
import { openContinued } from './upload-continued.ts'
import { dropPart, openBeside } from './upload-place.ts'

/** Opens an upload. Nothing that is there already is changed before `commit`, except in place (APPE, REST). */
export async function openUpload(
  parts: TransferParts,
  settings: UploadSettings,
  path: ByteString,
  mode: WriteMode,
  onCommitted: (attrs: Attrs) => void,
): Promise<Upload> {
  const { client } = parts
  const { tag, partials } = settings
  if (path === '/') throw new BackendError('isADirectory', 'the root is a directory')
  const continues = mode.kind === 'append' || mode.kind === 'restart'
  if (mode.kind === 'replace') startOver(client, partials, keptPath(path, tag))
  const place = await (continues
    ? openContinued(parts, tag, path, mode, partials)
    : openBeside(client, tag, path, mode.kind === 'unique'))
  const { target } = place
  if (!target) return new SftpUpload(parts, settings, place, () => {}, onCommitted)
  const kept = keptPath(target.path, tag)
  let release: () => void
  try {
    if (mode.kind === 'replace' && target.path !== path) startOver(client, partials, kept)
    release = partials.claim(kept, place.path)
  } catch (error) {
    await dropPart(client, place)
    throw error
  }
  return new SftpUpload(parts, settings, place, release, onCommitted)
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
