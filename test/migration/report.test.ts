import { describe, expect, test } from 'vitest'
import { utc } from '../../src/ftp/time-zone.ts'
import { findings } from '../../src/migration/blockers.ts'
import { type ReportInput, type ReportPartner, reportOf } from '../../src/migration/report.ts'
import { reportFormats, reportText } from '../../src/migration/report-formats.ts'
import type { Row } from '../../src/migration/rows.ts'
import { noUsage, type Usage } from '../../src/migration/usage.ts'

const day = 86_400_000
const now = Date.UTC(2026, 10, 23, 12)

function usage(counts: Usage['counts'], highest: Usage['highest'] = {}): Usage {
  return { ...noUsage, counts, highest }
}
function row(partner: string, on: string, of: Usage, user = partner): Row {
  return { day: on, partner, user, usage: of }
}
function partner(name: string, change: Partial<ReportPartner> = {}): ReportPartner {
  return { name, users: [name], phase: 'gateway', keys: [], sftp: undefined, ...change }
}
function report(change: Partial<ReportInput>) {
  return reportOf({ partners: [partner('acme')], rows: [], since: '2026-10-24', days: 30, now, zone: utc, ...change })
}

describe('What keeps a partner on FTPS', () => {
  test.each([
    ['SITE EXEC', 1, 'SITE EXEC once: SFTP has no SITE'],
    ['SITE other', 3, 'SITE other 3 times: SFTP has no SITE'],
    ['STOU', 2, 'STOU 2 times: an SFTP server never chooses the name of a file'],
    ['XCRC', 1, 'XCRC once: an SFTP server makes no checksums'],
    ['HASH', 1, 'HASH once: an SFTP server makes no checksums'],
    ['LIST -R', 1, 'LIST -R once: an SFTP server lists one directory at a time'],
  ])('is %s', (command, count, text) => {
    expect(findings({ usage: usage({ command: { [command]: count } }) })).toEqual({ blockers: [text], notes: [] })
  })

  test.each(['SITE CHMOD', 'SITE UTIME', 'SITE HELP', 'APPE', 'REST', 'MFMT', 'MODE Z'])(
    'is not %s, which is told all the same',
    (command) => {
      const { blockers, notes } = findings({ usage: usage({ command: { [command]: 2 } }) })
      expect([blockers, notes]).toEqual([[], [expect.stringContaining(`${command} 2 times: `)]])
    },
  )

  test.each(['STOR', 'RETR', 'LIST', 'PASV', 'RNFR', 'SITE MIGRATION', 'other'])(
    'is not %s, and nothing is told',
    (command) => {
      expect(findings({ usage: usage({ command: { [command]: 2 } }) })).toEqual({ blockers: [], notes: [] })
    },
  )

  test('are text transfers, and passwords that nobody knows yet', () => {
    const found = findings({
      usage: usage({ total: { ascii: 1, modeZ: 1 }, names: { other: 2 } }),
      unknownPasswords: ['x'],
    })
    expect(found.blockers).toEqual([
      'text transfers (TYPE A) once: SFTP converts no line ends',
      'the password is not known yet of x',
    ])
    expect(found.notes).toHaveLength(2)
  })
})

