import { dateOf, localTime, weekdayOf } from '../ftp/local-time.ts'
import type { Calendar } from '../migration/calendar.ts'

const weekdays = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']

/** An instant as the clocks of the moves show it: `Tue 2027-03-02 10:00`. */
export function localText(instant: number, { zone }: Calendar): string {
  const { day, minute } = localTime(instant, zone)
  return `${weekdays[weekdayOf(day)]} ${dateOf(day)} ${clock(minute)}`
}

/** `2027-03-02 09:00 UTC`. */
export function utcText(instant: number): string {
  return `${new Date(instant).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

export function iso(instant: number): string {
  return new Date(instant).toISOString()
}

/** `10m`, `1h`, `1h 30m`, `2d`. */
export function durationText(ms: number): string {
  const minutes = Math.round(ms / 60_000)
  const parts = [`${Math.floor(minutes / 1440)}d`, `${Math.floor(minutes / 60) % 24}h`, `${minutes % 60}m`]
  const told = parts.filter((part) => !part.startsWith('0'))
  return told.length === 0 ? '0m' : told.join(' ')
}

/** Columns as wide as what is in them. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => (row[i] ?? '').length)))
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, i) => cell.padEnd(widths[i] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('')
}

function clock(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`
}
