/**
 * What was seen of one user within one day. A sum of such records is one again, in any order and however they are grouped:
 * what several replicas saw, and several days, is their sum. Nothing in it names a file or is a secret.
 */
export interface Usage {
  readonly counts: { readonly [G in CountGroup]?: Counts }
  /** The highest of each value. */
  readonly highest: { readonly [K in HighestKey]?: number }
  /** The lowest of each value. */
  readonly lowest: { readonly [K in LowestKey]?: number }
  /** The newest logins, oldest first, in milliseconds since 1970. */
  readonly logins: readonly number[]
}

export type Counts = Readonly<Record<string, number>>

export const countGroups = [
  /** `logins`, `refused` and why other logins failed, `uploads`, `uploadBytes`, `downloads`, `downloadBytes`, `listings`, `ascii`, `modeZ`. */
  'total',
  /** Logins by the hour: hours since 1970. */
  'hour',
  'address',
  'listener',
  /** Protocol and cipher of control connections and of data connections, or `none`. */
  'control',
  'data',
  /** `reused` and `fresh` data connections. */
  'reuse',
  /** `PASV`, `EPSV`, `PORT`, `EPRT`. */
  'way',
  /** `P` and `C`. */
  'prot',
  'command',
  /** Commands that the gateway did not know or would not carry out: 500, 502, 504. */
  'impossible',
  /** Guesses, what CLNT said, and the first commands. */
  'client',
  'clnt',
  'opening',
  /** What names were written in: `ascii`, `utf-8`, `other`. */
  'names',
  /** Transfers that failed, by what became of them. */
  'failure',
] as const
export type CountGroup = (typeof countGroups)[number]

/** Times in milliseconds since 1970, `largest` in bytes, `longest` in seconds of a session, `sessions` at the same time. */
export const highestKeys = [
  'lastLogin',
  'lastSeen',
  'lastUpload',
  'lastDownload',
  'largest',
  'longest',
  'sessions',
] as const
export type HighestKey = (typeof highestKeys)[number]

export const lowestKeys = ['firstLogin'] as const
export type LowestKey = (typeof lowestKeys)[number]

export const loginsMax = 500

export const noUsage: Usage = { counts: {}, highest: {}, lowest: {}, logins: [] }

export function sumOf(usages: Iterable<Usage>): Usage {
  let sum = noUsage
  for (const usage of usages) sum = joined(sum, usage)
  return sum
}

export function joined(a: Usage, b: Usage): Usage {
  return {
    counts: joinedBy(countGroups, a.counts, b.counts, addedCounts),
    highest: joinedBy(highestKeys, a.highest, b.highest, Math.max),
    lowest: joinedBy(lowestKeys, a.lowest, b.lowest, Math.min),
    logins: newest([...a.logins, ...b.logins]),
  }
}

function joinedBy<K extends string, V>(
  keys: readonly K[],
  a: { readonly [P in K]?: V },
  b: { readonly [P in K]?: V },
  join: (a: V, b: V) => V,
): { [P in K]?: V } {
  const sum: { [P in K]?: V } = {}
  for (const key of keys) {
    const [left, right] = [a[key], b[key]]
    const value = left === undefined ? right : right === undefined ? left : join(left, right)
    if (value !== undefined) sum[key] = value
  }
  return sum
}

function addedCounts(a: Counts, b: Counts): Counts {
  const sum = new Map(Object.entries(a))
  for (const [key, count] of Object.entries(b)) sum.set(key, (sum.get(key) ?? 0) + count)
  return Object.fromEntries(sum)
}

function newest(logins: number[]): readonly number[] {
  return logins.sort((a, b) => a - b).slice(-loginsMax)
}

/** What a line of a journal says; undefined for anything else. Keys that this version does not know are left out. */
export function readUsage(json: unknown): Usage | undefined {
  if (!isRecord(json)) return undefined
  const { counts, highest, lowest, logins } = json
  if (!isRecord(counts) || !isRecord(highest) || !isRecord(lowest) || !Array.isArray(logins)) return undefined
  return {
    counts: readBy(countGroups, counts, (value) => (isRecord(value) ? readCounts(value) : undefined)),
    highest: readBy(highestKeys, highest, readNumber),
    lowest: readBy(lowestKeys, lowest, readNumber),
    logins: newest(logins.flatMap((value: unknown) => readNumber(value) ?? [])),
  }
}

function readBy<K extends string, V>(
  keys: readonly K[],
  values: Readonly<Record<string, unknown>>,
  read: (value: unknown) => V | undefined,
): { [P in K]?: V } {
  const found: { [P in K]?: V } = {}
  for (const key of keys) {
    const value = read(values[key])
    if (value !== undefined) found[key] = value
  }
  return found
}

function readCounts(values: Readonly<Record<string, unknown>>): Counts {
  return Object.fromEntries(
    Object.entries(values).flatMap(([key, value]) => {
      const count = readNumber(value)
      return count === undefined ? [] : [[key, count] as const]
    }),
  )
}

function readNumber(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Keys of a group that a user of a day may have; more are counted together as `other`. */
const keysMax: { readonly [G in CountGroup]?: number } = { address: 50, clnt: 10, opening: 10 }
const otherKeysMax = 100

/** A change to what is known already, with keys that would be too many put together. */
export function bounded(known: Usage, change: Usage): Usage {
  const counts: { [G in CountGroup]?: Counts } = {}
  for (const group of countGroups) {
    const added = change.counts[group]
    if (added === undefined) continue
    const there = known.counts[group] ?? {}
    counts[group] = group === 'hour' ? added : boundedCounts(there, added, keysMax[group] ?? otherKeysMax)
  }
  return { ...change, counts }
}

function boundedCounts(known: Counts, added: Counts, max: number): Counts {
  const sum = new Map<string, number>()
  let room = max - Object.keys(known).length
  for (const [key, count] of Object.entries(added)) {
    const there = Object.hasOwn(known, key)
    const kept = there || room > 0 ? key : 'other'
    if (!there) room--
    sum.set(kept, (sum.get(kept) ?? 0) + count)
  }
  return Object.fromEntries(sum)
}
