import { printable } from '../ftp/bytes.ts'
import { bytesOf, type ReportLine, ranked } from './report.ts'
import type { Counts } from './usage.ts'

/** One fact of a partner, as text for people and files. */
export interface Column {
  readonly name: string
  readonly of: (line: ReportLine) => string
}

const total = ({ usage }: ReportLine, key: string) => String(usage.counts.total?.[key] ?? 0)
const many = (counts: Counts | undefined) =>
  ranked(counts)
    .map(([key, count]) => `${printableText(key)} (${count})`)
    .join(', ')

export const columns: readonly Column[] = [
  { name: 'partner', of: ({ partner }) => partner },
  { name: 'verdict', of: verdictOf },
  { name: 'phase', of: ({ phase }) => phase },
  { name: 'next phase', of: ({ next }) => next },
  { name: 'title', of: ({ title }) => printableText(title) },
  { name: 'wave', of: ({ wave }) => (wave === undefined ? '' : String(wave)) },
  { name: 'owner', of: ({ owner }) => printableText(owner) },
  { name: 'users', of: ({ users }) => users.map(printableText).join(', ') },
  { name: 'last login', of: ({ lastLogin }) => dayAndTime(lastLogin) },
  { name: 'last upload', of: ({ lastUpload }) => dayAndTime(lastUpload) },
  { name: 'last download', of: ({ lastDownload }) => dayAndTime(lastDownload) },
  { name: 'overdue since', of: ({ silentSince }) => dayAndTime(silentSince) },
  { name: 'logins', of: (line) => total(line, 'logins') },
  { name: 'refused', of: (line) => total(line, 'refused') },
  { name: 'turned away', of: turnedAway },
  { name: 'files up', of: (line) => total(line, 'uploads') },
  { name: 'files down', of: (line) => total(line, 'downloads') },
  { name: 'bytes', of: ({ usage }) => String(bytesOf(usage)) },
  { name: 'largest file', of: ({ usage }) => String(usage.highest.largest ?? 0) },
  { name: 'longest session', of: ({ usage }) => `${Math.round(usage.highest.longest ?? 0)}` },
  { name: 'sessions at once', of: ({ usage }) => String(usage.highest.sessions ?? 0) },
  { name: 'client', of: ({ usage }) => many(usage.counts.client) },
  { name: 'says it is', of: ({ usage }) => many(usage.counts.clnt) },
  { name: 'addresses', of: ({ usage }) => many(usage.counts.address) },
  { name: 'listener', of: ({ usage }) => many(usage.counts.listener) },
  { name: 'control', of: ({ usage }) => many(usage.counts.control) },
  { name: 'data', of: ({ usage }) => many(usage.counts.data) },
  { name: 'session reuse', of: ({ usage }) => many(usage.counts.reuse) },
  { name: 'PROT', of: ({ usage }) => many(usage.counts.prot) },
  { name: 'data connections by', of: ({ usage }) => many(usage.counts.way) },
  { name: 'commands', of: ({ usage }) => many(usage.counts.command) },
  { name: 'not possible', of: ({ usage }) => many(usage.counts.impossible) },
  { name: 'text transfers', of: (line) => total(line, 'ascii') },
  { name: 'names', of: ({ usage }) => many(usage.counts.names) },
  { name: 'failures', of: ({ usage }) => many(usage.counts.failure) },
  { name: 'keys received', of: ({ keys }) => keys.join(', ') },
  { name: 'first SFTP login', of: ({ firstSftp }) => dayAndTime(firstSftp) },
  { name: 'last SFTP login', of: ({ lastSftp }) => dayAndTime(lastSftp) },
  { name: 'blockers', of: ({ blockers }) => blockers.join('; ') },
  { name: 'notes', of: ({ notes }) => notes.join('; ') },
]

/** By a brownout, and since its phase is retired: logins that still come. */
function turnedAway({ usage: { counts } }: ReportLine): string {
  return String((counts.total?.['brownout'] ?? 0) + (counts.total?.['retired'] ?? 0))
}

export function verdictOf({ verdict, blockers }: ReportLine): string {
  return verdict === 'blocked' ? `blocked: ${blockers.join('; ')}` : verdict
}

export function dayAndTime(time: number | undefined): string {
  return time === undefined ? '' : `${new Date(time).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

/** Text that is text already, on one line. */
export function printableText(text: string): string {
  return printable(Buffer.from(text, 'utf8').toString('latin1'))
}
