import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readPause } from '../../src/migration/pause-file.ts'
import { referenceOf } from '../../src/migration/reference.ts'
import { lineOfRow } from '../../src/migration/rows.ts'
import { noUsage } from '../../src/migration/usage.ts'
import { hash, smallest } from '../config/folder.ts'
import { sayVerb } from '../support/verb.ts'

const acme = `# The EDI team owns this file.
name: acme
title: ACME Logistics GmbH
wave: 3
owner: { team: edi, ticket: MIG-417 }
match: { users: [acme] }
timeline: { notice: 2027-02-01, brownout: 2027-03-01, retired: 2027-04-12 } # agreed by mail
brownout: { align: fixed, at: ["Tue 10:00", "Thu 10:00"] }
`

let folder: string
let config: string
let now: number
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'migrate-'))
  config = join(folder, 'gateway.yaml')
  now = Date.parse('2027-02-15T09:00:00Z')
  mkdirSync(join(folder, 'partners.d'))
  const migration = 'migration: { timezone: Europe/Berlin, publicSftp: { host: sftp.example.com } }'
  writeFileSync(config, `${smallest}partners: partners.d/*.yaml\n${migration}\nstate: { directory: state }\n`)
  partner('acme', acme)
  partner('bolt', 'name: bolt\nmatch: { users: [bolt] }\nphase: gateway\n')
})
afterEach(() => rmSync(folder, { recursive: true }))

function partner(name: string, text: string): void {
  writeFileSync(join(folder, 'partners.d', `${name}.yaml`), text, { mode: 0o640 })
}

function textOf(name: string): string {
  return readFileSync(join(folder, 'partners.d', `${name}.yaml`), 'utf8')
}

async function ftpsGateway(...args: string[]) {
  const said = await sayVerb([...args, '--config', config], { now: () => now })
  return { code: said.code, stdout: said.stdout.replaceAll(folder, ''), stderr: said.stderr.replaceAll(folder, '') }
}

async function json(...args: string[]) {
  const { stdout, stderr, code } = await ftpsGateway(...args, '--json')
  expect([code, stderr]).toEqual([0, ''])
  expect(stdout.trimEnd()).not.toContain('\n')
  return JSON.parse(stdout)
}

describe('migrate status', () => {
  test('shows where everybody is and what comes next', async () => {
    const { stdout, code } = await ftpsGateway('migrate', 'status')
    expect(code).toBe(0)
    expect(stdout.split('\n')).toEqual([
      'PARTNER  WAVE  PHASE             NEXT                           BROWNOUT              NOTE',
      'acme     3     notice            brownout Mon 2027-03-01 00:00  Tue 2027-03-02 10:00  ACME Logistics GmbH; edi, MIG-417',
      'bolt     -     gateway (pinned)  -                              -',
      '',
    ])
  })

  test('shows a window that is open, a hold and a pause', async () => {
    now = Date.parse('2027-03-02T09:05:00Z')
    await ftpsGateway('migrate', 'hold', 'acme', '--until', '2027-05-01', '--reason', 'new ERP')
    await ftpsGateway('migrate', 'pause', '--for', '4h')
    const { stdout } = await ftpsGateway('migrate', 'status')
    expect(stdout).toMatch(/^Brownouts are paused until Tue 2027-03-02 14:05\.\n/)
    expect(stdout).toContain('now, until Tue 2027-03-02 10:10')
    expect(stdout).toContain('held until Sat 2027-05-01 00:00: new ERP')
  })

  test('as JSON has instants in UTC', async () => {
    expect(await json('migrate', 'status')).toMatchObject({
      paused: false,
      partners: [
        {
          partner: 'acme',
          wave: 3,
          phase: 'notice',
          pinned: false,
          next: { phase: 'brownout', at: '2027-02-28T23:00:00.000Z' },
          window: { from: '2027-03-02T09:00:00.000Z', to: '2027-03-02T09:10:00.000Z' },
        },
        { partner: 'bolt', phase: 'gateway', pinned: true, next: null, window: null },
      ],
    })
  })
})

