import { localTime, weekdayOf } from '../ftp/local-time.ts'
import type { Calendar } from './calendar.ts'
import { brownoutBegins, phaseAt } from './phase.ts'
import { type RecordedLogins, recordedMs } from './recorded-logins.ts'
import { referenceOf } from './reference.ts'
import { type Mover, type Window, windowsOf } from './windows.ts'

const dayMs = 86_400_000
const weekMinutes = 7 * 1440
/** Of a partner without a date for its end, a plan shows so much. */
const horizonMs = 10 * 7 * dayMs

export interface PlannedWindow extends Window {
  readonly reference: string
  /** Recorded logins at the same time of the week: a window that meets none is useless. */
  readonly wouldRefuse: readonly number[]
}

/** What a partner will meet. */
export interface Plan {
  readonly partner: string
  readonly mode: 'window' | 'nudge' | 'slow'
  /** When the phase begins; undefined: it has no date. */
  readonly begins: number | undefined
  /** Recorded logins that the windows are compared with. */
  readonly recorded: number
  readonly retryAfterMs: number | undefined
  readonly windows: readonly PlannedWindow[]
}

/** Undefined for a partner that has no brownouts. */
export async function planOf(
  mover: Mover,
  calendar: Calendar,
  recorded: RecordedLogins,
  now: number,
): Promise<Plan | undefined> {
  const { name, migration } = mover
  if (migration.brownout === undefined) return undefined
  const begins = brownoutBegins(migration, calendar)
  const since = Math.min(begins ?? now, now)
  const logins = await recorded.instants(name, since - recordedMs, since)
  const windows = windowsOf(mover, calendar, now, Math.max(begins ?? now, now) + horizonMs)
  return {
    partner: name,
    mode: migration.brownout.mode,
    begins,
    recorded: logins.length,
    retryAfterMs: await recorded.retryAfter(name),
    windows:
      migration.brownout.mode === 'nudge' ? [] : windows.map((window) => planned(window, name, logins, calendar)),
  }
}

function planned(window: Window, name: string, logins: readonly number[], calendar: Calendar): PlannedWindow {
  const begin = minuteOfWeek(window.from, calendar)
  const length = (window.to - window.from) / 60_000
  const met = (login: number) => {
    const after = (minuteOfWeek(login, calendar) - begin + weekMinutes) % weekMinutes
    return after < length
  }
  const reference = referenceOf(name, { kind: 'window', from: window.from })
  return { ...window, reference, wouldRefuse: logins.filter(met) }
}

/** By the clocks of the zone: jobs come at the same local time in summer and winter. */
function minuteOfWeek(instant: number, { zone }: Calendar): number {
  const { day, minute } = localTime(instant, zone)
  return weekdayOf(day) * 1440 + minute
}

/** A reference that a client was shown, and what it stands for. */
export interface Explanation {
  readonly partner: string
  readonly kind: 'window' | 'nudge' | 'retired'
  /** Of a window; of the day of a nudge. */
  readonly from?: number
  readonly to?: number
  readonly week?: number
  readonly phaseNow: string
}

/** How far from now a reference may be; nobody calls about an older one. */
const explainedMs = 400 * dayMs

/** Everything that a reference can stand for: mostly one, seldom two. */
export function explain(
  reference: string,
  movers: readonly Mover[],
  calendar: Calendar,
  now: number,
): readonly Explanation[] {
  return movers.flatMap((mover) => occasionsOf(mover, calendar, now).filter((each) => each.reference === reference))
}

function occasionsOf(
  mover: Mover,
  calendar: Calendar,
  now: number,
): readonly (Explanation & { readonly reference: string })[] {
  const { name: partner, migration } = mover
  const known = { partner, phaseNow: phaseAt(migration, calendar, now) }
  const retired = { ...known, kind: 'retired', reference: referenceOf(partner, { kind: 'retired' }) } as const
  if (migration.brownout === undefined) return [retired]
  if (migration.brownout.mode === 'nudge') {
    const days = Array.from({ length: explainedMs / dayMs }, (_, i) => (Math.floor(now / dayMs) - i) * dayMs)
    return [
      retired,
      ...days.map((from) => {
        const day = new Date(from).toISOString().slice(0, 10)
        return {
          ...known,
          kind: 'nudge',
          from,
          to: from + dayMs,
          reference: referenceOf(partner, { kind: 'nudge', day }),
        } as const
      }),
    ]
  }
  const windows = windowsOf(mover, calendar, now - explainedMs, now + explainedMs)
  return [
    retired,
    ...windows.map(({ from, to, week }) => {
      return {
        ...known,
        kind: 'window',
        from,
        to,
        week,
        reference: referenceOf(partner, { kind: 'window', from }),
      } as const
    }),
  ]
}
