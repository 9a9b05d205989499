import { momentOf } from '../ftp/local-time.ts'
import { zoneOf } from '../ftp/time-zone.ts'
import type { Brownout, Hold, Ladder, MigrationConfig, PartnerMigration, Rung, Timeline } from './migration-config.ts'
import { partnerMigrationEntries } from './migration-entries.ts'
import type { Problems } from './problems.ts'
import type { gatewaySchema, partnerSchema } from './schema.ts'
import { nodeAt, type Path, type Source, textAt } from './source.ts'
import { suggest } from './suggest.ts'
import type { Values } from './table.ts'

type Globals = Values<typeof gatewaySchema>
type PartnerValues = Values<typeof partnerSchema>

const [minute, hour] = [60_000, 3_600_000]

/** What a partner has whose file names no other: after that by which Docker Hub ended its first registry. */
const standard: readonly Rung[] = [
  { week: 1, windows: 2, durationMs: 10 * minute },
  { week: 2, windows: 1, durationMs: hour },
  { week: 3, windows: 1, durationMs: 2 * hour },
  { week: 4, windows: 1, durationMs: 4 * hour },
  { week: 5, windows: 1, durationMs: 24 * hour },
]

/** Where nothing is expected of a partner, a file a day is: it gets through between two windows. */
const usuallyApartMs = 24 * hour

const legacyFault = 'legacy needs a backend of type ftps, named by legacy or by defaults.legacy'

export function checkMigration(globals: Globals, source: Source, problems: Problems): MigrationConfig {
  const { publicSftp, link, contact, timezone, freeze } = globals.migration
  const freezes = freeze.flatMap((entry, i) => {
    if (entry === undefined) return []
    if (entry.to < entry.from) problems.add(source, ['migration', 'freeze', i, 'to'], `is before from, ${entry.from}`)
    return [entry]
  })
  const { host, port } = publicSftp
  if (host === undefined && nodeAt(source, ['migration', 'publicSftp']) !== undefined)
    problems.add(source, ['migration', 'publicSftp', 'host'], 'is missing; it must be the server that partners move to')
  return {
    publicSftp: host === undefined ? undefined : { host, port },
    link,
    contact,
    timeZone: timezone,
    freezes,
    ladders: checkLadders(globals, source, problems),
  }
}

function checkLadders({ migration }: Globals, source: Source, problems: Problems): MigrationConfig['ladders'] {
  const ladders: Ladder[] = []
  for (const [name, entries] of migration.ladders) {
    const path = ['migration', 'ladders', name]
    const rungs: Rung[] = []
    for (const [i, rung] of entries.entries()) {
      if (rung === undefined) continue
      const before = rungs.at(-1)
      if (before && rung.week <= before.week)
        problems.add(source, [...path, i, 'week'], `must be more than ${before.week}, the week before it in the list`)
      rungs.push({ week: rung.week, windows: rung.windows, durationMs: rung.duration })
    }
    if (entries.length === 0) problems.add(source, path, 'must be a list of weeks, with at least one')
    ladders.push({ name, rungs })
  }
  return ladders.some(({ name }) => name === 'standard') ? ladders : [{ name: 'standard', rungs: standard }, ...ladders]
}

export interface PartnerMigrationParts {
  readonly source: Source
  readonly problems: Problems
  readonly migration: MigrationConfig
  /** When the file was last changed: a hold without a beginning began then. */
  readonly changed: number
  /** A login takes no longer. */
  readonly loginMs: number
  /** The old server of partners that name no other. */
  readonly defaultLegacy: string | undefined
}

/** Undefined when its file says nothing about it. */
export function checkPartnerMigration(
  values: PartnerValues,
  parts: PartnerMigrationParts,
): PartnerMigration | undefined {
  const { source, problems } = parts
  if (!Object.keys(partnerMigrationEntries).some((key) => isSaid(source, [key]))) return undefined
  const { phase, title, wave, owner, storage } = values
  const timeline = checkTimeline(values, parts)
  const nowhere = values.legacy === undefined && parts.defaultLegacy === undefined
  if (phase === 'legacy' && nowhere) problems.add(source, ['phase'], legacyFault)
  if (phase === 'brownout' && timeline.brownout === undefined) {
    const why = 'is missing; phase: brownout needs the day from which the weeks of its ladder count'
    problems.add(source, ['timeline', 'brownout'], why)
  }
  return {
    phase,
    timeline,
    hold: checkHold(values, parts),
    brownout:
      timeline.brownout === undefined && !isSaid(source, ['brownout']) ? undefined : checkBrownout(values, parts),
    title,
    wave,
    owner: { team: owner.team, email: owner.email, ticket: owner.ticket },
    storage,
  }
}

