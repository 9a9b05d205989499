import { createHash } from 'node:crypto'
import type { Brownout } from '../config/migration-config.ts'
import type { LoginHistogram } from './histogram.ts'

/** A place for a window: a weekday (0 is Monday) and a minute of it. */
export interface Slot {
  readonly weekday: number
  readonly minute: number
}

const dayMinutes = 1440
const weekMinutes = 7 * dayMinutes
/** Windows begin at full five minutes: people read them. */
const grid = 5
/** In the middle of the week somebody is there who reads mails, and can still do something before the weekend. */
const weekdays = [1, 3, 2, 0, 4, 5, 6]
const office = { from: 9 * 60, to: 17 * 60 }

/** The places for windows of that length, the best first. Without any recorded login `observed` means business hours. */
export function slotsOf(
  partner: string,
  { align, at }: Brownout,
  durationMs: number,
  histogram: LoginHistogram,
): readonly Slot[] {
  if (align === 'fixed') return at.flatMap(({ weekday, minute }) => onDays(weekday, minute))
  const duration = durationMs / 60_000
  if (align === 'observed' && histogram.length > 0) return busiest(histogram, duration)
  return officeDays(partner, duration)
}

function onDays(weekday: number | undefined, minute: number): Slot[] {
  return (weekday === undefined ? weekdays : [weekday]).map((day) => ({ weekday: day, minute }))
}

/** Around each hour with logins, in the order of how many a window there would meet. */
function busiest(histogram: LoginHistogram, duration: number): readonly Slot[] {
  const logins = histogram.map(({ weekday, hour, minute, count }) => {
    return { at: weekday * dayMinutes + hour * 60 + minute, count }
  })
  const starts = new Set(logins.map(({ at }) => inWeek(Math.floor((at - duration / 2) / grid) * grid)))
  const met = (start: number) => logins.reduce((sum, { at, count }) => sum + (within(at, start) ? count : 0), 0)
  const within = (at: number, start: number) => inWeek(at - start) < duration
  const ranked = [...starts].map((start) => ({ start, score: met(start) }))
  ranked.sort((a, b) => b.score - a.score || a.start - b.start)
  return ranked.map(({ start }) => ({ weekday: Math.floor(start / dayMinutes), minute: start % dayMinutes }))
}

function inWeek(minute: number): number {
  return ((minute % weekMinutes) + weekMinutes) % weekMinutes
}

/** Partners begin at different half hours, so that the help desk does not hear of all of them at once. */
function officeDays(partner: string, duration: number): readonly Slot[] {
  const places = Math.floor(Math.max(office.to - office.from - duration, 0) / 30) + 1
  const choice = createHash('sha256').update(partner).digest().readUInt32BE() % places
  return weekdays.slice(0, 5).map((weekday) => ({ weekday, minute: office.from + choice * 30 }))
}
