import type { Brownout, MigrationConfig, PartnerMigration } from '../../src/config/migration-config.ts'
import { type Calendar, calendarOf } from '../../src/migration/calendar.ts'
import type { LoginHistogram } from '../../src/migration/histogram.ts'
import type { Mover } from '../../src/migration/windows.ts'

export const minute = 60_000
export const hour = 60 * minute

export const standard = {
  name: 'standard',
  rungs: [
    { week: 1, windows: 2, durationMs: 10 * minute },
    { week: 2, windows: 1, durationMs: hour },
    { week: 3, windows: 1, durationMs: 2 * hour },
    { week: 4, windows: 1, durationMs: 4 * hour },
    { week: 5, windows: 1, durationMs: 24 * hour },
  ],
}

export const usual: Brownout = {
  ladder: standard,
  align: 'fixed',
  at: [{ weekday: undefined, minute: 600 }],
  mode: 'window',
  everyMs: 24 * hour,
  delayMs: 20_000,
  code: 530,
  onlyUsers: [],
  apartMs: 24 * hour,
  workdays: false,
}

/** A partner in its brownouts from Monday, 1 March 2027, and retired from 12 April. */
export function mover(
  brownout: Partial<Brownout> = {},
  migration: Partial<PartnerMigration> = {},
  histogram: LoginHistogram = [],
): Mover {
  return {
    name: 'acme',
    histogram,
    migration: {
      phase: 'auto',
      timeline: { notice: '2027-02-01', brownout: '2027-03-01', retired: '2027-04-12' },
      hold: undefined,
      brownout: { ...usual, ...brownout },
      ...migration,
    },
  }
}

export function calendar(freezes: MigrationConfig['freezes'] = [], timeZone = 'Europe/Berlin'): Calendar {
  return calendarOf({ timeZone, freezes })
}

export const at = (text: string): number => Date.parse(text)

/** An instant as the clocks of a zone show it. */
export function local(instant: number, timeZone = 'Europe/Berlin'): string {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'short' })
  const weekday = new Intl.DateTimeFormat('en', { timeZone, weekday: 'short' })
  return `${weekday.format(instant)} ${format.format(instant)}`
}
