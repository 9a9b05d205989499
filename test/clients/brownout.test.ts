import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { writePause } from '../../src/migration/pause-file.ts'
import { startTestGateway, type TestGateway } from '../support/gateway-under-test.ts'
import { program } from '../support/packages.ts'
import { run, runOk } from '../support/run.ts'
import { type Sshd, startSshd } from '../support/sshd.ts'

const script = fileURLToPath(new URL('ftplib-login.py', import.meta.url))
const before = '2027-03-02T08:59:59Z'
const inside = '2027-03-02T09:05:00Z'
const behind = '2027-03-02T09:10:00Z'
const retired = '2027-04-12T00:00:00+02:00'

let sshd: Sshd
let gateway: TestGateway
let now = 0
let clock = () => now
beforeAll(async () => {
  sshd = await startSshd()
  const partners = join(sshd.folder, 'partners')
  mkdirSync(partners)
  const file = {
    name: 'acme',
    match: { users: [sshd.user.name] },
    timeline: { notice: '2027-02-01', brownout: '2027-03-01', retired: '2027-04-12' },
    brownout: { align: 'fixed', at: ['Tue 10:00'] },
  }
  writeFileSync(join(partners, 'acme.yaml'), JSON.stringify(file))
  const migration = {
    publicSftp: { host: 'sftp.example.com' },
    link: 'https://example.com/sftp',
    timezone: 'Europe/Berlin',
  }
  const limits = { refusalsPerAddress: 2 }
  const settings = { migration, limits, defaults: { phase: 'notice' }, partners: join(partners, '*.yaml') }
  gateway = await startTestGateway({ sshd, settings, now: () => clock() })
})
afterAll(async () => {
  await gateway?.stop()
  await sshd?.stop()
})
beforeEach(() => {
  now = Date.parse(before)
  clock = () => now
})

interface Answer {
  readonly error: string | null
  readonly text: string
  readonly welcome?: string
  readonly migration?: string
}

async function ftplib(password = sshd.user.password, times = 1): Promise<readonly Answer[]> {
  const { explicit: port, certificate } = gateway
  const request = { host: 'localhost', port, certificate, user: sshd.user.name, password, times }
  return JSON.parse((await runOk('python3', [script], { input: JSON.stringify(request) })).toString())
}

/** lftp as it comes, besides the certificate: it would try again for ever where it thinks that this helps. */
function lftp() {
  const { name, password } = sshd.user
  const commands = [
    `set ssl:ca-file ${gateway.certificate}`,
    'set ftp:ssl-force yes',
    'set net:timeout 30',
    `open -u ${name},${password} ftp://localhost:${gateway.explicit}`,
    'cls',
  ]
  return run(program('lftp'), ['--norc', '-c', commands.join('; ')], { timeoutMs: 30_000 })
}

const refusal = [
  'FTPS is switched off until 09:10 UTC (10:10 Europe/Berlin).',
  'Your password is right. FTPS ends on 2027-04-12; move to SFTP:',
  'sftp.example.com:22 - https://example.com/sftp - ref B-',
]

