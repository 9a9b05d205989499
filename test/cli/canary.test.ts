import { createHash } from 'node:crypto'
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hashPassword } from '../../src/partners/password-hash.ts'
import { Dialogue } from '../support/dialogue.ts'
import { freePort } from '../support/free-port.ts'
import { type GatewayProgram, startGatewayProgram } from '../support/gateway-program.ts'
import { ground } from '../support/ground.ts'
import { program } from '../support/packages.ts'
import { run, runOk } from '../support/run.ts'
import { type Sshd, startSshd } from '../support/sshd.ts'
import { type InProcess, inProcess } from './in-process.ts'

const password = 'canary-password-5vK2'
const passphrase = 'canary-passphrase-9qLx'
const wrong = 'canary-wrong-password-7uTz'
const misplaced = 'CANARY-MISPLACED-3WPA'
const backendPassword = 'canary-backend-password-1mNd'

let sshd: Sshd
let gateway: GatewayProgram
let folder: string
let config: string
let adminPort: number
/** What nobody may ever see, by what it is. */
let secrets: Readonly<Record<string, string>>
/** All that was said, by whom. */
const said = new Map<string, string>()

beforeAll(async () => {
  sshd = await startSshd()
  folder = mkdtempSync(join((await ground()).runFolder, 'canary-'))
  const key = join(folder, 'key')
  copyFileSync(sshd.privateKey, key)
  // Few rounds: each verb reads the key.
  await runOk(program('ssh-keygen'), ['-p', '-q', '-a', '1', '-P', '', '-N', passphrase, '-f', key])
  const passwordHash = await hashPassword(password)
  const lines = (file: string) => readFileSync(file, 'utf8').split('\n')
  secrets = {
    password,
    passphrase,
    'wrong password': wrong,
    'password in the wrong place': misplaced,
    'password of a backend': backendPassword,
    'password of the backend user': sshd.user.password,
    'salt of the hash': passwordHash.split('$').at(-2) ?? '',
    hash: passwordHash.split('$').at(-1) ?? '',
    'encrypted key': lines(key)[2] ?? '',
    key: lines(sshd.privateKey)[2] ?? '',
  }
  writePartners(key, passwordHash)
  adminPort = await freePort()
  gateway = await startGatewayProgram({
    sshd,
    settings: {
      partners: join(folder, '*.json'),
      logging: { level: 'trace', transferLog: { file: join(folder, 'transfers.log') } },
      admin: { address: '127.0.0.1', port: adminPort },
    },
    env: { CANARY_BACKEND: backendPassword },
  })
  config = join(gateway.folder, 'gateway.yaml')
  writeLearned(passwordHash)
})
afterAll(async () => {
  await gateway?.stop()
  await sshd?.stop()
  if (folder) rmSync(folder, { recursive: true })
})

function writePartners(privateKey: string, passwordHash: string): void {
  const sftp = { username: sshd.user.name, privateKey, passphrase }
  const root = sshd.home
  const acme = { name: 'acme', root, match: { users: ['acme'] }, auth: { mode: 'local', passwordHash, sftp } }
  const beta = {
    name: 'beta',
    match: { users: ['beta'] },
    auth: { mode: 'local', passwordHash, sftp: { username: 'beta', password: `\${CANARY_BACKEND}` } },
  }
  const gamma = { ...acme, name: 'gamma', match: { users: ['gamma', 'unheard'] }, auth: { mode: 'learn', sftp } }
  for (const partner of [acme, beta, gamma])
    writeFileSync(join(folder, `${partner.name}.json`), JSON.stringify(partner))
}

/** As if an old server had accepted it. */
function writeLearned(passwordHash: string): void {
  const passwords = join(gateway.folder, 'state', 'passwords')
  mkdirSync(passwords)
  const learned = { partner: 'gamma', user: 'gamma', at: new Date(0).toISOString(), passwordHash }
  const name = createHash('sha256').update('gamma gamma').digest('hex')
  writeFileSync(join(passwords, `${name}.json`), JSON.stringify(learned))
}

const curl = (name: string, secret: string, ...args: readonly string[]) => {
  const account = ['-sSv', '-k', '--ssl-reqd', '-u', `${name}:${secret}`]
  return run('curl', [...account, ...args, `ftp://127.0.0.1:${gateway.port}/file`], { input: 'content' })
}

async function verb(name: string, args: readonly string[], options: InProcess = {}): Promise<number> {
  const env = { CANARY_BACKEND: backendPassword, ...options.env }
  const { code, stdout, stderr } = await inProcess([name, ...args], { ...options, env })
  said.set([name, ...args].join(' '), stdout + stderr)
  return code
}

const withConfig = (name: string, ...args: readonly string[]) => verb(name, [...args, '--config', config])

