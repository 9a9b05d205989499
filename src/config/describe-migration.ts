import { time } from './describe-units.ts'
import type { Brownout, Ladder, MigrationConfig, PartnerMigration } from './migration-config.ts'
import { spellWeeklyTime } from './migration-kinds.ts'

/** The section `migration`, in the notation of its file. */
export function describeMigration({ publicSftp, link, contact, timeZone, freezes, ladders }: MigrationConfig): object {
  return {
    ...(publicSftp && { publicSftp }),
    ...(link !== undefined && { link }),
    ...(contact !== undefined && { contact }),
    timezone: timeZone,
    freeze: freezes.map(({ from, to, reason }) => ({ from, to, ...(reason !== undefined && { reason }) })),
    ladders: Object.fromEntries(ladders.map(({ name, rungs }) => [name, rungs.map(describeRung)])),
  }
}

function describeRung({ week, windows, durationMs }: Ladder['rungs'][number]): object {
  return { week, windows, duration: time(durationMs) }
}

/** The keys of a partner file that are about its move. */
export function describePartnerMigration(migration: PartnerMigration): object {
  const { phase, timeline, hold, brownout, title, wave, owner, storage } = migration
  return {
    ...said({ title, wave, owner: said(owner ?? {}), storage }),
    phase,
    ...said({ timeline: said(timeline) }),
    ...(hold && { hold: { reason: hold.reason, since: instant(hold.since), until: instant(hold.until) } }),
    ...(brownout && { brownout: describeBrownout(brownout) }),
  }
}

function describeBrownout({ ladder, align, at, mode, everyMs, delayMs, code, onlyUsers }: Brownout): object {
  return {
    ladder: ladder.name,
    align,
    ...(at.length > 0 && { at: at.map(spellWeeklyTime) }),
    mode,
    ...(mode === 'nudge' && { every: time(everyMs) }),
    ...(mode === 'slow' && { delay: time(delayMs) }),
    reply: code,
    ...(onlyUsers.length > 0 && { onlyUsers }),
  }
}

/** What was said of some keys, without those of which nothing was. */
function said(values: object): object {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined && !isEmpty(value))
  return Object.fromEntries(entries)
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}

function instant(ms: number): string {
  return new Date(ms).toISOString()
}