describe('The report', () => {
  const busy = usage(
    { total: { logins: 3, uploads: 2, uploadBytes: 300 } },
    { lastLogin: now - day, lastUpload: now - day },
  )

  test.each<[string, Partial<ReportPartner>, Usage['counts'], string]>([
    ['has no key from', {}, {}, 'waiting for key'],
    ['has a key from', { keys: ['SHA256:x'] }, {}, 'ready'],
    ['has seen by SFTP', { sftp: { first: 1, last: 2, keys: [] } }, {}, 'ready'],
    ['has a key from, but sees what SFTP cannot do for', { keys: ['SHA256:x'] }, { command: { STOU: 1 } }, 'blocked'],
  ])('says of a partner that it %s: %4$s', (_, change, counts, verdict) => {
    const { lines } = report({ partners: [partner('acme', change)], rows: [row('acme', '2026-11-22', usage(counts))] })
    expect(lines[0]?.verdict).toBe(verdict)
  })

  test('counts the days that were asked for, and knows the last login of all', () => {
    const rows = [row('acme', '2026-10-01', busy), row('acme', '2026-11-22', usage({ total: { logins: 1 } }), 'extra')]
    const [line] = report({ rows }).lines
    expect(line?.usage.counts.total).toEqual({ logins: 1 })
    expect([line?.lastLogin, line?.users]).toEqual([now - day, ['acme', 'extra']])
  })

  test.each([
    ['came in time', { lastUpload: now - 25 * 3_600_000 }, undefined],
    ['did not come in time', { lastUpload: now - 27 * 3_600_000 }, now - 3_600_000],
    // Nothing is known before the first row, of which the day is known.
    ['never came', {}, Date.UTC(2026, 10, 21) + 26 * 3_600_000],
  ])('says since when an upload is overdue that %s', (_, highest, since) => {
    const expecting = partner('acme', { expect: { everyMs: 26 * 3_600_000, weekdays: false } })
    const { lines } = report({ partners: [expecting], rows: [row('acme', '2026-11-21', usage({}, highest))] })
    expect(lines[0]?.silentSince).toBe(since)
  })

  const bytes = (uploadBytes: number) => usage({ total: { uploadBytes } }, { lastLogin: now - 10 * day })
  const movedOn = (at: number) => ({ sftp: { first: at, last: now, keys: [] } })

  test('begins with who is still there, how much of it they move, and when all will have moved', () => {
    const partners = [
      partner('a', movedOn(now - 10 * day)),
      partner('b'),
      partner('c'),
      partner('d', movedOn(now - 50 * day)),
    ]
    const rows = [row('a', '2026-11-13', bytes(100)), row('b', '2026-11-13', bytes(300))]
    expect(report({ partners, rows }).summary).toBe(
      '2 of 4 partners still on FTPS, with 75 % of the bytes of 30 days; 1 moved in 30 days, at this pace all have on 2027-01-22',
    )
  })

  test('counts users of no partner by their bytes only', () => {
    const partners = [partner('a', movedOn(now - 10 * day)), partner('default')]
    const rows = [row('a', '2026-11-13', bytes(100)), row('default', '2026-11-13', bytes(100))]
    expect(report({ partners, rows }).summary).toMatch(/^0 of 1 partners still on FTPS, with 50 % of the bytes/)
  })

  test.each<[string, ReportPartner[], string]>([
    ['nobody', [partner('a')], '1 of 1 partners still on FTPS, with no bytes in 30 days; none has moved in 30 days'],
    ['all', [partner('a', movedOn(now))], '0 of 1 partners still on FTPS, with no bytes in 30 days; all have moved'],
  ])('has a date only where there is a pace: %s', (_, partners, summary) => {
    expect(report({ partners }).summary).toBe(summary)
  })

  test('takes a partner that logs in by FTPS after its SFTP login for one that has not moved', () => {
    const sftp = { first: now - 20 * day, last: now - 15 * day, keys: [] }
    expect(
      report({ partners: [partner('a', { sftp })], rows: [row('a', '2026-11-13', bytes(1))] }).lines[0]?.moved,
    ).toBe(false)
  })
})

describe('The formats of the report', () => {
  const nasty = '=HYPERLINK("http://x")<script>alert(1)</script>'
  const rows = [
    row(
      'acme',
      '2026-11-22',
      usage(
        {
          total: { logins: 2, uploads: 1, uploadBytes: 1500 },
          clnt: { [nasty]: 1 },
          client: { curl: 2 },
          command: { STOU: 1 },
        },
        { lastLogin: now },
      ),
    ),
  ]
  const text = (format: (typeof reportFormats)[number]) => {
    return reportText(report({ rows, partners: [partner('acme', { users: [nasty, '\x1b[31m'] })] }), format)
  }

  test('table: a line a partner below the summary, and what to see to behind', () => {
    expect(text('table')).toMatch(/^1 of 1 partners still on FTPS/)
    expect(text('table')).toMatch(
      /^acme +blocked +gateway +2026-11-23 12:00 +2 +1 +0 +1\.5 kB +curl +- +- +-\n\nacme: blocked: STOU once: .*\n$/m,
    )
  })

  test('csv: every column, and nothing that a spreadsheet would carry out', () => {
    const [head = '', line = '', ...rest] = text('csv').split('\r\n')
    expect([head.startsWith('partner,verdict,phase,'), rest]).toEqual([true, ['']])
    expect(line).toContain(`"'=HYPERLINK(""http://x"")<script>alert(1)</script> (1)"`)
    expect(line).not.toMatch(/(^|,)"?[=+@-]/)
  })

  test('json: all that is known, times as text', () => {
    const parsed: unknown = JSON.parse(text('json'))
    expect(parsed).toMatchObject({
      made: '2026-11-23T12:00:00.000Z',
      days: 30,
      partners: [{ partner: 'acme', verdict: 'blocked', lastLogin: '2026-11-23T12:00:00.000Z', firstSftp: null }],
    })
  })

  test('html: one page without a script, whatever clients call themselves', () => {
    expect(text('html')).not.toContain('<script')
    expect(text('html')).toContain('&lt;script&gt;')
    expect(text('html')).toContain(`content="default-src 'none'`)
  })

  test.each(reportFormats.filter((format) => format !== 'json'))('%s: no control characters of clients', (format) => {
    expect(text(format)).not.toContain('\x1b')
  })
})
