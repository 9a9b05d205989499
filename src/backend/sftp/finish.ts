import type { Attrs } from './attrs.ts'
import { isRefusedAltogether } from './failures.ts'
import type { PartOwner } from './part-name.ts'
import type { Partials } from './partials.ts'
import type { Strays } from './strays.ts'
import type { TransferParts } from './transfer-parts.ts'
import type { Place } from './upload-place.ts'

export interface UploadSettings extends PartOwner {
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

/**
 * What a file whose bytes are all written needs before it is closed: the mode of the one that it replaces, and to be on disk.
 * Answers with its attributes; with none where the server cannot tell.
 */
export async function finish(parts: TransferParts, settings: UploadSettings, place: Place): Promise<Attrs> {
  if (parts.server.can.answersInOrder) {
    const [, , attrs] = await Promise.all([
      setMode(parts, settings, place),
      writeToDisk(parts, settings, place),
      attrsOf(parts, place),
    ])
    return attrs
  }
  await setMode(parts, settings, place)
  await writeToDisk(parts, settings, place)
  return attrsOf(parts, place)
}

/** Best effort: object stores know no modes, and a file without its old mode is still the whole file. */
async function setMode(
  { client, server }: TransferParts,
  settings: UploadSettings,
  { handle, target }: Place,
): Promise<void> {
  const permissions = target?.mode ?? settings.permissions
  if (permissions === undefined || server.can.setMode === 'ignore') return
  await client.fsetstat(handle, { permissions }).catch((error) => {
    if (isRefusedAltogether(error)) server.learn({ setMode: 'ignore' })
  })
}

async function writeToDisk({ client, server }: TransferParts, { fsync }: UploadSettings, { handle }: Place) {
  if (fsync === 'auto' && server.can.fsync) await client.fsync(handle)
}

/** Nothing where the server cannot tell: every WRITE was acknowledged, and it has said all it can. */
async function attrsOf({ client, server }: TransferParts, { handle }: Place): Promise<Attrs> {
  if (server.can.sizeAfterUpload === 'skip') return {}
  try {
    return await client.fstat(handle)
  } catch (error) {
    if (!isRefusedAltogether(error)) throw error
    server.learn({ sizeAfterUpload: 'skip' })
    return {}
  }
}
