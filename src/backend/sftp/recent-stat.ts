import type { ByteString } from '../../ftp/bytes.ts'
import type { Attrs } from './attrs.ts'

/** Long enough for a client's next command over a slow line. */
const lifeMs = 2000

/**
 * What a login learned last about a file: many clients send SIZE and MDTM one after the other, and SIZE after each upload,
 * which some servers no longer answer because they have moved the file away. It is told once to each asker: who asks the
 * same again wants to see whether the file has changed.
 */
export class RecentStat {
  readonly #now: () => number
  #known:
    | { readonly path: ByteString; readonly attrs: Attrs; readonly at: number; readonly told: Set<string> }
    | undefined

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** The attributes, unless this asker has had them, or they are old. */
  tell(path: ByteString, asker: string): Attrs | undefined {
    const known = this.#known
    if (known?.path !== path || this.#now() - known.at > lifeMs || known.told.has(asker)) return undefined
    known.told.add(asker)
    return known.attrs
  }

  /** `asker` has just been told; undefined when nobody has. */
  learn(path: ByteString, attrs: Attrs, asker?: string): void {
    this.#known = { path, attrs, at: this.#now(), told: new Set(asker === undefined ? [] : [asker]) }
  }

  forget(): void {
    this.#known = undefined
  }
}
