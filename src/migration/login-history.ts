import type { Row } from './rows.ts'
import { sumOf } from './usage.ts'

/** When partners have logged in, as the journal remembers it. */
export interface LoginHistory {
  /** The newest logins of a partner, from one instant up to another, in milliseconds since 1970. */
  instants(partner: string, from: number, to: number): readonly number[]
  /** All its logins by the hour: hours since 1970. The newest instants are only some of those of a busy partner. */
  hours(partner: string): ReadonlyMap<number, number>
  /** How soon its clients usually come again, in milliseconds; undefined where nobody knows. */
  retryAfter(partner: string): number | undefined
}

/** What is further apart is another run of a job, not another try. */
const retryMaxMs = 3_600_000
/** Connections that a client opens side by side. */
const sideBySideMs = 1_000

/**
 * The history of rows that are read once. Failed tries are not told apart from others in it: as a retry counts what came
 * within the hour, and its median is taken.
 */
export function loginHistory(rows: readonly Row[]): LoginHistory {
  const known = new Map<string, { readonly logins: readonly number[]; readonly hours: ReadonlyMap<number, number> }>()
  const of = (partner: string) => {
    const there = known.get(partner)
    if (there) return there
    const { logins, counts } = sumOf(rows.filter((row) => row.partner === partner).map(({ usage }) => usage))
    const hours = new Map(Object.entries(counts.hour ?? {}).map(([hour, count]) => [Number(hour), count]))
    const made = { logins, hours }
    known.set(partner, made)
    return made
  }
  return {
    instants: (partner, from, to) => of(partner).logins.filter((at) => at >= from && at < to),
    hours: (partner) => of(partner).hours,
    retryAfter: (partner) => median(gaps(of(partner).logins)),
  }
}

function gaps(logins: readonly number[]): readonly number[] {
  const apart = logins.slice(1).map((at, i) => at - (logins[i] ?? at))
  return apart.filter((gap) => gap > sideBySideMs && gap <= retryMaxMs)
}

function median(values: readonly number[]): number | undefined {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]
}