describe('migrate plan', () => {
  test('shows the windows to come', async () => {
    const { stdout, code } = await ftpsGateway('migrate', 'plan', 'acme')
    expect(code).toBe(0)
    const [head, first, ...others] = stdout.trimEnd().split('\n')
    expect(head).toBe('acme: brownouts from Mon 2027-03-01 00:00 Europe/Berlin; no logins are recorded')
    const reference = referenceOf('acme', { kind: 'window', from: Date.parse('2027-03-02T09:00Z') })
    expect(first).toBe(`  week 1  Tue 2027-03-02 10:00  10m  ${reference}`)
    expect(others).toHaveLength(6)
    expect(others.at(-1)).toContain('week 6  Tue 2027-04-06 10:00  1d ')
  })

  test('says of each window which logins of the journal it would have refused', async () => {
    const hour = 3_600_000
    const days = Array.from({ length: 14 }, (_, i) => Date.parse('2027-02-01T09:03Z') + i * 24 * hour)
    const rows = days.map((login) => {
      const day = new Date(login).toISOString().slice(0, 10)
      return lineOfRow({ day, partner: 'acme', user: 'acme', usage: { ...noUsage, logins: [login] } })
    })
    mkdirSync(join(folder, 'state/journal'), { recursive: true })
    writeFileSync(join(folder, 'state/journal/usage-a.jsonl'), rows.map((row) => `${row.trimEnd()}\n`).join(''))
    const { stdout } = await ftpsGateway('migrate', 'plan', 'acme')
    const [head, first, , second] = stdout.split('\n')
    expect(head).toContain('14 logins are recorded of the 60 days before')
    expect(first).toMatch(/Tue 2027-03-02 10:00 {2}10m .* would have refused 2 of 14$/)
    expect(second).toMatch(/Tue 2027-03-09 10:00 {2}1h .* would have refused 2 of 14$/)
    partner('acme', acme.replace('"Tue 10:00", "Thu 10:00"', '"Tue 04:00"'))
    expect((await ftpsGateway('migrate', 'plan', 'acme')).stdout).toContain('would have refused 0 of 14: useless')
    expect(readdirSync(join(folder, 'state'))).toEqual(['journal'])
  })

  test.each([
    [30_000, 'within a minute'],
    [150_000, 'after 3m'],
  ])('says when clients try again: %s ms is %s', async (gap, words) => {
    const login = Date.parse('2027-02-01T09:03Z')
    const row = {
      day: '2027-02-01',
      partner: 'acme',
      user: 'acme',
      usage: { ...noUsage, logins: [login, login + gap] },
    }
    mkdirSync(join(folder, 'state/journal'), { recursive: true })
    writeFileSync(join(folder, 'state/journal/usage-a.jsonl'), `${lineOfRow(row).trimEnd()}\n`)
    const { stdout } = await ftpsGateway('migrate', 'plan', 'acme')
    expect(stdout.split('\n')[0]).toMatch(new RegExp(`, its clients try again ${words}$`))
  })

  test('of all leaves out who has none', async () => {
    expect(await json('migrate', 'plan', '--all')).toMatchObject({
      plans: [{ partner: 'acme', recorded: 0, begins: '2027-02-28T23:00:00.000Z', windows: { length: 7 } }],
    })
    expect((await ftpsGateway('migrate', 'plan', 'bolt')).stdout).toBe('No brownouts are planned.\n')
  })

  test.each([
    [['migrate', 'plan'], 'needs a partner, or --all'],
    [['migrate', 'plan', 'acme', '--all'], 'needs a partner, or --all'],
    [['migrate', 'plan', 'acmee'], 'there is no partner "acmee" (did you mean "acme"?)'],
    [['migrate', 'plam'], 'does not know "plam" (did you mean "plan"?)'],
    [['migrate'], 'migrate needs a word: plan, set, hold, pause, status'],
  ])('%j is a wrong usage', async (args, message) => {
    const { code, stderr } = await ftpsGateway(...args)
    expect([code, stderr]).toEqual([64, expect.stringContaining(message)])
  })
})

