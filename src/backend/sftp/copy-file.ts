import type { ByteString } from '../../ftp/bytes.ts'
import { BackendError } from '../backend.ts'
import { copyInto } from './copy.ts'
import { isDirectory } from './entry.ts'
import { explain, whyOpenFailed, whyWriteFailed } from './explain.ts'
import { attrsOf, setMode, writeToDisk } from './finish.ts'
import { renameOver } from './rename.ts'
import type { TransferParts } from './transfer-parts.ts'
import { type ApartPlace, openBeside } from './upload-place.ts'
import type { UploadSettings } from './upload-settings.ts'
import { openFlag } from './wire.ts'

/** Copies a file as an upload is stored: into a temporary file beside the target, which takes its name when it is whole. */
export async function copyFile(
  parts: TransferParts,
  settings: UploadSettings,
  from: ByteString,
  to: ByteString,
): Promise<void> {
  if (to === '/') throw new BackendError('isADirectory', 'the root is a directory')
  const { client } = parts
  const source = await client.open(from, openFlag.read).catch(async (error) => {
    throw await explain(client, error, whyOpenFailed(from))
  })
  try {
    const attrs = await client.fstat(source)
    if (isDirectory(attrs)) throw new BackendError('isADirectory', 'a directory cannot be copied as a file')
    if (attrs.size === undefined) throw new BackendError('failed', 'the server does not tell how long the file is')
    const place = await openBeside(parts, settings, to, { unique: false, filling: 'copy' })
    await fill(parts, settings, { handle: source, length: attrs.size }, place)
  } finally {
    await client.close(source).catch(() => {})
  }
}

async function fill(
  parts: TransferParts,
  settings: UploadSettings,
  source: { readonly handle: Buffer; readonly length: number },
  place: ApartPlace,
): Promise<void> {
  const { client, server } = parts
  const { handle, path, target } = place
  let open = true
  const close = async () => {
    if (open) {
      open = false
      await client.close(handle)
    }
  }
  try {
    await copyInto(parts, source.handle, source.length, handle).catch(async (error) => {
      throw await explain(client, error, whyWriteFailed(path, source.length))
    })
    await setMode(parts, settings, place)
    await writeToDisk(parts, settings, place)
    const { size = source.length } = await attrsOf(parts, place)
    await close()
    if (size !== source.length) throw new BackendError('failed', `the copy has ${size} bytes of ${source.length}`)
    await renameOver(client, server, path, target.path)
  } catch (error) {
    await close().catch(() => {})
    await client.remove(path).catch(() => {})
    throw error
  }
}
