import * as kinds from './kinds.ts'
import { phases } from './migration-config.ts'
import { contact, date, link, moment, weeklyTime, words } from './migration-kinds.ts'
import { listOf, listOfTables, namedListsOfTables, optional, preset, required, table } from './table.ts'

/** What all partners' moves have in common. */
export const migrationEntries = {
  publicSftp: table({ host: optional(kinds.host), port: preset(kinds.port, '22') }),
  link: optional(link),
  contact: optional(contact),
  timezone: preset(kinds.timeZone, 'UTC'),
  freeze: listOfTables({ from: required(date), to: required(date), reason: optional(words) }),
  ladders: namedListsOfTables({
    week: required(kinds.whole(1, 520)),
    windows: required(kinds.whole(1, 100)),
    duration: required(kinds.duration(60_000)),
  }),
}

/** One partner's. */
export const partnerMigrationEntries = {
  title: optional(words),
  wave: optional(kinds.whole(0, 9_999)),
  owner: table({ team: optional(words), email: optional(words), ticket: optional(words) }),
  storage: optional(kinds.oneOf(['shared', 'separate'])),
  phase: preset(kinds.oneOf(['auto', ...phases]), 'auto'),
  timeline: table({
    gateway: optional(date),
    notice: optional(date),
    brownout: optional(date),
    retired: optional(date),
  }),
  hold: table({ reason: optional(words), since: optional(moment), until: optional(moment) }),
  brownout: table({
    ladder: preset(kinds.label, 'standard'),
    align: preset(kinds.oneOf(['observed', 'business-hours', 'fixed']), 'observed'),
    at: listOf(weeklyTime),
    mode: preset(kinds.oneOf(['window', 'nudge', 'slow']), 'window'),
    every: preset(kinds.duration(60_000), '24h'),
    delay: preset(kinds.duration(1), '20s'),
    reply: preset(kinds.oneOf(['530', '421']), '530'),
    onlyUsers: listOf(kinds.userName),
  }),
  expect: table({
    upload: table({ every: optional(kinds.span), weekdays: preset(kinds.truth, 'false') }),
  }),
}
