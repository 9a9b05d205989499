import { localTime, weekdayOf } from '../ftp/local-time.ts'
import type { Zone } from '../ftp/time-zone.ts'

/** Logins of one hour of the week. */
export interface Cell {
  /** 0 is Monday. */
  readonly weekday: number
  readonly hour: number
  readonly count: number
  /** The one in the middle; jobs come at the same minute every time. */
  readonly minute: number
}

/** When a partner logs in: the hours of a week in which it does. */
export type LoginHistogram = readonly Cell[]

export function histogramOf(instants: readonly number[], zone: Zone): LoginHistogram {
  const minutes = new Map<number, number[]>()
  for (const instant of instants) {
    const { day, minute } = localTime(instant, zone)
    const cell = weekdayOf(day) * 24 + Math.floor(minute / 60)
    const known = minutes.get(cell)
    if (known === undefined) minutes.set(cell, [minute % 60])
    else known.push(minute % 60)
  }
  return [...minutes].map(([cell, all]) => {
    const sorted = all.sort((a, b) => a - b)
    const minute = sorted[Math.floor(sorted.length / 2)] ?? 0
    return { weekday: Math.floor(cell / 24), hour: cell % 24, count: all.length, minute }
  })
}
