import type { PartOwner } from './part-name.ts'
import type { Partials } from './partials.ts'
import type { Strays } from './strays.ts'
import type { ToldSizes } from './told-sizes.ts'

/** How a login's uploads are stored. */
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
  /** Whether what is stored is what the client sends, so that it can go on by its size; default: it is. */
  readonly continuable?: boolean | undefined
  /** A file to which nothing was written for so long gets a new time, lest another gateway take it for left behind. */
  readonly touchEveryMs: number
  readonly partials: Partials
  readonly told: ToldSizes
  readonly strays: Strays
}
