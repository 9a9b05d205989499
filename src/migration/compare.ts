import type { ByteString } from '../ftp/bytes.ts'
import { join } from '../ftp/pathname.ts'
import type { Side, SideEntry } from './side.ts'

export interface Difference {
  readonly kind: 'only-left' | 'only-right' | 'different' | 'unreadable'
  readonly path: ByteString
  readonly what: string
}

export interface Progress {
  /** On both sides. */
  readonly entries: number
  /** Read for their hashes. */
  readonly bytes: number
  readonly path: ByteString
}

export interface CompareOptions {
  /** Where to begin. */
  readonly path: ByteString
  readonly hash: boolean
  readonly times: boolean
  /** Nothing more is asked for once it is aborted. */
  readonly signal: AbortSignal
  readonly progress: (progress: Progress) => void
}

/** Goes through two sides and says what differs, folder by folder in the order of names. */
export async function* compareSides(
  left: Side,
  right: Side,
  { path, hash, times, signal, progress }: CompareOptions,
): AsyncGenerator<Difference> {
  const seen = { entries: 0, bytes: 0 }
  const read = (at: ByteString) => (bytes: number) => {
    seen.bytes += bytes
    progress({ ...seen, path: at })
  }
  const folders = [path]
  for (let folder = folders.pop(); folder !== undefined && !signal.aborted; folder = folders.pop()) {
    const [a, b] = await Promise.allSettled([left.list(folder), right.list(folder)])
    const failed = [...failure(left, a), ...failure(right, b)]
    if (failed.length > 0) yield { kind: 'unreadable', path: folder, what: failed.join('; ') }
    if (a.status === 'rejected' || b.status === 'rejected') continue
    seen.entries += a.value.length + b.value.length
    progress({ ...seen, path: folder })
    const below: ByteString[] = []
    for (const [name, mine, theirs] of pairs(a.value, b.value)) {
      if (signal.aborted) return
      const at = join(folder, name)
      if (mine === undefined || theirs === undefined) {
        const kind = mine === undefined ? 'only-right' : 'only-left'
        yield { kind, path: at, what: described(mine ?? theirs) }
        continue
      }
      const unlike = difference(mine, theirs, times)
      if (unlike !== undefined) yield { kind: 'different', path: at, what: unlike }
      else if (mine.type === 'directory' && !mine.linked && !theirs.linked) below.push(at)
      else if (hash && mine.type === 'file') yield* hashed(left, right, at, read(at))
    }
    // The next one first: what is printed is in order, and the list of what is left stays short.
    folders.push(...below.reverse())
  }
}

function failure(side: Side, result: PromiseSettledResult<unknown>): readonly string[] {
  if (result.status === 'fulfilled') return []
  return [`${side.name}: ${result.reason instanceof Error ? result.reason.message : result.reason}`]
}

function* pairs(
  left: readonly SideEntry[],
  right: readonly SideEntry[],
): Generator<readonly [name: ByteString, left: SideEntry | undefined, right: SideEntry | undefined]> {
  const [a, b] = [left, right].map((entries) => new Map(entries.map((entry) => [entry.name, entry])))
  for (const name of [...new Set([...left, ...right].map((entry) => entry.name))].sort()) {
    yield [name, a?.get(name), b?.get(name)]
  }
}

const hour = 3600

/** What is different, in words. Servers tell times in their own zone, some to the minute. */
function difference(left: SideEntry, right: SideEntry, times: boolean): string | undefined {
  if (left.type !== right.type) return `${left.type} and ${right.type}`
  if (left.type !== 'file') return undefined
  if (left.size !== undefined && right.size !== undefined && left.size !== right.size) {
    return `${left.size} and ${right.size} bytes`
  }
  if (!times || left.modified === undefined || right.modified === undefined) return undefined
  const apart = Math.abs(left.modified - right.modified)
  const beside = Math.abs(apart - Math.round(apart / hour) * hour)
  if (apart <= 14 * hour + 60 && beside <= 60) return undefined
  return `modified ${shown(left.modified)} and ${shown(right.modified)}`
}

function shown(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 19)
}

function described(entry: SideEntry | undefined): string {
  if (entry?.type === 'directory') return 'folder, with all that is in it'
  return entry?.size === undefined ? (entry?.type ?? '') : `${entry.size} bytes`
}

async function* hashed(
  left: Side,
  right: Side,
  path: ByteString,
  read: (bytes: number) => void,
): AsyncGenerator<Difference> {
  const [a, b] = await Promise.allSettled([left.hash(path, read), right.hash(path, read)])
  const failed = [...failure(left, a), ...failure(right, b)]
  if (failed.length > 0) yield { kind: 'unreadable', path, what: failed.join('; ') }
  if (a.status === 'fulfilled' && b.status === 'fulfilled' && a.value !== b.value)
    yield { kind: 'different', path, what: `SHA-256 ${a.value.slice(0, 12)}… and ${b.value.slice(0, 12)}…` }
}
