import type { PartnerMigration } from '../config/migration-config.ts'
import type { Calendar } from './calendar.ts'
import { histogramOf } from './histogram.ts'
import { brownoutBegins } from './phase.ts'
import type { RecordedLogins } from './recorded-logins.ts'
import type { Mover } from './windows.ts'

/** Logins of so long tell when a partner comes. */
export const recordedMs = 60 * 86_400_000

/**
 * A partner with its logins of the sixty days before its first brownout. Later ones do not count: brownouts change when a
 * partner comes, and windows that are announced must not move.
 */
export function moverOf(
  partner: { readonly name: string; readonly migration: PartnerMigration },
  calendar: Calendar,
  recorded: RecordedLogins,
  now: number,
): Mover {
  const { name, migration } = partner
  const begins = brownoutBegins(migration, calendar)
  const observed = migration.brownout?.align === 'observed' && begins !== undefined
  const until = Math.min(begins ?? now, now)
  const instants = observed ? recorded.instants(name, until - recordedMs, until) : []
  return { name, migration, histogram: histogramOf(instants, calendar.zone) }
}
