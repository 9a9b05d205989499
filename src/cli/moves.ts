import { recordedLogins } from '../composition/migration.ts'
import type { Config, PartnerConfig } from '../config/config.ts'
import type { PartnerMigration } from '../config/migration-config.ts'
import { suggest } from '../config/suggest.ts'
import { type Calendar, calendarOf } from '../migration/calendar.ts'
import { moverOf } from '../migration/mover.ts'
import type { RecordedLogins } from '../migration/recorded-logins.ts'
import type { Mover } from '../migration/windows.ts'
import { loadChecked } from './load-checked.ts'
import { type Io, UsageError } from './verb.ts'

/** What the verbs about partners' moves look at. */
export interface Moves {
  readonly config: Config
  readonly calendar: Calendar
  readonly recorded: RecordedLogins
  readonly now: number
}

export async function loadMoves(file: string | undefined, verb: string, io: Io): Promise<Moves> {
  if (file === undefined) throw new UsageError(`${verb} needs --config FILE`)
  const config = await loadChecked(file, io.env)
  const now = (io.now ?? Date.now)()
  const warn = (message: string) => void io.stderr.write(`ftps-gateway: ${message}\n`)
  const recorded = recordedLogins(config, () => now, false, warn)
  return { config, calendar: calendarOf(config.migration), recorded, now }
}

/** Throws UsageError for a name that no partner has. */
export function partnerNamed({ config }: Moves, name: string): PartnerConfig {
  const partner = config.partners.find((each) => each.name === name)
  if (partner !== undefined) return partner
  const names = config.partners.map((each) => each.name)
  throw new UsageError(`there is no partner "${name}"${suggest(name, names)}`)
}

/** Whose file says nothing of a move is served, for good. */
export function migrationOf({ migration }: PartnerConfig): PartnerMigration {
  return migration ?? { phase: 'gateway', timeline: {}, hold: undefined, brownout: undefined }
}

export function moverFor(partner: PartnerConfig, { calendar, recorded, now }: Moves): Promise<Mover> {
  return moverOf({ name: partner.name, migration: migrationOf(partner) }, calendar, recorded, now)
}
