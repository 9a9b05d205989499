import type { Brownout, PartnerMigration, Rung } from '../config/migration-config.ts'
import { instantOf, localTime, weekdayOf } from '../ftp/local-time.ts'
import { type Calendar, unfrozen } from './calendar.ts'
import type { LoginHistogram } from './histogram.ts'
import { brownoutBegins, phaseAt } from './phase.ts'
import { type Slot, slotsOf } from './slots.ts'

/** A partner on its way, with what is known of its logins before its first brownout. */
export interface Mover {
  readonly name: string
  readonly migration: PartnerMigration
  readonly histogram: LoginHistogram
}

/** From one instant up to another. */
export interface Window {
  readonly from: number
  readonly to: number
  /** Of the ladder, from 1. */
  readonly week: number
}

const weekDays = 7
/** A partner that stays in its last rung for longer has other troubles; it bounds the work of a question. */
const weeksMax = 1_000

/**
 * The windows of a partner that touch a span of time, in order. They follow from the configuration and the recorded logins
 * alone, so that the plan, the gateway and the help desk see the same ones. A week of the ladder is seven days that are not
 * frozen: a freeze delays the ladder and skips none of its weeks.
 */
export function windowsOf(mover: Mover, calendar: Calendar, from: number, to: number): readonly Window[] {
  const { migration } = mover
  const begins = brownoutBegins(migration, calendar)
  if (migration.brownout === undefined || begins === undefined) return []
  const windows: Window[] = []
  const slots = new Map<Rung, readonly Slot[]>()
  let last = Number.NEGATIVE_INFINITY
  for (const { week, days } of weeks(localTime(begins, calendar.zone).day, calendar, to)) {
    const rung = rungOf(migration.brownout.ladder.rungs, week)
    if (rung === undefined) continue
    const places = slots.get(rung) ?? slotsOf(mover.name, migration.brownout, rung.durationMs, mover.histogram)
    slots.set(rung, places)
    const apart = (before: number, after: number) => isApart(before, after, migration.brownout, calendar)
    const candidates = places.flatMap((slot) => placed(slot, rung.durationMs, days, calendar) ?? [])
    const chosen = choose(candidates, rung.windows, last, apart)
    last = chosen.at(-1)?.to ?? last
    windows.push(...chosen.map((window) => ({ ...window, week })))
  }
  const touches = (window: Window) => window.to > from && window.from < to && window.from >= begins
  return windows.filter((window) => touches(window) && phaseAt(migration, calendar, window.from) === 'brownout')
}

/** The window that an instant is in. */
export function windowAt(mover: Mover, calendar: Calendar, now: number): Window | undefined {
  return windowsOf(mover, calendar, now, now + 1)[0]
}

function* weeks(firstDay: number, calendar: Calendar, until: number) {
  const lastDay = localTime(until, calendar.zone).day
  let day = firstDay
  for (let week = 1; week <= weeksMax && day <= lastDay; week++) {
    const days: number[] = []
    for (; days.length < weekDays; day++) {
      day = unfrozen(day, calendar)
      days.push(day)
    }
    yield { week, days }
  }
}

function rungOf(rungs: readonly Rung[], week: number): Rung | undefined {
  const last = rungs.at(-1)
  return last !== undefined && week > last.week ? last : rungs.find((rung) => rung.week === week)
}

type Span = { readonly from: number; readonly to: number }

/** The first of the candidates that are far enough from each other and from the window before, in order. */
function choose(
  candidates: readonly Span[],
  count: number,
  last: number,
  apart: (before: number, after: number) => boolean,
): readonly Span[] {
  const chosen: Span[] = []
  const fits = ({ from, to }: Span) =>
    apart(last, from) && chosen.every((other) => apart(other.to, from) || apart(to, other.from))
  for (const candidate of candidates) if (chosen.length < count && fits(candidate)) chosen.push(candidate)
  return chosen.sort((a, b) => a.from - b.from)
}

/** Whether a whole cycle, in which a file is expected, is between two instants. */
function isApart(before: number, after: number, brownout: Brownout | undefined, calendar: Calendar): boolean {
  const { apartMs = 0, workdays = false } = brownout ?? {}
  if (after - before < apartMs) return false
  if (!workdays || before === Number.NEGATIVE_INFINITY) return true
  return after - before - weekendMs(before, after, calendar) >= apartMs
}

function weekendMs(from: number, to: number, { zone }: Calendar): number {
  let sum = 0
  for (let { day } = localTime(from, zone); instantOf(day, 0, zone) < to; day++) {
    if (weekdayOf(day) < 5) continue
    sum += Math.min(to, instantOf(day + 1, 0, zone)) - Math.max(from, instantOf(day, 0, zone))
  }
  return sum
}

/** Ends with the day before a freeze, if it comes to that. */
function placed(
  { weekday, minute }: Slot,
  durationMs: number,
  days: readonly number[],
  calendar: Calendar,
): Span | undefined {
  const day = days.find((each) => weekdayOf(each) === weekday)
  if (day === undefined) return undefined
  const from = instantOf(day, minute, calendar.zone)
  const frozen = calendar.freezes.find((freeze) => freeze.from > day)
  const freezes = frozen === undefined ? Number.POSITIVE_INFINITY : instantOf(frozen.from, 0, calendar.zone)
  return { from, to: Math.min(from + durationMs, freezes) }
}