describe('In a window', () => {
  test('lftp stops at once and shows the whole text', async () => {
    now = Date.parse(inside)
    const { code, stderr } = await lftp()
    expect(code).toBe(1)
    for (const line of refusal) expect(stderr).toContain(line)
  })

  test('ftplib raises error_perm with the whole text, every line with the code', async () => {
    now = Date.parse(inside)
    const [answer] = await ftplib()
    const [first, second, third] = refusal
    expect(answer?.error).toBe('error_perm')
    expect(answer?.text).toMatch(
      new RegExp(`^530-${escaped(first)}\n530-${escaped(second)}\n530 ${escaped(third)}[a-z2-9]{4}$`),
    )
  })

  test('curl says that access is denied', async () => {
    now = Date.parse(inside)
    const { name, password } = sshd.user
    const how = ['-sSv', '--ssl-reqd', '--cacert', gateway.certificate, '-u', `${name}:${password}`]
    const { code, stderr } = await run(program('curl'), [...how, `ftp://localhost:${gateway.explicit}/`])
    expect(code).toBe(67)
    expect(stderr).toContain('Access denied: 530')
    for (const line of refusal) expect(stderr).toContain(line)
  })

  test('no refusal counts as a wrong password, however many there are', async () => {
    now = Date.parse(inside)
    const answers = await ftplib(sshd.user.password, 5)
    expect(answers.map(({ error }) => error)).toEqual(Array(5).fill('error_perm'))
    now = Date.parse(behind)
    expect(await ftplib()).toMatchObject([{ error: null }])
    const logins = gateway.log.filter((event) => event.kind === 'login' && event.outcome === 'brownout')
    expect(logins.length).toBeGreaterThanOrEqual(5)
    for (const event of logins)
      expect(event).toMatchObject({ partner: 'acme', reference: expect.stringMatching(/^B-/) })
  })

  test('a wrong password is told as at any other time', async () => {
    now = Date.parse(inside)
    expect(await ftplib('wrong')).toMatchObject([{ error: 'error_perm', text: '530 Login incorrect.' }])
  })
})

describe('Outside of a window', () => {
  test.each([before, behind])('at %s lftp and ftplib are let in, and ftplib sees the notice', async (instant) => {
    now = Date.parse(instant)
    expect((await lftp()).code).toBe(0)
    const [answer] = await ftplib()
    expect(answer).toMatchObject({ error: null })
    expect(answer?.text.split('\n')).toEqual([
      '230-FTPS ends here on 2027-04-12; please move to SFTP:',
      '230-SFTP: sftp.example.com:22',
      '230-https://example.com/sftp',
      '230 Logged in.',
    ])
    expect(answer?.migration).toContain('200-Phase: brownout\n')
    expect(answer?.welcome?.split('\n')).toEqual([
      '220-FTPS will end here; please move to SFTP:',
      '220-SFTP: sftp.example.com:22',
      '220-https://example.com/sftp',
      '220 FTP server ready.',
    ])
  })

  test('a session that has begun before a window goes on in it', async () => {
    const { name, password } = sshd.user
    const done = join(sshd.folder, 'done')
    const mark = gateway.log.length
    const loggedIn = () => gateway.log.slice(mark).some((event) => event.kind === 'login' && event.outcome === 'ok')
    clock = () => Date.parse(loggedIn() ? inside : before)
    const commands = [
      `set ssl:ca-file ${gateway.certificate}`,
      'set ftp:ssl-force yes',
      `open -u ${name},${password} ftp://localhost:${gateway.explicit}`,
      'cls',
      `put ${script}`,
      `cls > ${done}`,
    ]
    const { code } = await run(program('lftp'), ['--norc', '-c', commands.join('; ')])
    expect(clock()).toBe(Date.parse(inside))
    expect(code).toBe(0)
    expect(readFileSync(done, 'utf8')).toContain('ftplib-login.py')
  })
})

test('A pause lets logins in without a reload', async () => {
  now = Date.parse(inside)
  expect(await ftplib()).toMatchObject([{ error: 'error_perm' }])
  await writePause(gateway.state, { since: now, until: now + 60_000 })
  expect(await ftplib()).toMatchObject([{ error: null }])
  now += 60_000
  expect(await ftplib()).toMatchObject([{ error: 'error_perm' }])
})

test('Who is retired is told so by lftp and ftplib', async () => {
  now = Date.parse(retired)
  const text = 'FTPS has ended here for this login since 2027-04-12.'
  expect(await ftplib()).toMatchObject([{ error: 'error_perm', text: expect.stringContaining(text) }])
  const { code, stderr } = await lftp()
  expect(code).toBe(1)
  expect(stderr).toContain(text)
  now = Date.parse(retired) - 1
  expect(await ftplib()).toMatchObject([{ error: null }])
})

function escaped(text = ''): string {
  return text.replace(/[.()/]/g, '\\$&')
}
