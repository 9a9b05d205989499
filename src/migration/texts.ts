import type { MigrationConfig, PartnerMigration, Phase } from '../config/migration-config.ts'
import { dateOf, localTime } from '../ftp/local-time.ts'
import { utc } from '../ftp/time-zone.ts'
import type { Calendar } from './calendar.ts'
import { firstDay } from './phase.ts'
import type { Refusal } from './verdict.ts'

/** Lines of a reply, without its code. They are ASCII, and with the code and its mark no longer than 70 columns. */
export type Lines = readonly [string, ...string[]]

const columns = 66

/** Where partners move to, in words that the configuration gives. */
export type WayOut = Pick<MigrationConfig, 'publicSftp' | 'link' | 'contact'>

/** What a partner is told about its move. */
export interface Story {
  readonly wayOut: WayOut
  readonly calendar: Calendar
  readonly migration: PartnerMigration
  /** What has proved who the client is. */
  readonly proof: Proof
}

export type Proof = 'password' | 'certificate'

/**
 * The reply to a login that is refused although its password is right. Whoever reads 530 goes to change the password, so that
 * the second line says what is not the reason. At most three lines: some clients show no more.
 */
export function refusalText(refusal: Refusal, story: Story, now: number): Lines {
  const { reference } = refusal
  if (refusal.outcome === 'retired') {
    const ended = fitting(`FTPS has ended here for this login${since(story)}.`, 'FTPS has ended here for this login.')
    return [ended, ...direction(`Your ${story.proof} is right, but files go by SFTP now`, story, reference)]
  }
  const ends = endOf(story, 'retired')
  const farewell = ends === undefined ? 'Please move to SFTP' : `FTPS ends on ${ends}; move to SFTP`
  return [
    reason(refusal.until, story.calendar, now),
    ...direction(`Your ${story.proof} is right. ${farewell}`, story, reference),
  ]
}

/** What a login is told that is let in, from the phase `notice` on; undefined before. */
export function noticeText(phase: Phase, story: Story): Lines | undefined {
  if (phase !== 'notice' && phase !== 'brownout') return undefined
  const ends = endOf(story, 'retired')
  const starts = phase === 'notice' ? endOf(story, 'brownout') : undefined
  const first = ends === undefined ? 'FTPS will end here' : `FTPS ends here on ${ends}`
  const refused = starts === undefined ? undefined : `From ${starts} on logins are refused now and then.`
  const lines = [...(refused === undefined ? [] : [refused]), ...way(story.wayOut)]
  return [fitting(`${first}; please move to SFTP:`), ...lines.map((line) => fitting(line))]
}

/** The answer to SITE MIGRATION: where the partner's move stands. */
export function statusText(phase: Phase, story: Story): Lines {
  const dates = (['notice', 'brownout', 'retired'] as const).flatMap((name) => {
    const date = endOf(story, name)
    return date === undefined ? [] : `${name} from ${date}`
  })
  return [`Phase: ${phase}`, ...dates, ...way(story.wayOut).map((line) => fitting(line))]
}

function reason(until: number | undefined, calendar: Calendar, now: number): string {
  if (until === undefined) return 'This login is refused once, as a reminder; the next one gets in.'
  const [end, local] = [localTime(until, utc), localTime(until, calendar.zone)]
  const today = end.day === localTime(now, utc).day && local.day === end.day
  const shown = ({ day, minute }: typeof end) => (today ? clock(minute) : `${dateOf(day)} ${clock(minute)}`)
  const zone = calendar.timeZone
  const city = zone.split('/').at(-1) ?? zone
  const there = (name: string) => (zone === 'UTC' ? '' : ` (${shown(local)} ${name})`)
  const text = (name: string, before: string) => `${before} until ${shown(end)} UTC${there(name)}`
  return fitting(
    `${text(zone, 'FTPS is switched off')}, as announced.`,
    `${text(zone, 'FTPS is switched off')}.`,
    `${text(city, 'FTPS is switched off')}.`,
    `${text(city, 'FTPS is off')}.`,
    `FTPS is off until ${shown(end)} UTC (${clock(local.minute)} local).`,
  )
}

/** The two lines behind the reason. The reference is always there; of the way out whatever has room. */
function direction(text: string, { wayOut, proof }: Story, reference: string): readonly [string, string] {
  const { link, contact } = wayOut
  const host = hostOf(wayOut)
  const ref = `ref ${reference}`
  const [place, ...others] = [host, link ?? contact].filter((part) => part !== undefined)
  if (place === undefined) return [fitting(`${text}.`), fitting(`Ask whoever runs this server, ${ref}`)]
  const last = [place, ...others, ref].join(' - ')
  if (last.length <= columns) return [fitting(`${text}:`), fitting(last)]
  return [fitting(`Your ${proof} is right. SFTP: ${place}`, `${text}.`), fitting([...others, ref].join(' - '), ref)]
}

function way(wayOut: WayOut): readonly string[] {
  const host = hostOf(wayOut)
  return [host && `SFTP: ${host}`, wayOut.link, wayOut.contact].filter((line) => line !== undefined)
}

function hostOf({ publicSftp }: WayOut): string | undefined {
  if (publicSftp === undefined) return undefined
  const { host, port } = publicSftp
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

function since(story: Story): string {
  const date = endOf(story, 'retired')
  return date === undefined ? '' : ` since ${date}`
}

/** The date of a phase, put off by freezes; what is pinned has none. */
function endOf({ migration, calendar }: Story, phase: 'notice' | 'brownout' | 'retired'): string | undefined {
  const day = firstDay(migration, phase, calendar)
  return day === undefined ? undefined : dateOf(day)
}

function clock(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`
}

/** The first text that has room, else the last one cut; what clients could take for something else is a question mark. */
function fitting(...texts: readonly [string, ...string[]]): string {
  const clean = texts.map((text) => text.replace(/[^\x20-\x7e]/g, '?'))
  const fits = clean.find((text) => text.length <= columns)
  return fits ?? (clean.at(-1) ?? '').slice(0, columns)
}
