import type { Attrs } from './attrs.ts'
import { isRefusedAltogether } from './failures.ts'
import type { TransferParts } from './transfer-parts.ts'
import type { Place } from './upload-place.ts'
import type { UploadSettings } from './upload-settings.ts'

/** Best effort: object stores know no modes, and a file without its old mode is still the whole file. */
export async function setMode(
  { client, server }: TransferParts,
  settings: UploadSettings,
  place: Place,
): Promise<void> {
  const permissions = modeOf(place, settings)
  if (permissions === undefined || server.can.setMode === 'ignore') return
  await client.fsetstat(place.handle, { permissions }).catch((error) => {
    if (isRefusedAltogether(error)) server.learn({ setMode: 'ignore' })
  })
}

function modeOf(place: Place, { permissions }: UploadSettings): number | undefined {
  if (place.kind === 'apart') return place.target.mode ?? permissions
  return place.made ? permissions : undefined
}

export async function writeToDisk({ client, server }: TransferParts, { fsync }: UploadSettings, { handle }: Place) {
  if (fsync === 'auto' && server.can.fsync) await client.fsync(handle)
}

/** Nothing where the server cannot tell: every WRITE was acknowledged, and it has said all it can. */
export async function attrsOf({ client, server }: TransferParts, { handle }: Place): Promise<Attrs> {
  if (server.can.sizeAfterUpload === 'skip') return {}
  try {
    return await client.fstat(handle)
  } catch (error) {
    if (!isRefusedAltogether(error)) throw error
    server.learn({ sizeAfterUpload: 'skip' })
    return {}
  }
}
