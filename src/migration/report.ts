import type { Zone } from '../ftp/time-zone.ts'
import { type Findings, findings } from './blockers.ts'
import { dueAt, type Expectation, overdue } from './expectation.ts'
import type { Row } from './rows.ts'
import type { SftpLogin } from './sftp-logins.ts'
import { type Counts, sumOf, type Usage } from './usage.ts'

/** What the report knows of a partner before it looks at the journal. */
export interface ReportPartner {
  readonly name: string
  readonly users: readonly string[]
  readonly phase: string
  /** `brownout on 2027-03-01`; empty where nothing comes. */
  readonly next?: string
  readonly title?: string | undefined
  readonly wave?: number | undefined
  readonly owner?: string
  readonly expect?: Expectation | undefined
  /** Fingerprints of keys that were received from it. */
  readonly keys: readonly string[]
  /** Its logins by SFTP, past the gateway; undefined: none known. */
  readonly sftp: SftpLogin | undefined
  readonly unknownPasswords?: readonly string[]
}

export interface ReportInput {
  readonly partners: readonly ReportPartner[]
  /** Of all days that are remembered. */
  readonly rows: readonly Row[]
  /** The first day that counts. */
  readonly since: string
  readonly days: number
  readonly now: number
  readonly zone: Zone
}

export type Verdict = 'ready' | 'waiting for key' | 'blocked'

export interface ReportLine extends Findings {
  readonly partner: string
  readonly phase: string
  readonly next: string
  readonly title: string
  readonly wave: number | undefined
  readonly owner: string
  readonly users: readonly string[]
  /** Of the days that count. */
  readonly usage: Usage
  /** Of all that are remembered; milliseconds since 1970. */
  readonly lastLogin: number | undefined
  readonly lastUpload: number | undefined
  readonly lastDownload: number | undefined
  readonly keys: readonly string[]
  readonly firstSftp: number | undefined
  readonly lastSftp: number | undefined
  /** It has logged in by SFTP, and no more by FTP since. */
  readonly moved: boolean
  /** An upload is expected, and has not come since when it was due; undefined: nothing is missing. */
  readonly silentSince: number | undefined
  readonly verdict: Verdict
}

export interface Report {
  readonly now: number
  readonly days: number
  readonly summary: string
  readonly lines: readonly ReportLine[]
}

const dayMs = 86_400_000

export function reportOf(input: ReportInput): Report {
  const { partners, rows, now, days } = input
  const byPartner = new Map<string, Row[]>()
  for (const row of rows) {
    const there = byPartner.get(row.partner)
    if (there) there.push(row)
    else byPartner.set(row.partner, [row])
  }
  const began = rows.reduce((first, { day }) => Math.min(first, Date.parse(day)), now)
  const lines = partners.map((partner) => lineFor(partner, byPartner.get(partner.name) ?? [], input, began))
  return { now, days, summary: summaryOf(lines, now, days), lines }
}

function lineFor(partner: ReportPartner, rows: readonly Row[], input: ReportInput, began: number): ReportLine {
  const { since, now, zone } = input
  const usage = sumOf(rows.filter(({ day }) => day >= since).map((row) => row.usage))
  const { lastLogin, lastUpload, lastDownload } = sumOf(rows.map((row) => row.usage)).highest
  const { name, phase, next = '', title = '', wave, owner = '', expect, keys, sftp, unknownPasswords = [] } = partner
  const found = findings({ usage, unknownPasswords })
  const seen = rows.map(({ user }) => user).filter((user) => !partner.users.includes(user))
  const from = lastUpload ?? began
  return {
    partner: name,
    phase,
    next,
    title,
    wave,
    owner,
    users: [...partner.users, ...new Set(seen)],
    usage,
    lastLogin,
    lastUpload,
    lastDownload,
    keys,
    firstSftp: sftp?.first,
    lastSftp: sftp?.last,
    moved: sftp !== undefined && (lastLogin === undefined || lastLogin < sftp.last),
    silentSince: expect && overdue(expect, from, now, zone) ? dueAt(expect, from, zone) : undefined,
    ...found,
    verdict: found.blockers.length > 0 ? 'blocked' : keys.length > 0 || sftp ? 'ready' : 'waiting for key',
  }
}

/** One line: who is still there, how much of it they move, and when that would be over. */
function summaryOf(lines: readonly ReportLine[], now: number, days: number): string {
  const still = lines.filter(({ moved }) => !moved)
  const [bytes, all] = [still, lines].map((some) => some.reduce((sum, { usage }) => sum + bytesOf(usage), 0))
  const share = all
    ? `${Math.round((100 * (bytes ?? 0)) / all)} % of the bytes of ${days} days`
    : `no bytes in ${days} days`
  // Users of no partner move bytes, but are none.
  const [left, of] = [still, lines].map((some) => some.filter(({ partner }) => partner !== 'default').length)
  return `${left} of ${of} partners still on FTPS, with ${share}; ${pace(lines, left ?? 0, now, days)}`
}

function pace(lines: readonly ReportLine[], still: number, now: number, days: number): string {
  if (still === 0) return 'all have moved'
  const from = now - days * dayMs
  const moved = lines.filter(({ moved, firstSftp = 0 }) => moved && firstSftp >= from).length
  if (moved === 0) return `none has moved in ${days} days`
  const end = new Date(now + (still / moved) * days * dayMs)
  return `${moved} moved in ${days} days, at this pace all have on ${end.toISOString().slice(0, 10)}`
}

export function bytesOf({ counts: { total = {} } }: Usage): number {
  return (total['uploadBytes'] ?? 0) + (total['downloadBytes'] ?? 0)
}

/** Keys by their counts, the most frequent first. */
export function ranked(counts: Counts | undefined): readonly (readonly [key: string, count: number])[] {
  return Object.entries(counts ?? {}).sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
}
