import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { dayAt, lineOfRow } from '../../src/migration/rows.ts'
import { noUsage } from '../../src/migration/usage.ts'
import { program } from '../support/packages.ts'
import { runOk } from '../support/run.ts'
import { inProcess } from './in-process.ts'

let folder: string
let config: string
const pin = `SHA256:${'A'.repeat(43)}`
const now = Date.now()

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'migration-verbs-'))
  config = join(folder, 'gateway.yaml')
  await writeFile(
    config,
    `version: 1
backends: [{ name: main, host: sftp.internal, hostKeys: ["${pin}"] }]
partners: "*.partner.yaml"
state: { directory: state }
`,
  )
  await runOk(program('ssh-keygen'), ['-q', '-N', '', '-t', 'ed25519', '-f', join(folder, 'own')])
  await runOk(program('ssh-keygen'), ['-q', '-N', '', '-t', 'ed25519', '-f', join(folder, 'theirs')])
  const hash = `$scrypt$ln=15,r=8,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`
  await writeFile(
    join(folder, 'acme.partner.yaml'),
    `name: acme
match: { users: [acme] }
auth: { mode: local, passwordHash: "${hash}", sftp: { username: acme-in, privateKey: own } }
expect: { upload: { every: 24h } }
`,
  )
  await writeFile(join(folder, 'beta.partner.yaml'), 'name: beta\nmatch: { users: [beta] }\n')
})
afterEach(() => rm(folder, { recursive: true }))

async function used(instance: string, partner: string, day: string, directory = 'state'): Promise<void> {
  const usage = {
    ...noUsage,
    counts: { total: { logins: 2, uploads: 1, uploadBytes: 1000 }, client: { lftp: 2 } },
    highest: { lastLogin: Date.parse(day), lastUpload: Date.parse(day) },
  }
  await mkdir(join(folder, directory, 'journal'), { recursive: true })
  await writeFile(
    join(folder, directory, 'journal', `usage-${instance}.jsonl`),
    lineOfRow({ day, partner, user: partner, usage }),
  )
}

const verb = (...args: readonly string[]) => inProcess([...args, '--config', config])

describe('ftps-gateway report', () => {
  test('adds up what all replicas have written, in the state directory and in others', async () => {
    await used('a', 'acme', dayAt(now))
    await used('b', 'acme', dayAt(now))
    await used('c', 'acme', dayAt(now), 'other')
    const { code, stdout } = await verb('report', '--format', 'json', '--state', join(folder, 'other'))
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      partners: [
        { partner: 'acme', usage: { counts: { total: { logins: 6 } } } },
        { partner: 'beta', lastLogin: null },
      ],
    })
  })

  test('counts since when it is told, and says who is silent', async () => {
    await used('a', 'acme', dayAt(now - 10 * 86_400_000))
    expect((await verb('report', '--since', '5d')).stdout).toMatch(
      /^acme +waiting for key +gateway +\S+ \S+ +0 +0 [\s\S]*acme: an upload is overdue since/m,
    )
    expect((await verb('report')).stdout).toMatch(/^acme +waiting for key +gateway +\S+ \S+ +2 +1 /m)
  })

  test('says how far the move of a partner is, what comes next, and who cares for it', async () => {
    const timeline = '{ retired: 2999-12-31 }'
    const owner = '{ team: edi, ticket: MIG-417 }'
    await writeFile(
      join(folder, 'beta.partner.yaml'),
      `name: beta\ntitle: Beta AG\nwave: 3\nowner: ${owner}\nmatch: { users: [beta] }\nphase: auto\ntimeline: ${timeline}\n`,
    )
    const { partners } = JSON.parse((await verb('report', '--format', 'json')).stdout)
    expect(partners[1]).toMatchObject({
      phase: 'gateway',
      next: 'retired on 2999-12-31',
      title: 'Beta AG',
      wave: 3,
      owner: 'edi MIG-417',
    })
  })

  test('has a line for users of no partner once there were any', async () => {
    expect((await verb('report')).stdout).not.toContain('default')
    await used('a', 'default', dayAt(now))
    expect((await verb('report')).stdout).toMatch(/^default +/m)
  })

  test.each([
    [['report', '--format', 'xml'], '--format takes table, csv, json, html, not xml'],
    [['report', '--since', '90d'], '--since takes a time such as 30d, at most 60d, not 90d'],
    [['report', '--since', 'soon'], '--since takes a time such as 30d, at most 60d, not soon'],
    [['import', 'ftp-log', 'x'], 'import needs sftp-log FILE'],
    [['keys', 'add', 'acme'], 'keys needs add PARTNER FILE'],
    [['keys', 'add', 'acne', 'x'], 'there is no partner "acne" (did you mean "acme"?)'],
  ])('%j is wrong usage', async (args, message) => {
    expect(await verb(...args)).toMatchObject({
      code: 64,
      stderr: `ftps-gateway: ${message}\nSee: ftps-gateway help\n`,
    })
  })

  test('without a state directory has nothing to tell', async () => {
    await writeFile(config, (await readFile(config, 'utf8')).replace(/^state.*$/m, ''))
    expect(await verb('report')).toMatchObject({ code: 64, stderr: expect.stringContaining('needs state.directory') })
  })
})

