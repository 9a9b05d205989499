import type { PartnerMigration } from '../config/migration-config.ts'
import type { Calendar } from './calendar.ts'
import { histogramOf } from './histogram.ts'
import { brownoutBegins } from './phase.ts'
import { type RecordedLogins, recordedMs } from './recorded-logins.ts'
import type { Mover } from './windows.ts'

/**
 * A partner with its logins of the sixty days before its first brownout. Later ones do not count: brownouts change when a
 * partner comes, and windows that are announced must not move.
 */
export async function moverOf(
  partner: { readonly name: string; readonly migration: PartnerMigration },
  calendar: Calendar,
  recorded: RecordedLogins,
  now: number,
): Promise<Mover> {
  const { name, migration } = partner
  const begins = brownoutBegins(migration, calendar)
  const observed = migration.brownout?.align === 'observed' && begins !== undefined
  const until = Math.min(begins ?? now, now)
  const instants = observed ? await recorded.instants(name, until - recordedMs, until) : []
  return { name, migration, histogram: histogramOf(instants, calendar.zone) }
}
