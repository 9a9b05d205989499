import { bytesOf, type Report, type ReportLine, ranked } from './report.ts'
import { columns, dayAndTime, printableText, verdictOf } from './report-columns.ts'

export const reportFormats = ['table', 'csv', 'json', 'html'] as const
export type ReportFormat = (typeof reportFormats)[number]

export function reportText(report: Report, format: ReportFormat): string {
  return { table, csv, json, html }[format](report)
}

/** What fits on a terminal; csv and json have the rest. */
const short: readonly (readonly [name: string, of: (line: ReportLine) => string])[] = [
  ['PARTNER', ({ partner }) => partner],
  ['VERDICT', ({ verdict }) => verdict],
  ['PHASE', ({ phase }) => phase],
  ['LAST LOGIN', ({ lastLogin }) => dayAndTime(lastLogin).slice(0, 16)],
  ['LOGINS', ({ usage }) => String(usage.counts.total?.['logins'] ?? 0)],
  ['UP', ({ usage }) => String(usage.counts.total?.['uploads'] ?? 0)],
  ['DOWN', ({ usage }) => String(usage.counts.total?.['downloads'] ?? 0)],
  ['BYTES', ({ usage }) => rounded(bytesOf(usage))],
  ['CLIENT', ({ usage }) => ranked(usage.counts.client)[0]?.[0] ?? ''],
  ['CONTROL', ({ usage }) => (ranked(usage.counts.control)[0]?.[0] ?? '').split(' ', 1)[0] ?? ''],
  ['DATA BY', ({ usage }) => ranked(usage.counts.way)[0]?.[0] ?? ''],
  ['FIRST SFTP', ({ firstSftp }) => dayAndTime(firstSftp).slice(0, 10)],
]

function table({ summary, lines }: Report): string {
  const rows = [
    short.map(([name]) => name),
    ...lines.map((line) => short.map(([, of]) => printableText(of(line)) || '-')),
  ]
  const widths = short.map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)))
  const grid = rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  return [summary, '', ...grid, ...details(lines), ''].join('\n')
}

function details(lines: readonly ReportLine[]): readonly string[] {
  const said = lines.flatMap(({ partner, silentSince, blockers, notes }) => [
    ...(silentSince === undefined ? [] : [`${partner}: an upload is overdue since ${dayAndTime(silentSince)}`]),
    ...blockers.map((text) => `${partner}: blocked: ${text}`),
    ...notes.map((text) => `${partner}: note: ${text}`),
  ])
  return said.length === 0 ? [] : ['', ...said.map(printableText)]
}

function rounded(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  const unit = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), units.length - 1)
  return unit === 0 ? `${bytes} B` : `${(bytes / 1000 ** unit).toFixed(1)} ${units[unit]}`
}

/** RFC 4180; the summary is not part of the data. */
function csv({ lines }: Report): string {
  const rows = [columns.map(({ name }) => name), ...lines.map((line) => columns.map(({ of }) => of(line)))]
  return rows.map((row) => `${row.map(csvCell).join(',')}\r\n`).join('')
}

/** A cell that begins like a formula is one for spreadsheets, and CLNT can say anything. */
function csvCell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n']/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

function json({ now, days, summary, lines }: Report): string {
  const time = (value: number | undefined) => (value === undefined ? null : new Date(value).toISOString())
  const partners = lines.map(({ lastLogin, lastUpload, lastDownload, firstSftp, lastSftp, silentSince, ...line }) => ({
    ...line,
    lastLogin: time(lastLogin),
    lastUpload: time(lastUpload),
    lastDownload: time(lastDownload),
    firstSftp: time(firstSftp),
    lastSftp: time(lastSftp),
    overdueSince: time(silentSince),
  }))
  return `${JSON.stringify({ made: time(now), days, summary, partners }, undefined, 2)}\n`
}

const style =
  'body{font:14px sans-serif;margin:2em}table{border-collapse:collapse}td,th{border:1px solid #bbb;padding:.3em .6em;' +
  'text-align:left;vertical-align:top}.blocked{background:#fdd}.ready{background:#dfd}'

/** One page that needs nothing else, and runs nothing. */
function html({ now, summary, lines }: Report): string {
  const heads = columns.map(({ name }) => `<th>${escaped(name)}</th>`).join('')
  const rows = lines.map((line) => {
    const cells = columns.map(({ name, of }) => `<td>${escaped(name === 'verdict' ? verdictOf(line) : of(line))}</td>`)
    return `<tr class="${line.verdict.split(' ')[0]}">${cells.join('')}</tr>`
  })
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Partners on FTPS</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>${style}</style></head>
<body><h1>Partners on FTPS</h1><p>${escaped(summary)}</p><p>${escaped(dayAndTime(now))}</p>
<table><thead><tr>${heads}</tr></thead><tbody>
${rows.join('\n')}
</tbody></table></body></html>
`
}

export function escaped(text: string): string {
  const names: Readonly<Record<string, string>> = { '&': 'amp', '<': 'lt', '>': 'gt', '"': 'quot', "'": '#39' }
  return text.replace(/[&<>"']/g, (char) => `&${names[char]};`)
}