function checkTimeline(
  { phase, timeline, legacy }: PartnerValues,
  { source, problems, defaultLegacy }: PartnerMigrationParts,
): Timeline {
  let before: { readonly name: string; readonly date: string } | undefined
  for (const name of ['gateway', 'notice', 'brownout', 'retired'] as const) {
    const date = timeline[name]
    if (date === undefined) continue
    if (before && date <= before.date)
      problems.add(source, ['timeline', name], `must be later than timeline.${before.name}, ${before.date}`)
    before = { name, date }
  }
  // Before that date the partner is with the old server.
  if (timeline.gateway !== undefined && phase === 'auto' && legacy === undefined && defaultLegacy === undefined) {
    const advice = 'leave gateway out for a partner that is with the gateway from the start'
    problems.add(source, ['timeline', 'gateway'], `before it the phase is legacy, and ${legacyFault}; ${advice}`)
  }
  return timeline
}

function checkHold({ hold }: PartnerValues, parts: PartnerMigrationParts): Hold | undefined {
  const { source, problems, migration, changed } = parts
  if (!isSaid(source, ['hold'])) return undefined
  const { reason, since, until } = hold
  const needed = { reason: 'why the partner stays in its phase', until: 'when the hold ends' } as const
  for (const key of ['reason', 'until'] as const) {
    if (hold[key] === undefined && !problems.has(source, ['hold', key]))
      problems.add(source, ['hold', key], `is missing; it must be ${needed[key]}`)
  }
  if (reason === undefined || until === undefined) return undefined
  const zone = zoneOf(migration.timeZone)
  const ends = momentOf(until, zone) ?? 0
  const begins = since === undefined ? Math.min(changed, ends) : (momentOf(since, zone) ?? 0)
  if (since !== undefined && begins >= ends)
    problems.add(source, ['hold', 'until'], `is not after hold.since, ${since}`)
  return { reason, since: begins, until: ends }
}

function checkBrownout(values: PartnerValues, parts: PartnerMigrationParts): Brownout {
  const { source, problems, migration, loginMs } = parts
  const { ladder: name, align, mode, reply, every, delay } = values.brownout
  const say = (key: string, message: string): void => problems.add(source, ['brownout', key], message)
  const names = migration.ladders.map((each) => each.name)
  const ladder = migration.ladders.find((each) => each.name === name)
  if (ladder === undefined) say('ladder', `no ladder is named "${name}"${suggest(name, names)}`)
  const at = values.brownout.at.filter((time) => time !== undefined)
  if (align === 'fixed' && values.brownout.at.length === 0) say('at', 'is missing; align: fixed needs times')
  if (align !== 'fixed' && at.length > 0) say('at', 'needs align: fixed')
  if (mode !== 'nudge' && textAt(source, ['brownout', 'every']) !== undefined) say('every', 'needs mode: nudge')
  if (mode !== 'slow' && textAt(source, ['brownout', 'delay']) !== undefined) say('delay', 'needs mode: slow')
  if (mode === 'slow' && delay >= loginMs)
    say('delay', 'must be shorter than timeouts.login, or no login comes to its end')
  for (const [i, user] of values.brownout.onlyUsers.entries()) {
    if (user === undefined || values.match.users.length === 0 || values.match.users.includes(user)) continue
    problems.add(source, ['brownout', 'onlyUsers', i], `"${user}" is not in match.users`)
  }
  const { upload } = values.expect
  return {
    ladder: ladder ?? { name, rungs: [] },
    align,
    at,
    mode,
    everyMs: every,
    delayMs: delay,
    code: reply === '421' ? 421 : 530,
    onlyUsers: values.brownout.onlyUsers.filter((user) => user !== undefined),
    apartMs: upload.every ?? usuallyApartMs,
    workdays: upload.weekdays,
  }
}

function isSaid(source: Source, path: Path): boolean {
  return nodeAt(source, path) !== undefined
}
