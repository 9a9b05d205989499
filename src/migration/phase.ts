import type { PartnerMigration, Phase } from '../config/migration-config.ts'
import { dayNumber, instantOf } from '../ftp/local-time.ts'
import { afterFreezes, type Calendar, unfrozen } from './calendar.ts'

/** From that day's first minute in the zone of the calendar. */
interface Beginning {
  readonly phase: Phase
  readonly instant: number
}

const dated = ['gateway', 'notice', 'brownout', 'retired'] as const

/**
 * The phase of a partner, without anything remembered: a named phase is the one; `auto` follows the timeline. A hold
 * keeps the phase that the timeline gave when the hold began.
 */
export function phaseAt(partner: PartnerMigration, calendar: Calendar, now: number): Phase {
  const { phase, hold } = partner
  if (phase !== 'auto') return phase
  const held = hold !== undefined && hold.since <= now && now < afterFreezes(hold.until, calendar)
  return timelinePhase(partner, calendar, held ? hold.since : now)
}

/** When the phase may be another one next; undefined when it stays. */
export function nextChange(partner: PartnerMigration, calendar: Calendar, now: number): number | undefined {
  if (partner.phase !== 'auto') return undefined
  const { hold } = partner
  const ends = hold === undefined ? [] : [hold.since, afterFreezes(hold.until, calendar)]
  const instants = [...beginnings(partner, calendar).map(({ instant }) => instant), ...ends].sort((a, b) => a - b)
  const current = phaseAt(partner, calendar, now)
  return instants.find((instant) => instant > now && phaseAt(partner, calendar, instant) !== current)
}

/** The first day of a phase, behind the freezes that its date falls into; undefined without a date. */
export function firstDay(partner: PartnerMigration, phase: Phase, calendar: Calendar): number | undefined {
  const date = phase === 'legacy' ? undefined : partner.timeline[phase]
  const day = date === undefined ? undefined : dayNumber(date)
  return day === undefined ? undefined : unfrozen(day, calendar)
}

function beginnings(partner: PartnerMigration, calendar: Calendar): readonly Beginning[] {
  return dated.flatMap((phase) => {
    const day = firstDay(partner, phase, calendar)
    return day === undefined ? [] : [{ phase, instant: instantOf(day, 0, calendar.zone) }]
  })
}

/** Who has a date for `gateway` is with the old server before it; everybody else is with the gateway already. */
function timelinePhase(partner: PartnerMigration, calendar: Calendar, now: number): Phase {
  const begun = beginnings(partner, calendar).filter(({ instant }) => instant <= now)
  return begun.at(-1)?.phase ?? (partner.timeline.gateway === undefined ? 'gateway' : 'legacy')
}

/** When a partner meets its first brownout, as far as its dates say; a hold may put it off. */
export function brownoutBegins(partner: PartnerMigration, calendar: Calendar): number | undefined {
  return begins(partner, 'brownout', calendar)
}

/** When FTPS ends for a partner; undefined without a date, and where a named phase keeps it from coming. */
export function sunsetOf(partner: PartnerMigration, calendar: Calendar): number | undefined {
  return partner.phase === 'auto' ? begins(partner, 'retired', calendar) : undefined
}

function begins(partner: PartnerMigration, phase: Phase, calendar: Calendar): number | undefined {
  const day = firstDay(partner, phase, calendar)
  if (day === undefined) return undefined
  const dated = instantOf(day, 0, calendar.zone)
  if (partner.phase !== 'auto') return dated
  const later = partner.hold === undefined ? [] : [afterFreezes(partner.hold.until, calendar)]
  return [dated, ...later].find((instant) => instant >= dated && phaseAt(partner, calendar, instant) === phase)
}