test('ftps-gateway migrate plan knows the logins of the journal', async () => {
  const ladder = 'migration: { ladders: { standard: [{ week: 1, windows: 1, duration: 1h }] } }'
  await writeFile(config, `${await readFile(config, 'utf8')}${ladder}\n`)
  const timeline = `{ brownout: ${dayAt(now + 5 * 86_400_000)} }`
  await writeFile(
    join(folder, 'beta.partner.yaml'),
    `name: beta\nmatch: { users: [beta] }\nphase: auto\ntimeline: ${timeline}\nbrownout: { ladder: standard, align: observed }\n`,
  )
  expect((await verb('migrate', 'plan', 'beta')).stdout).toContain('no logins are recorded')
  const usage = { ...noUsage, logins: [now - 86_400_000, now - 3_600_000] }
  await mkdir(join(folder, 'state', 'journal'), { recursive: true })
  await writeFile(
    join(folder, 'state', 'journal', 'usage-a.jsonl'),
    lineOfRow({ day: dayAt(now), partner: 'beta', user: 'beta', usage }),
  )
  expect((await verb('migrate', 'plan', 'beta')).stdout).toContain('2 logins are recorded')
})

describe('ftps-gateway import sftp-log', () => {
  const print = `SHA256:${'B'.repeat(43)}`
  const login = (user: string, key: string, address = '203.0.113.9') => {
    return `2026-11-01T02:10:07Z sftp sshd[812]: Accepted publickey for ${user} from ${address} port 5 ssh2: ED25519 ${key}\n`
  }

  test('is how the report knows who has moved, and the gateway itself is nobody', async () => {
    const own = (await runOk(program('ssh-keygen'), ['-lf', join(folder, 'own.pub')])).toString().split(' ')[1] ?? ''
    const log = join(folder, 'auth.log')
    await writeFile(log, login('beta', print) + login('acme-in', own) + login('root', print))
    const { code, stdout } = await verb('import', 'sftp-log', log)
    expect([code, stdout]).toEqual([
      0,
      'beta: beta has logged in by SFTP, first 2026-11-01 02:10 UTC, last 2026-11-01 02:10 UTC\n',
    ])
    expect((await verb('report')).stdout).toMatch(/^beta +ready .* 2026-11-01$/m)
    expect((await verb('report')).stdout).toMatch(/^acme +waiting for key /m)
  })

  test('leaves out addresses that are the gateway’s', async () => {
    const log = join(folder, 'auth.log')
    await writeFile(log, login('acme-in', print))
    expect((await verb('import', 'sftp-log', log, '--ignore', '203.0.113.9')).stdout).toContain('no partner has')
    expect((await verb('import', 'sftp-log', log)).stdout).toContain('acme: acme-in has logged in')
  })
})

describe('ftps-gateway keys add', () => {
  test('prints the line for authorized_keys, and remembers whose key it is', async () => {
    const file = join(folder, 'theirs.pub')
    const print = (await runOk(program('ssh-keygen'), ['-lf', file])).toString().split(' ')[1] ?? ''
    const { code, stdout, stderr } = await verb('keys', 'add', 'acme', file)
    const [type, base64] = (await readFile(file, 'utf8')).split(' ')
    expect([code, stdout.split(' ').slice(0, 2)]).toEqual([0, [type, base64]])
    expect(stderr).toContain(print)
    const kept = join(folder, 'state', 'keys', 'acme.authorized_keys')
    expect(await readFile(kept, 'utf8')).toBe(stdout)
    expect((await stat(kept)).mode & 0o777).toBe(0o600)

    expect((await verb('report')).stdout).toMatch(/^acme +ready /m)
    expect((await verb('keys', 'add', 'acme', file)).stderr).toContain('It is there already')
    expect(await readFile(kept, 'utf8')).toBe(stdout)
    const other = await verb('keys', 'add', 'beta', file)
    expect(other).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('partner acme has the same key'),
    })
  })

  test('refuses a private key without showing any of it, and the gateway’s own', async () => {
    const secret = (await readFile(join(folder, 'theirs'), 'utf8')).split('\n')[1] ?? ''
    const refused = await verb('keys', 'add', 'acme', join(folder, 'theirs'))
    expect(refused).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('it is a private key') })
    expect(refused.stderr).not.toContain(secret)
    const own = await verb('keys', 'add', 'beta', join(folder, 'own.pub'))
    expect(own).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining("the gateway's own") })
  })
})
