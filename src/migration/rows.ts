import { isRecord, joined, readUsage, type Usage } from './usage.ts'

/** What one user of one partner did on one day. */
export interface Row {
  /** UTC, `2026-11-23`. */
  readonly day: string
  /** `default` for users of no partner. */
  readonly partner: string
  /** `*` for users that nobody has configured, or that are too many. */
  readonly user: string
  readonly usage: Usage
}

export function dayAt(time: number): string {
  return new Date(time).toISOString().slice(0, 10)
}

export function lineOfRow({ day, partner, user, usage }: Row): string {
  return `${JSON.stringify({ v: 1, day, partner, user, usage })}\n`
}

/**
 * The rows of a journal. A line that was not written to its end, or that is of another version, is left out: the rest of
 * the file is as good as before.
 */
export function rowsOf(text: string): readonly Row[] {
  return text.split('\n').flatMap((line) => rowOf(line) ?? [])
}

function rowOf(line: string): Row | undefined {
  const json = parsed(line)
  if (!isRecord(json) || json['v'] !== 1) return undefined
  const { day, partner, user } = json
  const usage = readUsage(json['usage'])
  if (typeof day !== 'string' || typeof partner !== 'string' || typeof user !== 'string') return undefined
  return usage && /^\d{4}-\d\d-\d\d$/.test(day) ? { day, partner, user, usage } : undefined
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

export function keyOf({ day, partner, user }: Omit<Row, 'usage'>): string {
  return JSON.stringify([day, partner, user])
}

/** One row a day, partner and user, by day; those before `since` are left out. */
export function merged(rows: Iterable<Row>, since = ''): readonly Row[] {
  const sums = new Map<string, Row>()
  for (const row of rows) {
    if (row.day < since) continue
    const key = keyOf(row)
    const there = sums.get(key)
    sums.set(key, there ? { ...there, usage: joined(there.usage, row.usage) } : row)
  }
  const order = (a: Row, b: Row) => (keyOf(a) < keyOf(b) ? -1 : keyOf(a) > keyOf(b) ? 1 : 0)
  return [...sums.values()].sort(order)
}

/** The text of a journal that says the same in as few lines as it takes, without the oldest days where it is too long. */
export function compacted(rows: Iterable<Row>, since: string, bytesMax: number): string {
  let kept = merged(rows, since)
  for (;;) {
    const text = kept.map(lineOfRow).join('')
    const oldest = kept[0]?.day
    if (Buffer.byteLength(text) <= bytesMax || oldest === undefined) return text
    kept = kept.filter(({ day }) => day > oldest)
  }
}
