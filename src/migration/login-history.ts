import type { Row } from './rows.ts'
import { sumOf } from './usage.ts'

/** When partners have logged in, as the journal remembers it. */
export interface LoginHistory {
  /** From one instant up to another, in milliseconds since 1970. */
  instants(partner: string, from: number, to: number): readonly number[]
  /** How soon its clients usually come again, in milliseconds; undefined: nobody knows. */
  retryAfter(partner: string): number | undefined
  /** All its logins by the hour: hours since 1970. The newest instants are only some of those of a busy partner. */
  hours(partner: string): ReadonlyMap<number, number>
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
  const byPartner = new Map<string, Row[]>()
  for (const row of rows) {
    const there = byPartner.get(row.partner)
    if (there) there.push(row)
    else byPartner.set(row.partner, [row])
  }
  const of = (partner: string) => byPartner.get(partner) ?? []
  const sum = (partner: string) => sumOf(of(partner).map(({ usage }) => usage))
  return {
    // Not of the sum, which has the newest only: what counts may be weeks back.
    instants(partner, from, to) {
      const logins = of(partner).flatMap(({ usage }) => usage.logins)
      return logins.filter((at) => at >= from && at < to).sort((a, b) => a - b)
    },
    hours(partner) {
      const { hour = {} } = sum(partner).counts
      return new Map(Object.entries(hour).map(([number, count]) => [Number(number), count]))
    },
    retryAfter: (partner) => median(gaps(sum(partner).logins)),
  }
}

function gaps(logins: readonly number[]): readonly number[] {
  const apart = logins.slice(1).map((at, i) => at - (logins[i] ?? at))
  return apart.filter((gap) => gap > sideBySideMs && gap <= retryMaxMs)
}

function median(values: readonly number[]): number | undefined {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]
}