describe('Nothing shows a password, a key or a hash of a partner', () => {
  test('of sessions that go well and of those that do not', async () => {
    expect((await curl('acme', password, '-T', '-')).code).toBe(0)
    expect((await curl('acme', wrong, '-T', '-')).code).toBe(67)
    expect((await curl('gamma', password, '-T', '-')).code).toBe(0)
    expect((await curl('unheard', password, '-T', '-')).code).toBe(67)
    // Its backend refuses what the gateway has for it.
    expect((await curl('beta', password, '-T', '-')).code).not.toBe(0)
    const client = await Dialogue.connect({
      port: gateway.port,
      tls: 'explicit',
      certificate: gateway.certificate,
    })
    await client.dialogue('< 220')
    await client.secure()
    await client.dialogue(`> ${misplaced}`, '< 500', `> PASSS ${misplaced}`, '< 500', '> USER acme', '< 331')
    await client.send(`PASS ${password}`, 'PASS [secret]')
    await client.dialogue('< 230', `> SITE PSWD ${misplaced}`, '< 500', `> ACCT ${misplaced}`, '< 202')
    await client.dialogue('> QUIT', '< 221')
    await gateway.told('session.closed', 6)
    said.set('metrics', await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text())
  })

  test('of all verbs, in all their formats', async () => {
    expect(await withConfig('check')).toBe(0)
    for (const format of ['table', 'csv', 'json', 'html'])
      expect(await withConfig('report', '--format', format)).toBe(0)
    expect(said.get(`report --format json --config ${config}`)).toContain('the password is not known yet of unheard')
    const pins = Object.values(sshd.fingerprints).flatMap((print) => ['--host-key', print])
    const server = ['--server', `${sshd.host}:${sshd.port}`]
    for (const format of ['md', 'txt', 'html'])
      expect(await withConfig('handover', 'acme', ...server, ...pins, '--format', format)).toBe(0)
    expect(await withConfig('keys', 'add', 'acme', join(folder, 'key'))).toBe(1)
    expect(await withConfig('keys', 'add', 'acme', sshd.privateKey)).toBe(1)
    expect(await withConfig('keys', 'add', 'acme', `${sshd.privateKey}.pub`)).toBe(1)
    writeFileSync(join(folder, 'auth.log'), `Jan  1 00:00:00 h sshd[1]: Failed password for ${misplaced} from ::1\n`)
    expect(await withConfig('import', 'sftp-log', join(folder, 'auth.log'))).toBe(0)
    expect(await withConfig('test', '--partner', 'acme')).toBe(0)
    expect(await withConfig('test', '--partner', 'beta')).toBe(69)
    expect(await withConfig('health')).toBe(0)
    expect(await verb('host-key', [`${sshd.host}:${sshd.port}`])).toBe(0)
    const old = ['--old', `127.0.0.1:${gateway.port}`, '--old-user', 'acme', '--old-password-env', 'OLD']
    const ca = ['--old-ca', gateway.certificate]
    const compare = (secret: string) =>
      verb('compare', ['acme', '--config', config, ...old, ...ca, '--hash'], { env: { OLD: secret } })
    expect(await compare(password)).toBe(0)
    expect(await compare(wrong)).toBe(69)
  })

  test('of configurations that are faulty', async () => {
    const faulty = join(folder, 'faulty.yaml')
    const auth = { mode: 'passthrough', passwordHash: misplaced, sftp: { passphrase, password: backendPassword } }
    writeFileSync(join(folder, 'faulty.partner'), JSON.stringify({ name: 'x', match: { users: [] }, auth }))
    writeFileSync(faulty, JSON.stringify({ version: 1, partners: 'faulty.partner', passwordd: misplaced }))
    for (const name of ['check', 'report', 'serve']) expect(await verb(name, ['--config', faulty])).toBe(78)
  })

  test('and so nobody has seen one', async () => {
    gateway.signal('SIGTERM')
    await gateway.ended()
    said.set('log', gateway.log())
    said.set('transfer log', readFileSync(join(folder, 'transfers.log'), 'utf8'))
    const state = join(gateway.folder, 'state')
    for (const name of readdirSync(state, { recursive: true, encoding: 'utf8' })) {
      // Verifiers are kept in there, and nowhere else.
      if (/jsonl?$|_keys$/.test(name) && !name.startsWith('passwords/'))
        said.set(name, readFileSync(join(state, name), 'utf8'))
    }
    // What is empty, or is not there, shows nothing.
    for (const source of ['log', 'transfer log', 'metrics']) expect(said.get(source)).toContain('acme')
    expect([...said.keys()].some((name) => /journal\/usage-.*\.jsonl$/.test(name))).toBe(true)
    const seen = [...said].flatMap(([source, text]) => {
      const shown = Object.entries(secrets).filter(([, secret]) => text.includes(secret))
      return shown.map(([what]) => `${source} shows: ${what}`)
    })
    expect(Object.values(secrets).every((secret) => secret.length >= 12)).toBe(true)
    expect(seen).toEqual([])
  })
})
