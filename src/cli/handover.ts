import { createHostKeyPolicy } from '../backend/sftp/host-keys.ts'
import { probeHostKey, type ShownKey } from '../backend/sftp/probe.ts'
import type { Config, PartnerConfig, PathConfig } from '../config/config.ts'
import { readText } from '../config/files.ts'
import { fingerprint } from '../config/kinds.ts'
import { dateOf } from '../ftp/local-time.ts'
import { findings } from '../migration/blockers.ts'
import { calendarOf } from '../migration/calendar.ts'
import { handoverSheet } from '../migration/handover.ts'
import type { HandoverFacts } from '../migration/handover-facts.ts'
import { daysKept, firstDay, readJournals } from '../migration/journal.ts'
import { firstDay as firstDayOf } from '../migration/phase.ts'
import { type SheetFormat, sheetFormats, sheetText } from '../migration/sheet.ts'
import { sumOf } from '../migration/usage.ts'
import { exit } from './exit.ts'
import { parseHost } from './host-key.ts'
import { configFor, partnerNamed } from './state.ts'
import { parseOptionsAndWord, UsageError, type Verb } from './verb.ts'

const timeoutMs = 10_000

export const handover: Verb = {
  name: 'handover',
  synopsis: 'PARTNER --config FILE [OPTIONS]',
  summary: 'write the page with which a partner moves to SFTP',
  details: `  PARTNER               its name in the configuration
  --config FILE         the configuration, see config/gateway.yaml
  --server HOST[:PORT]  the SFTP server that it moves to (default: migration.publicSftp); asked for its host keys now
  --host-key PRINT      a fingerprint of that server, besides those of the partner's backend; may be given several times
  --user NAME           its user there (default: auth.username, or its first user)
  --contact TEXT        whom it asks (default: migration.contact)
  --link URL            where it finds more (default: migration.link)
  --format FORMAT       md (default), txt, html, or eml: a draft of a mail to owner.email

The host keys that the server shows have to be pinned, for the backend or by --host-key: a page with the key of somebody in
between would be worse than none. Exit code 1: the server has shown another one.

  ftps-gateway handover acme --config gateway.yaml --server sftp.example.com --format html > acme.html
`,
  async run(args, io) {
    const { word: name, options } = parseOptionsAndWord(args, {
      config: { type: 'string' },
      server: { type: 'string' },
      'host-key': { type: 'string', multiple: true, default: [] },
      user: { type: 'string' },
      contact: { type: 'string' },
      link: { type: 'string' },
      format: { type: 'string', default: 'md' },
    })
    if (name === undefined) throw new UsageError('handover needs PARTNER')
    const format = formatOf(options.format)
    const config = await configFor('handover', options.config, io)
    const partner = partnerNamed(config, name)
    const { migration } = config
    const server = options.server === undefined ? migration.publicSftp : parseHost(options.server)
    if (server === undefined) throw new UsageError('handover needs migration.publicSftp, or --server HOST[:PORT]')
    const user = options.user ?? userOf(partner)
    if (user === undefined) throw new UsageError(`handover needs --user NAME: partner ${name} names no users`)
    for (const text of options['host-key']) {
      if (fingerprint.read(text) === undefined)
        throw new UsageError(`--host-key takes ${fingerprint.expects}, not ${text}`)
    }
    const shown = await probeHostKey(server.host, server.port, timeoutMs)
    const isPinned = await pinsOf(config, partner, server, options['host-key'])
    const strange = shown.filter((key) => !isPinned(key))
    for (const { type, fingerprint } of strange) {
      io.stderr.write(
        `ftps-gateway: ${server.host}:${server.port} shows ${type} ${fingerprint}, which is pinned nowhere. When its administrator says that it is right, add --host-key ${fingerprint}\n`,
      )
    }
    if (strange.length > 0) return exit.failure
    const sheet = handoverSheet({
      partner: partner.name,
      title: partner.migration?.title,
      server,
      user,
      hostKeys: shown,
      root: partner.root,
      paths: partner.paths && pathsOf(partner, partner.paths),
      dates: datesOf(config, partner),
      contact: options.contact ?? migration.contact,
      link: options.link ?? migration.link,
      found: await foundFor(config, partner),
    })
    const [to, from] = [partner.migration?.owner?.email, options.contact ?? migration.contact].map(addressOf)
    io.stdout.write(sheetText(sheet, format, { from, to }))
    return exit.ok
  },
}

/** What the partner has done by FTPS that is different with SFTP, as far as the journal knows. */
async function foundFor({ state }: Config, { name }: PartnerConfig): Promise<readonly string[]> {
  if (state.directory === undefined) return []
  const rows = await readJournals(state.directory, { since: firstDay(Date.now(), daysKept) })
  const { blockers, notes } = findings({
    usage: sumOf(rows.filter(({ partner }) => partner === name).map(({ usage }) => usage)),
  })
  return [...blockers, ...notes].map((text) => `You use ${text}.`)
}

/** What is on another backend than that of the login is not on the server of the page. */
function pathsOf({ backend: home }: PartnerConfig, paths: readonly PathConfig[]): HandoverFacts['paths'] {
  const byLength = [...paths].sort((a, b) => b.ftp.length - a.ftp.length)
  return byLength.map(({ ftp, sftp, backend, readOnly }) => {
    return { ftp, there: backend === home ? sftp : undefined, readOnly }
  })
}

/** What can stand in the head of a mail; undefined for other words. */
function addressOf(text: string | undefined): string | undefined {
  return text !== undefined && /^[!-?A-~]+@[!-?A-~]+$/.test(text) ? text : undefined
}

const whatBegins = {
  notice: 'your FTPS logins begin to be answered with a reminder',
  brownout: 'FTPS is switched off for short, announced times',
  retired: 'FTPS is switched off; only SFTP works',
} as const

/** The days that the partner notices, in the zone of migration.timezone. */
function datesOf({ migration }: Config, partner: PartnerConfig): HandoverFacts['dates'] {
  const { migration: move } = partner
  if (move === undefined || move.phase !== 'auto') return []
  const calendar = calendarOf(migration)
  return (['notice', 'brownout', 'retired'] as const).flatMap((phase) => {
    const day = firstDayOf(move, phase, calendar)
    return day === undefined ? [] : [{ day: dateOf(day), what: whatBegins[phase] }]
  })
}

/** Fingerprints and known_hosts of the partner's backend, and what the command line says. */
async function pinsOf(
  { backends }: Config,
  partner: PartnerConfig,
  server: { readonly host: string; readonly port: number },
  named: readonly string[],
): Promise<(key: ShownKey) => boolean> {
  const { hostKeys = [], knownHosts } = backends.find((one) => one.name === partner.backend) ?? {}
  const knownHostsText = knownHosts === undefined ? undefined : await readText(knownHosts)
  const policy = createHostKeyPolicy({ ...server, fingerprints: [...hostKeys, ...named], knownHostsText })
  return ({ blob }) => policy.check(blob) === 'trusted'
}

function userOf({ users, auth }: PartnerConfig): string | undefined {
  return (auth.mode === 'passthrough' ? auth.username : undefined) ?? users[0]
}

function formatOf(text: string): SheetFormat {
  const format = sheetFormats.find((one) => one === text)
  if (format === undefined) throw new UsageError(`--format takes ${sheetFormats.join(', ')}, not ${text}`)
  return format
}
