import type { Zone } from './time-zone.ts'

/** Days are counted from 1970-01-01, without a zone; instants are milliseconds since 1970, UTC. */
const dayMs = 86_400_000
/** Clocks change by less than a day, and never twice within two. */
const daySeconds = 86_400

/** The number of a day written YYYY-MM-DD; undefined for what is none, such as 2027-02-29. */
export function dayNumber(date: string): number | undefined {
  const [, year = '', month = '', day = ''] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(date) ?? []
  if (Number(year) < 1970) return undefined
  const number = Date.UTC(Number(year), Number(month) - 1, Number(day)) / dayMs
  return dateOf(number) === date ? number : undefined
}

export function dateOf(day: number): string {
  return Number.isFinite(day) ? new Date(day * dayMs).toISOString().slice(0, 10) : ''
}

/** 0 is Monday: 1970-01-01 was a Thursday. */
export function weekdayOf(day: number): number {
  return (((day + 3) % 7) + 7) % 7
}

/**
 * When the clocks of a zone first show a minute of a day. One that is left out in spring is when they go on; of two in
 * autumn it is the first.
 */
export function instantOf(day: number, minute: number, zone: Zone): number {
  const local = day * daySeconds + minute * 60
  const [before, after] = [local - zone(local - daySeconds), local - zone(local + daySeconds)]
  for (const seconds of [before, after]) if (seconds + zone(seconds) === local) return seconds * 1000
  // Left out: between the two is the second at which the clocks are put forward.
  let [early, late] = [Math.min(before, after), Math.max(before, after)]
  while (late - early > 1) {
    const middle = Math.floor((early + late) / 2)
    if (middle + zone(middle) >= local) late = middle
    else early = middle
  }
  return late * 1000
}

export interface LocalTime {
  readonly day: number
  /** Of the day, 0 to 1439. */
  readonly minute: number
}

/** What the clocks of a zone show. */
export function localTime(instant: number, zone: Zone): LocalTime {
  const local = Math.floor(instant / 1000) + zone(Math.floor(instant / 1000))
  const day = Math.floor(local / daySeconds)
  return { day, minute: Math.floor((local - day * daySeconds) / 60) }
}

/**
 * The instant of a date (its beginning), of a local time 2027-03-01T12:00, or of one with a zone of its own such as
 * 2027-03-01T12:00:00Z; undefined for what is none.
 */
export function momentOf(text: string, zone: Zone): number | undefined {
  const [, date = '', hours, minutes = '00', seconds, offset] =
    /^(\d{4}-\d\d-\d\d)(?:[T ]([01]\d|2[0-3]):([0-5]\d)(:[0-5]\d(?:\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)?)?$/.exec(text) ?? []
  const day = dayNumber(date)
  if (day === undefined) return undefined
  if (hours === undefined) return instantOf(day, 0, zone)
  if (offset === undefined) {
    return instantOf(day, Number(hours) * 60 + Number(minutes), zone) + Number((seconds ?? ':0').slice(1)) * 1000
  }
  const instant = Date.parse(`${date}T${hours}:${minutes}${seconds ?? ''}${offset}`)
  return Number.isNaN(instant) ? undefined : instant
}
