import type { Attrs } from './attrs.ts'
import { isRefusedAltogether } from './failures.ts'
import type { PartOwner } from './part-name.ts'
import type { Partials } from './partials.ts'
import type { Strays } from './strays.ts'
import type { TransferParts } from './transfer-parts.ts'
import type { Place } from './upload-place.ts'

export interface UploadSettings extends PartOwner {
  /** atomic: collected in a file of its own, in `PartOwner.staging` where that is given, and renamed at the end. */
  readonly mode: 'atomic' | 'in-place'
  readonly fsync: 'auto' | 'off'
  /** hash: every upload is read again and compared with what was sent. */
  readonly verify: 'size' | 'hash'
  /** Of a new file; one that replaces another takes over its own. */
  readonly permissions?: number | undefined
  /** Whether what was interrupted is kept, to be continued. */
  readonly keepPartial: boolean
  readonly partials: Partials
  readonly strays: Strays
}

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
