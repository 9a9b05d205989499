import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { PartnerMigration } from '../../src/config/migration-config.ts'
import { noticeText, refusalText, type Story, statusText, type WayOut } from '../../src/migration/texts.ts'
import type { Refusal } from '../../src/migration/verdict.ts'
import { at, calendar, mover } from './movers.ts'

const example: WayOut = {
  publicSftp: { host: 'sftp.example.com', port: 22 },
  link: 'https://example.com/sftp',
  contact: 'edi@example.com',
}
const nothing: WayOut = { publicSftp: undefined, link: undefined, contact: undefined }

function story(wayOut: WayOut, migration: Partial<PartnerMigration> = {}, timeZone = 'Europe/Berlin'): Story {
  return { wayOut, calendar: calendar([], timeZone), migration: mover({}, migration).migration, proof: 'password' }
}

function brownout(until: string | undefined): Refusal {
  const instant = until === undefined ? undefined : at(until)
  return { kind: 'refused', outcome: 'brownout', code: 530, until: instant, reference: 'B-7f3a' }
}

const retired: Refusal = { kind: 'refused', outcome: 'retired', code: 530, reference: 'B-7f3a' }
const now = at('2027-03-02T14:00Z')
const until = '2027-03-02T14:30Z'

describe('The text of a refusal', () => {
  test('says until when in UTC and local time, that the password is right, the way out and the reference', () => {
    expect(refusalText(brownout(until), story(example), now)).toEqual([
      'FTPS is switched off until 14:30 UTC (15:30 Europe/Berlin).',
      'Your password is right. FTPS ends on 2027-04-12; move to SFTP:',
      'sftp.example.com:22 - https://example.com/sftp - ref B-7f3a',
    ])
  })

  test('says the day where the end is on another one, here or there', () => {
    const tomorrow = refusalText(brownout('2027-03-03T02:00Z'), story(example), now)[0]
    expect(tomorrow).toBe('FTPS is off until 2027-03-03 02:00 UTC (2027-03-03 03:00 Berlin).')
    const there = refusalText(brownout('2027-03-02T23:30Z'), story(example), at('2027-03-02T23:00Z'))[0]
    expect(there).toBe('FTPS is off until 2027-03-02 23:30 UTC (2027-03-03 00:30 Berlin).')
  })

  test('says the local time of the end on the days when clocks change', () => {
    const spring = refusalText(brownout('2027-03-28T01:00Z'), story(example), at('2027-03-28T00:30Z'))[0]
    expect(spring).toBe('FTPS is switched off until 01:00 UTC (03:00 Europe/Berlin).')
    const autumn = refusalText(brownout('2027-10-31T01:00Z'), story(example), at('2027-10-31T00:30Z'))[0]
    expect(autumn).toBe('FTPS is switched off until 01:00 UTC (02:00 Europe/Berlin).')
  })

  test('says the end once where the local time is UTC', () => {
    expect(refusalText(brownout(until), story(example, {}, 'UTC'), now)[0]).toBe(
      'FTPS is switched off until 14:30 UTC, as announced.',
    )
  })

  test('of a nudge says that the next login gets in', () => {
    expect(refusalText(brownout(undefined), story(example), now)[0]).toBe(
      'This login is refused once, as a reminder; the next one gets in.',
    )
  })

  test('of a partner that is retired says since when, and where the files go', () => {
    expect(refusalText(retired, story(example), now)).toEqual([
      'FTPS has ended here for this login since 2027-04-12.',
      'Your password is right, but files go by SFTP now:',
      'sftp.example.com:22 - https://example.com/sftp - ref B-7f3a',
    ])
  })

  test('says that the certificate is right where that was the proof', () => {
    expect(refusalText(brownout(until), { ...story(example), proof: 'certificate' }, now)[1]).toBe(
      'Your certificate is right. FTPS ends on 2027-04-12; move to SFTP:',
    )
  })

  test('gives the dates away that freezes put off', () => {
    const freezes = [{ from: '2027-04-10', to: '2027-04-15', reason: undefined }]
    const frozen = { ...story(example), calendar: calendar(freezes) }
    expect(refusalText(brownout(until), frozen, now)[1]).toContain('FTPS ends on 2027-04-16')
  })

  test('without a date, a host and a link still says whom to ask', () => {
    expect(refusalText(brownout(until), story(nothing, { timeline: {} }), now).slice(1)).toEqual([
      'Your password is right. Please move to SFTP.',
      'Ask whoever runs this server, ref B-7f3a',
    ])
    expect(refusalText(retired, story({ ...nothing, contact: 'edi@example.com' }), now)[2]).toBe(
      'edi@example.com - ref B-7f3a',
    )
  })

  test('puts host and link on lines of their own when both are long', () => {
    const long = { ...example, link: 'https://example.com/a/long/way/to/the/migration/page' }
    expect(refusalText(brownout(until), story(long), now).slice(1)).toEqual([
      'Your password is right. SFTP: sftp.example.com:22',
      'https://example.com/a/long/way/to/the/migration/page - ref B-7f3a',
    ])
  })
})

test('Whatever the configuration says, a text has three lines of ASCII with a reference, no longer than 70 columns', () => {
  const text = fc.string({
    unit: fc.oneof(fc.constantFrom('\r', '\n', '\0', 'ü', '\u2028', '\x1b'), fc.string({ minLength: 1, maxLength: 1 })),
    maxLength: 300,
  })
  const wayOut = fc.record({
    publicSftp: fc.option(fc.record({ host: text, port: fc.constant(22) }), { nil: undefined }),
    link: fc.option(text, { nil: undefined }),
    contact: fc.option(text, { nil: undefined }),
  })
  const zone = fc.constantFrom(
    'UTC',
    'Europe/Berlin',
    'America/Argentina/ComodRivadavia',
    'America/North_Dakota/New_Salem',
  )
  const end = fc.constantFrom(until, '2028-01-01T00:00Z', undefined)
  fc.assert(
    fc.property(wayOut, zone, end, fc.boolean(), (configured, timeZone, instant, over) => {
      const lines = refusalText(over ? retired : brownout(instant), story(configured, {}, timeZone), now)
      expect(lines).toHaveLength(3)
      for (const line of lines) expect(line).toMatch(/^[\x20-\x7e]{1,66}$/)
      expect(lines[1]).toContain('Your password is right')
      expect(lines[2]).toContain('ref B-7f3a')
      for (const line of noticeText('notice', story(configured, {}, timeZone)) ?? []) {
        expect(line).toMatch(/^[\x20-\x7e]{0,66}$/)
      }
    }),
  )
})

describe('The notice', () => {
  test('says what ends when, and the way out', () => {
    expect(noticeText('notice', story(example))).toEqual([
      'FTPS ends here on 2027-04-12; please move to SFTP:',
      'From 2027-03-01 on logins are refused now and then.',
      'SFTP: sftp.example.com:22',
      'https://example.com/sftp',
      'edi@example.com',
    ])
    expect(noticeText('brownout', story(example))).toHaveLength(4)
  })

  test.each(['legacy', 'gateway'] as const)('is not told in phase %s', (phase) => {
    expect(noticeText(phase, story(example))).toBeUndefined()
  })

  test('is told in full by SITE MIGRATION', () => {
    expect(statusText('gateway', story(example))).toEqual([
      'Phase: gateway',
      'notice from 2027-02-01',
      'brownout from 2027-03-01',
      'retired from 2027-04-12',
      'SFTP: sftp.example.com:22',
      'https://example.com/sftp',
      'edi@example.com',
    ])
  })
})
