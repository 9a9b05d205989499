import { utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { PartnerConfig } from '../../src/config/config.ts'
import { describeConfig } from '../../src/config/describe.ts'
import { loadConfig } from '../../src/config/load.ts'
import { configOf, configWith, faultsOf, faultsWith, inFolder, partnerFaults, smallest } from './folder.ts'

const migration = `
migration:
  publicSftp: { host: sftp.example.com, port: 2022 }
  link: https://example.com/sftp
  contact: edi@example.com
  timezone: Europe/Berlin
  freeze: [{ from: 2026-12-20, to: 2027-01-07, reason: year-end close }]
  ladders:
    gentle: [{ week: 1, windows: 1, duration: 5m }, { week: 3, windows: 2, duration: 1h }]
logging: { audit: { path: /var/log/audit.jsonl } }
defaults: { phase: notice }
`

const acme = `name: acme
match: { users: [acme, acme_test] }
title: ACME Logistics GmbH
wave: 3
owner: { team: edi, email: edi@acme.example, ticket: MIG-417 }
storage: separate
phase: auto
timeline: { notice: 2027-02-01, brownout: 2027-03-01, retired: 2027-04-12 }
hold: { reason: new ERP, since: 2027-02-20, until: 2027-03-15T12:00 }
brownout: { ladder: gentle, align: fixed, at: ["Tue 10:00", "14:30"], mode: slow, delay: 5s, reply: 421, onlyUsers: [acme] }
expect: { upload: { every: 26h, weekdays: true } }
`

const withPartner = (partner: string, globals = migration) => ({
  'gateway.yaml': `${smallest}partners: partners.d/*.yaml${globals}`,
  'partners.d/acme.yaml': partner,
})

async function partnerOf(text: string): Promise<PartnerConfig | undefined> {
  return (await configOf(withPartner(text))).partners[0]
}

describe('The section migration', () => {
  test('is read with all that is in it', async () => {
    const config = await configWith(migration)
    expect(config.migration).toEqual({
      publicSftp: { host: 'sftp.example.com', port: 2022 },
      link: 'https://example.com/sftp',
      contact: 'edi@example.com',
      timeZone: 'Europe/Berlin',
      freezes: [{ from: '2026-12-20', to: '2027-01-07', reason: 'year-end close' }],
      ladders: [
        { name: 'standard', rungs: expect.any(Array) },
        {
          name: 'gentle',
          rungs: [
            { week: 1, windows: 1, durationMs: 300_000 },
            { week: 3, windows: 2, durationMs: 3_600_000 },
          ],
        },
      ],
    })
    expect(config).toMatchObject({ logging: { audit: '/var/log/audit.jsonl' }, defaults: { phase: 'notice' } })
    expect(await configOf({ 'gateway.yaml': describeConfig(config) })).toEqual(config)
  })

  test('says UTC, and the standard ladder, where nothing is said', async () => {
    const { migration: plain, defaults } = await configWith('')
    expect(plain).toMatchObject({ timeZone: 'UTC', freezes: [], ladders: [{ name: 'standard' }] })
    expect(plain.ladders[0]?.rungs.map(({ durationMs }) => durationMs / 60_000)).toEqual([10, 60, 120, 240, 1440])
    expect(defaults.phase).toBe('gateway')
  })

  test.each([
    ['migration: { timezone: Europe/Berln }', 'migration.timezone: must be a time zone such as UTC'],
    ['migration: { timezone: CET-1CEST }', 'migration.timezone: must be a time zone'],
    ['migration: { publicSftp: { port: 22 } }', 'migration.publicSftp.host: is missing'],
    [
      'migration: { freeze: [{ from: 2026-12-20, to: 2026-12-01 }] }',
      'migration.freeze[0].to: is before from, 2026-12-20',
    ],
    [
      'migration: { freeze: [{ from: 2027-02-29, to: 2027-03-01 }] }',
      'migration.freeze[0].from: must be a date such as',
    ],
    [
      'migration: { ladders: { a: [{ week: 2, windows: 1, duration: 1h }, { week: 2, windows: 1, duration: 1h }] } }',
      'migration.ladders.a[1].week: must be more than 2',
    ],
    ['migration: { ladders: { a: [] } }', 'migration.ladders.a: must be a list of weeks'],
    ['migration: { ladders: { a: [{ weeks: 2 }] } }', 'weeks: is not a known key (did you mean "week"?)'],
    ['migration: { ladders: { "a b": [{ week: 1, windows: 1, duration: 1h }] } }', 'the key must be a name of letters'],
    ['migration: { ladders: [] }', 'migration.ladders: must be a map of keys and values'],
    ['migration: { link: "https://example.com/\\r\\n530 x" }', 'migration.link: must be a link such as'],
    ['migration: { link: "https://exämple.com" }', 'migration.link: must be a link such as'],
    ['migration: { contact: "edi\\n@example.com" }', 'migration.contact: must be an address'],
    ['migration: { publicSftp: { host: "sftp\\r\\n" } }', 'migration.publicSftp.host: must be a host name'],
    ['defaults: { phase: legacy }', 'defaults.phase: legacy needs a backend of type ftps'],
    ['defaults: { phase: brownout }', 'defaults.phase: must be one of legacy, gateway, notice, retired'],
  ])('refuses %s', async (settings, message) => {
    const faults = await faultsWith(settings)
    expect(faults.join('\n')).toContain(message)
  })
})

describe('A partner', () => {
  test('has its move read with all that is in it', async () => {
    expect(await partnerOf(acme)).toMatchObject({
      migration: {
        title: 'ACME Logistics GmbH',
        wave: 3,
        owner: { team: 'edi', email: 'edi@acme.example', ticket: 'MIG-417' },
        storage: 'separate',
        phase: 'auto',
        timeline: { notice: '2027-02-01', brownout: '2027-03-01', retired: '2027-04-12' },
        hold: { reason: 'new ERP', since: Date.parse('2027-02-19T23:00Z'), until: Date.parse('2027-03-15T11:00Z') },
        brownout: {
          ladder: { name: 'gentle' },
          align: 'fixed',
          at: [
            { weekday: 1, minute: 600 },
            { weekday: undefined, minute: 870 },
          ],
          mode: 'slow',
          delayMs: 5000,
          code: 421,
          onlyUsers: ['acme'],
          apartMs: 26 * 3_600_000,
          workdays: true,
        },
      },
    })
  })

  test('is printed so that it can be read again', async () => {
    const config = await configOf(withPartner(acme))
    const [, printed = ''] = describeConfig(config).split('# Partner acme\n')
    const again = await partnerOf(printed.replaceAll(/^#/gm, ''))
    expect(again).toEqual(config.partners[0])
  })

  test('that says nothing about its move has none', async () => {
    expect(await partnerOf('name: acme\nmatch: { users: [acme] }\n')).not.toHaveProperty('migration')
  })

  test('may have several backends, in the order in which they are tried', async () => {
    const second = smallest.replace(/( +- \{ name: )main(.*\n)/, '$1main$2$1second$2')
    const { partners } = await configOf({
      'gateway.yaml': `${second}defaults: { backend: main }\npartners: partners.d/*.yaml\n`,
      'partners.d/acme.yaml': 'name: acme\nmatch: { users: [acme] }\nbackends: [second, main, second]\n',
    })
    expect(partners).toMatchObject([{ backend: 'second', backends: ['second', 'main'] }])
  })

  test('whose hold has no beginning is held since its file was changed', async () => {
    const files = withPartner(acme.replace('since: 2027-02-20, ', ''))
    const changed = new Date('2027-02-10T08:00:00Z')
    const hold = await inFolder(files, async (folder) => {
      await utimes(join(folder, 'partners.d/acme.yaml'), changed, changed)
      return (await loadConfig(join(folder, 'gateway.yaml'), {})).partners[0]?.migration?.hold
    })
    expect(hold?.since).toBe(changed.getTime())
  })

  test.each([['hold: null'], ['hold:']])('with %j is not held', async (line) => {
    expect((await partnerOf(`${acme.replace(/hold: .*/, line)}`))?.migration?.hold).toBeUndefined()
  })

  const minimal = 'name: acme\nmatch: { users: [acme] }\n'
  test.each([
    ['phase: legacy', 'phase: legacy needs a backend of type ftps'],
    [
      'phase: gatway',
      'phase: must be one of auto, legacy, gateway, notice, brownout, retired, not "gatway" (did you mean "gateway"?)',
    ],
    [
      'timeline: { gateway: 2027-01-11 }',
      'timeline.gateway: before it the phase is legacy, and legacy needs a backend of type ftps',
    ],
    [
      'timeline: { notice: 2027-03-01, brownout: 2027-02-01 }',
      'timeline.brownout: must be later than timeline.notice, 2027-03-01',
    ],
    ['timeline: { notice: 2027-03-01, retired: 2027-03-01 }', 'timeline.retired: must be later than timeline.notice'],
    ['timeline: { notice: 2027-13-01 }', 'timeline.notice: must be a date such as 2027-03-01, not "2027-13-01"'],
    ['timeline: { retire: 2027-03-01 }', 'timeline.retire: is not a known key (did you mean "retired"?)'],
    ['phase: brownout', 'timeline.brownout: is missing; phase: brownout needs'],
    ['hold: { until: 2027-03-01 }', 'hold.reason: is missing'],
    ['hold: { reason: x }', 'hold.until: is missing'],
    ['hold: { reason: x, since: 2027-03-02, until: 2027-03-01 }', 'hold.until: is not after hold.since, 2027-03-02'],
    ['hold: { reason: x, until: soon }', 'hold.until: must be a date such as'],
    ['brownout: { ladder: standart }', 'brownout.ladder: no ladder is named "standart" (did you mean "standard"?)'],
    ['brownout: { align: fixed }', 'brownout.at: is missing; align: fixed needs times'],
    ['brownout: { at: ["10:00"] }', 'brownout.at: needs align: fixed'],
    ['brownout: { align: fixed, at: ["Tue 24:00"] }', 'brownout.at[0]: must be a time of the week'],
    ['brownout: { align: fixed, at: ["Die 10:00"] }', 'brownout.at[0]: must be a time of the week'],
    ['brownout: { every: 1h }', 'brownout.every: needs mode: nudge'],
    ['brownout: { delay: 1s }', 'brownout.delay: needs mode: slow'],
    ['brownout: { mode: slow, delay: 60s }', 'brownout.delay: must be shorter than timeouts.login'],
    ['brownout: { onlyUsers: [bolt] }', 'brownout.onlyUsers[0]: "bolt" is not in match.users'],
    ['title: "a\\nb"', 'title: must be one line of text'],
    ['backends: [other]', 'backends[0]: no backend is named "other"'],
    ['backend: main\nbackends: [main]', 'backends: and backend exclude each other'],
  ])('is refused with %j', async (line, message) => {
    const faults = await partnerFaults(`${minimal}${line}\n`)
    expect(faults.join('\n')).toContain(message)
    expect(faults).toHaveLength(1)
  })

  test('is refused at the place in its file', async () => {
    const files = withPartner(`${minimal}timeline:\n  notice: 2027-03-01\n  retired: 2027-02-01\n`)
    expect(await faultsOf(files)).toEqual([
      'partners.d/acme.yaml:5:12 timeline.retired: must be later than timeline.notice, 2027-03-01',
    ])
  })
})
