import type { MigrationConfig } from '../config/migration-config.ts'
import { dayNumber, instantOf, localTime } from '../ftp/local-time.ts'
import { type Zone, zoneOf } from '../ftp/time-zone.ts'

/** The days that all moves go by: their zone, and when nothing happens. */
export interface Calendar {
  readonly timeZone: string
  readonly zone: Zone
  /** Numbers of the first and the last day. */
  readonly freezes: readonly { readonly from: number; readonly to: number }[]
}

export function calendarOf({ timeZone, freezes }: Pick<MigrationConfig, 'timeZone' | 'freezes'>): Calendar {
  const days = freezes.map(({ from, to }) => ({ from: dayNumber(from) ?? 0, to: dayNumber(to) ?? 0 }))
  return { timeZone, zone: zoneOf(timeZone), freezes: days.sort((a, b) => a.from - b.from) }
}

export function isFrozen(day: number, { freezes }: Calendar): boolean {
  return freezes.some(({ from, to }) => from <= day && day <= to)
}

/** The day itself, or the first one behind the freezes that it is in. */
export function unfrozen(day: number, { freezes }: Calendar): number {
  let first = day
  for (const { from, to } of freezes) if (from <= first && first <= to) first = to + 1
  return first
}

/** The instant itself, or the end of the freezes that it is in. */
export function afterFreezes(instant: number, calendar: Calendar): number {
  const { day } = localTime(instant, calendar.zone)
  const first = unfrozen(day, calendar)
  return first === day ? instant : instantOf(first, 0, calendar.zone)
}
