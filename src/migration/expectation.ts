import type { Zone } from '../ftp/time-zone.ts'

/** How often a partner has to be heard of. */
export interface Expectation {
  readonly everyMs: number
  /** Saturdays and Sundays do not count. */
  readonly weekdays: boolean
}

const hour = 3_600_000
const day = 24 * hour

/**
 * Whether something that was done last at `last` should have been done again by now. Times in milliseconds since 1970;
 * the zone says where its Saturdays and Sundays are.
 */
export function overdue(expected: Expectation, last: number, now: number, zone: Zone): boolean {
  return now > dueAt(expected, last, zone)
}

/** When it has to be done again at the latest. */
export function dueAt({ everyMs, weekdays }: Expectation, last: number, zone: Zone): number {
  if (!weekdays) return last + everyMs
  let [at, left] = [last, everyMs]
  for (;;) {
    const midnight = nextMidnight(at, zone)
    const counts = !isWeekend(at, zone)
    if (counts && at + left <= midnight) return at + left
    if (counts) left -= midnight - at
    at = midnight
  }
}

function isWeekend(time: number, zone: Zone): boolean {
  const weekday = new Date(local(time, zone)).getUTCDay()
  return weekday === 0 || weekday === 6
}

/** The beginning of the next day there, also where the clocks change in between. */
function nextMidnight(time: number, zone: Zone): number {
  const wanted = (Math.floor(local(time, zone) / day) + 1) * day
  const guess = wanted - offset(time, zone)
  return Math.max(wanted - offset(guess, zone), time + 1)
}

function local(time: number, zone: Zone): number {
  return time + offset(time, zone)
}

function offset(time: number, zone: Zone): number {
  return zone(Math.floor(time / 1000)) * 1000
}
