import type { Config, PartnerConfig } from '../config/config.ts'
import { span } from '../config/kinds.ts'
import { dateOf, localTime } from '../ftp/local-time.ts'
import { type Calendar, calendarOf } from '../migration/calendar.ts'
import { daysKept, firstDay, readJournals } from '../migration/journal.ts'
import { readPartnerKeys } from '../migration/partner-keys.ts'
import { nextChange, phaseAt } from '../migration/phase.ts'
import { type ReportPartner, reportOf } from '../migration/report.ts'
import { type ReportFormat, reportFormats, reportText } from '../migration/report-formats.ts'
import { merged } from '../migration/rows.ts'
import { togetherOf } from '../migration/sftp-logins.ts'
import { readSftpLogins } from '../migration/sftp-logins-file.ts'
import { learnedIn } from '../partners/learned-passwords.ts'
import { exit } from './exit.ts'
import { configFor, sftpUsersOf, stateDirectory } from './state.ts'
import { parseOptions, UsageError, type Verb } from './verb.ts'

export const report: Verb = {
  name: 'report',
  synopsis: '--config FILE [OPTIONS]',
  summary: 'say who still uses FTPS, what for, and what keeps them there',
  details: `  --config FILE     the configuration, see config/gateway.yaml
  --format FORMAT   table (default), csv, json or html
  --since TIME      what counts: 30d (default), at most 60d, 24h
  --state DIR       the state directory of another replica too; may be given several times

Reads what the gateway has written below state.directory, and what \`import\` and \`keys add\` have put there. The verdict of a
partner is ready, waiting for key, or blocked, with what SFTP cannot do for it.

  ftps-gateway report --config gateway.yaml --format html > report.html
`,
  async run(args, io) {
    const options = parseOptions(args, {
      config: { type: 'string' },
      format: { type: 'string', default: 'table' },
      since: { type: 'string', default: '30d' },
      state: { type: 'string', multiple: true, default: [] },
    })
    const format = formatOf(options.format)
    const days = daysOf(options.since)
    const config = await configFor('report', options.config, io)
    const directories = [stateDirectory(config, 'report'), ...options.state]
    const now = Date.now()
    const all = await Promise.all(directories.map((one) => readJournals(one, { since: firstDay(now, daysKept) })))
    const rows = merged(all.flat())
    const partners = await partnersOf(config, directories, now)
    const others = rows.some(({ partner }) => partner === 'default')
      ? [{ name: 'default', users: [], phase: config.defaults.phase, keys: [], sftp: undefined }]
      : []
    const input = {
      rows,
      since: firstDay(now, days),
      days,
      now,
      zone: calendarOf(config.migration).zone,
      partners: [...partners, ...others],
    }
    io.stdout.write(reportText(reportOf(input), format))
    return exit.ok
  },
}

async function partnersOf(
  config: Config,
  directories: readonly string[],
  now: number,
): Promise<readonly ReportPartner[]> {
  const calendar = calendarOf(config.migration)
  const keys = (await Promise.all(directories.map(readPartnerKeys))).flat()
  const logins = await Promise.all(directories.map(readSftpLogins))
  const learned = (await Promise.all(directories.map(learnedIn))).flat()
  return config.partners.map((partner) => {
    const { name, users, auth, expect } = partner
    const learns = auth.mode === 'learn' && auth.passwordHash === undefined
    const isKnown = (user: string) => learned.some((one) => one.partner === name && one.user === user)
    const found = logins.flatMap((some) => togetherOf(some, sftpUsersOf(partner)) ?? [])
    return {
      name,
      users,
      ...phaseOf(partner, calendar, now),
      expect,
      unknownPasswords: learns ? users.filter((user) => !isKnown(user)) : [],
      keys: keys.filter((key) => key.partner === name).map(({ fingerprint }) => fingerprint),
      sftp: togetherOf(
        new Map(found.map((login, i) => [String(i), login])),
        found.map((_, i) => String(i)),
      ),
    }
  })
}

/** How far the move is, and who cares for it. */
function phaseOf(
  { migration }: PartnerConfig,
  calendar: Calendar,
  now: number,
): Pick<ReportPartner, 'phase' | 'next' | 'title' | 'wave' | 'owner'> {
  if (migration === undefined) return { phase: 'gateway' }
  const { title, wave, owner = {} } = migration
  const change = nextChange(migration, calendar, now)
  const day = change === undefined ? '' : dateOf(localTime(change, calendar.zone).day)
  return {
    phase: phaseAt(migration, calendar, now),
    next: change === undefined ? '' : `${phaseAt(migration, calendar, change)} on ${day}`,
    title,
    wave,
    owner: [owner.team, owner.email, owner.ticket].filter((text) => text !== undefined).join(' '),
  }
}

function formatOf(text: string): ReportFormat {
  const format = reportFormats.find((one) => one === text)
  if (format === undefined) throw new UsageError(`--format takes ${reportFormats.join(', ')}, not ${text}`)
  return format
}

function daysOf(text: string): number {
  const days = (span.read(text) ?? 0) / 86_400_000
  if (days <= 0 || days > daysKept)
    throw new UsageError(`--since takes a time such as 30d, at most ${daysKept}d, not ${text}`)
  return Math.ceil(days)
}