describe('migrate set', () => {
  test('writes the phase into the file, shows the difference, and says what has to follow', async () => {
    const { code, stdout } = await ftpsGateway('migrate', 'set', 'bolt', 'notice')
    expect(code).toBe(0)
    expect(stdout).toBe(`--- /partners.d/bolt.yaml
+++ /partners.d/bolt.yaml
@@ line 3 @@
-phase: gateway
+phase: notice
Tell the gateway to take it over (SIGHUP). Sessions that are running keep what they started with.
Partner bolt: gateway -> notice
`)
    expect(textOf('bolt')).toBe('name: bolt\nmatch: { users: [bolt] }\nphase: notice\n')
  })

  test('keeps comments, mode and all that is not its own', async () => {
    await ftpsGateway('migrate', 'set', 'acme', 'gateway')
    expect(textOf('acme')).toBe(`${acme}phase: gateway\n`)
    expect(statSync(join(folder, 'partners.d/acme.yaml')).mode & 0o777).toBe(0o640)
    await ftpsGateway('migrate', 'set', 'acme', 'auto')
    expect(textOf('acme')).toBe(`${acme}phase: auto\n`)
    expect(readdirSync(join(folder, 'partners.d'))).toEqual(['acme.yaml', 'bolt.yaml'])
  })

  test('with --dry-run, or where nothing is to change, writes nothing', async () => {
    expect((await ftpsGateway('migrate', 'set', 'acme', 'retired', '--dry-run')).stdout).toContain(
      'Nothing was written.',
    )
    expect((await ftpsGateway('migrate', 'set', 'bolt', 'gateway')).stdout).toContain('says so already.')
    expect(textOf('acme')).toBe(acme)
  })

  test('that would make the configuration faulty leaves the file as it was', async () => {
    const { code, stderr } = await ftpsGateway('migrate', 'set', 'bolt', 'brownout')
    expect([code, stderr]).toEqual([78, expect.stringContaining('timeline.brownout: is missing')])
    expect((await ftpsGateway('migrate', 'set', 'bolt', 'legacy')).stderr).toContain(
      'legacy needs a backend of type ftps',
    )
    expect(textOf('bolt')).toContain('phase: gateway')
  })

  test('as JSON tells before, after and difference', async () => {
    expect(await json('migrate', 'set', 'acme', 'brownout')).toMatchObject({
      partner: 'acme',
      before: 'notice',
      after: 'brownout',
      setting: 'brownout',
      written: true,
      difference: [expect.any(String), '+phase: brownout'],
      notes: [expect.stringContaining('timeline.brownout, which has not come yet')],
    })
  })

  test.each([
    [['acme'], 'needs a partner and a phase'],
    [['acme', 'retire'], 'there is no phase "retire" (did you mean "retired"?)'],
    [['acme', 'retired', 'now'], 'needs a partner and a phase'],
  ])('%j is a wrong usage', async (args, message) => {
    const { code, stderr } = await ftpsGateway('migrate', 'set', ...args)
    expect([code, stderr]).toEqual([64, expect.stringContaining(message)])
  })
})

describe('migrate hold', () => {
  test('keeps the phase of now, from now on', async () => {
    const { stdout } = await ftpsGateway('migrate', 'hold', 'acme', '--until', '2027-05-01', '--reason', 'new "ERP"')
    expect(stdout).toContain('Partner acme stays notice until Sat 2027-05-01 00:00 Europe/Berlin\n')
    const line = 'hold: { reason: "new \\"ERP\\"", since: "2027-02-15T09:00:00.000Z", until: "2027-05-01" }\n'
    expect(textOf('acme')).toBe(`${acme}${line}`)
    now = Date.parse('2027-04-20T00:00Z')
    expect(await json('migrate', 'status')).toMatchObject({ partners: [{ phase: 'notice' }, {}] })
  })

  test('is taken back with --end', async () => {
    await ftpsGateway('migrate', 'hold', 'acme', '--until', '2027-05-01', '--reason', 'x')
    expect(await json('migrate', 'hold', 'acme', '--end')).toMatchObject({ partner: 'acme', hold: null, written: true })
    expect(textOf('acme')).toBe(`${acme}hold: null\n`)
  })

  test('of a phase that is named says that it changes nothing', async () => {
    const { stderr } = await ftpsGateway('migrate', 'hold', 'bolt', '--until', '2027-05-01', '--reason', 'x')
    expect(stderr).toContain('its phase is named (gateway)')
  })

  test.each([
    [['acme', '--until', '2027-02-15', '--reason', 'x'], 'to come'],
    [['acme', '--until', 'soon', '--reason', 'x'], 'not soon'],
    [['acme', '--until', '2027-05-01'], 'needs --until TIME and --reason TEXT'],
    [['acme', '--end', '--reason', 'x'], '--end takes no'],
  ])('%j is a wrong usage', async (args, message) => {
    const { code, stderr } = await ftpsGateway('migrate', 'hold', ...args)
    expect([code, stderr]).toEqual([64, expect.stringContaining(message)])
    expect(textOf('acme')).toBe(acme)
  })
})

describe('migrate pause', () => {
  test('pauses for a while, for good, and not at all', async () => {
    const state = join(folder, 'state')
    const { stdout } = await ftpsGateway('migrate', 'pause', '--for', '90m')
    expect(stdout).toBe('Brownouts are paused until Mon 2027-02-15 11:30 Europe/Berlin.\n')
    expect(await readPause(state)).toMatchObject({ since: now, until: now + 90 * 60_000 })
    expect(await json('migrate', 'pause')).toEqual({ paused: true, until: null })
    expect((await readPause(state))?.until).toBe(Number.POSITIVE_INFINITY)
    expect(await json('migrate', 'pause', '--end')).toEqual({ paused: false, until: null })
    expect(await readPause(state)).toBeUndefined()
  })

  test('leaves a line in the audit log each time: before, after, and who', async () => {
    writeFileSync(config, `${readFileSync(config, 'utf8')}logging: { audit: { path: audit.jsonl } }\n`)
    mkdirSync(join(folder, 'state'))
    await ftpsGateway('migrate', 'pause', '--for', '90m')
    await ftpsGateway('migrate', 'pause')
    await ftpsGateway('migrate', 'pause', '--end')
    await ftpsGateway('migrate', 'pause', '--end')
    const lines = readFileSync(join(folder, 'audit.jsonl'), 'utf8').trimEnd().split('\n')
    const who = {
      time: '2027-02-15T09:00:00.000Z',
      setting: 'brownouts',
      cause: 'migrate pause',
      by: userInfo().username,
    }
    const [whiled, paused, not] = ['paused until 2027-02-15T10:30:00.000Z', 'paused until it is ended', 'not paused']
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { ...who, before: not, after: whiled },
      { ...who, before: whiled, after: paused },
      { ...who, before: paused, after: not },
    ])
  })

  test('says when the audit log cannot be written, and pauses all the same', async () => {
    writeFileSync(config, `${readFileSync(config, 'utf8')}logging: { audit: { path: partners.d } }\n`)
    mkdirSync(join(folder, 'state'))
    const { code, stderr } = await ftpsGateway('migrate', 'pause')
    expect([code, stderr]).toEqual([0, expect.stringContaining('a line about brownouts cannot be written')])
    const pause = await readPause(join(folder, 'state'))
    expect([pause?.until, pause?.audited]).toEqual([Number.POSITIVE_INFINITY, undefined])
  })

  test.each([
    [['--for', 'ever'], '--for takes a time such as'],
    [['--end', '--for', '1h'], '--end takes no --for'],
  ])('%j is a wrong usage', async (args, message) => {
    const { code, stderr } = await ftpsGateway('migrate', 'pause', ...args)
    expect([code, stderr]).toEqual([64, expect.stringContaining(message)])
  })

  test('needs the state directory', async () => {
    writeFileSync(config, smallest)
    expect((await ftpsGateway('migrate', 'pause')).stderr).toContain('needs state.directory')
  })
})

describe('explain', () => {
  const reference = referenceOf('acme', { kind: 'window', from: Date.parse('2027-03-02T09:00Z') })

  test.each([
    ['2027-03-01T00:00Z', 'It is still to come.'],
    ['2027-03-02T09:05Z', 'It is open now.'],
    ['2027-03-20T00:00Z', 'It is over: logins get in.'],
  ])('says at %s of a window: %s', async (instant, sentence) => {
    now = Date.parse(instant)
    const { code, stdout } = await ftpsGateway('explain', reference)
    expect(code).toBe(0)
    expect(stdout).toContain(`${reference}: partner acme, a brownout, week 1\n`)
    expect(stdout).toContain('from Tue 2027-03-02 10:00 Europe/Berlin (2027-03-02 09:00 UTC)\n')
    expect(stdout).toContain(sentence)
    expect(stdout).toContain('Way out: sftp.example.com:22')
  })

  test('understands it as it is said on the telephone', async () => {
    for (const said of [reference.toUpperCase(), reference.slice(2)]) {
      expect((await ftpsGateway('explain', said)).stdout).toContain('partner acme')
    }
  })

  test('knows who is retired, and nudges', async () => {
    const retired = referenceOf('acme', { kind: 'retired' })
    expect((await ftpsGateway('explain', retired)).stdout).toContain('partner acme, which is retired')
    const unknown = referenceOf('default', { kind: 'retired' })
    expect((await ftpsGateway('explain', unknown)).stdout).toContain('The user is of no partner.')
    partner('acme', acme.replace(/brownout: .*\n$/, 'brownout: { mode: nudge }\n'))
    now = Date.parse('2027-03-20T00:00Z')
    const nudge = referenceOf('acme', { kind: 'nudge', day: '2027-03-05' })
    expect(await json('explain', nudge)).toMatchObject({ found: [{ kind: 'nudge', from: '2027-03-05T00:00:00.000Z' }] })
  })

  test('of something unknown ends with 1, of nonsense with 64', async () => {
    expect(await ftpsGateway('explain', 'B-2222')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('stands for nothing'),
    })
    expect(await ftpsGateway('explain', 'hello')).toMatchObject({ code: 64 })
    expect(await ftpsGateway('explain')).toMatchObject({ code: 64 })
  })
})

test('No verb about moves prints a secret', async () => {
  writeFileSync(join(folder, 'key'), 'not a key')
  const secret = 'Zx9canary'
  partner(
    'acme',
    `${acme}auth: { mode: local, passwordHash: "${hash}", sftp: { username: in, password: ${secret} } }\n`,
  )
  const outputs = [
    await ftpsGateway('migrate', 'status', '--json'),
    await ftpsGateway('migrate', 'plan', '--all', '--json'),
    await ftpsGateway('migrate', 'set', 'acme', 'retired', '--json'),
    await ftpsGateway('migrate', 'hold', 'acme', '--until', '2027-05-01', '--reason', 'x'),
  ]
  expect(JSON.stringify(outputs)).not.toMatch(/Zx9canary|scrypt/)
})
