import { EventEmitter } from 'node:events'
import {
  chownSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { emptyFolder } from '../support/fixtures.ts'
import { freePort } from '../support/free-port.ts'
import { ground } from '../support/ground.ts'
import { type OldServerUnderTest, oldServers } from '../support/old-server.ts'
import { type Sshd, startSshd } from '../support/sshd.ts'
import { type InProcess, inProcess, type Outcome } from './in-process.ts'

let sshd: Sshd
let old: OldServerUnderTest
let folder: string
let config: string
function put(server: { readonly home: string }, name: string, content: string, seconds = 1_767_225_600): void {
  const path = join(server.home, name)
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, content)
  utimesSync(path, seconds, seconds)
  for (const owned of [join(path, '..'), path]) chownSync(owned, sshd.user.uid, sshd.user.gid)
}

function putBoth(name: string, content: string): void {
  for (const server of [sshd, old]) put(server, name, content)
}

async function compare(args: readonly string[] = [], options: InProcess = {}): Promise<Outcome> {
  const server = args.includes('--old') ? [] : ['--old', `${old.host}:${old.port}`]
  const login = ['--old-user', old.user.name, '--old-password-env', 'OLD', '--old-ca', old.certificate]
  const env = { OLD: old.user.password, NEW: sshd.user.password, ...options.env }
  const verb = ['compare', 'acme', '--config', config, '--password-env', 'NEW', ...server, ...login, ...args]
  return inProcess(verb, { ...options, env })
}

describe.each(['vsftpd', 'ProFTPD, TLS 1.3'] as const)('ftps-gateway compare, between %s and OpenSSH', (kind) => {
  beforeAll(async () => {
    ;[sshd, old] = await Promise.all([startSshd(), oldServers[kind]()])
    folder = mkdtempSync(join((await ground()).runFolder, 'compare-'))
    config = join(folder, 'gateway.yaml')
    const pins = [sshd.fingerprints.ed25519]
    const backend = { name: 'main', host: sshd.host, port: sshd.port, hostKeys: pins }
    const server = { name: 'old', type: 'ftps', host: old.host, port: old.port, tls: { ca: old.certificate } }
    const defaults = { backend: 'main', legacy: 'old' }
    writeFileSync(config, JSON.stringify({ version: 1, backends: [backend, server], defaults, partners: 'acme.json' }))
    const partner = {
      name: 'acme',
      match: { users: [old.user.name] },
      auth: { username: sshd.user.name },
      root: sshd.home,
    }
    writeFileSync(join(folder, 'acme.json'), JSON.stringify(partner))
  })
  afterAll(async () => {
    await Promise.all([sshd?.stop(), old?.stop()])
    rmSync(folder, { recursive: true })
  })
  beforeEach(() => {
    for (const { home } of [sshd, old]) emptyFolder(home)
  })

  test('finds nothing where nothing differs, and reads every byte for that', async () => {
    putBoth('in/a b.txt', 'one')
    putBoth('out/.hidden', 'two')
    putBoth('out/deep/\u00e4', 'three')
    const { code, stdout, stderr } = await compare(['--hash'])
    expect([stdout, code]).toEqual(['', 0])
    expect(stderr).toMatch(/^0 differences: 12 entries \(\d+\/s\), 22 bytes read\n$/)
  })

  test('prints what differs, below the folder that it was told', async () => {
    putBoth('in/same', 'same')
    putBoth('out/same size', 'abc')
    put(old, 'in/left', 'x')
    put(sshd, 'in/right', 'xx')
    put(sshd, 'out/same size', 'abd')
    put(old, 'in/short', 'x')
    put(sshd, 'in/short', 'xx')
    const { code, stdout } = await compare(['--hash'])
    expect(stdout.split('\n').map((line) => line.split(' SHA', 1)[0])).toEqual([
      '< /in/left: 1 bytes',
      '> /in/right: 2 bytes',
      '! /in/short: 1 and 2 bytes',
      '! /out/same size:',
      '',
    ])
    expect(code).toBe(1)
    expect(await compare(['--path', 'out'])).toMatchObject({ code: 0, stdout: '' })
    expect(await compare(['--path', '/nowhere'])).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^\? \/nowhere: /),
    })
  })

  test('ends with 130 on Ctrl-C, in the middle of a large file, and keeps what was seen', async () => {
    put(old, 'a', 'only here')
    putBoth('large', '')
    for (const server of [sshd, old]) truncateSync(join(server.home, 'large'), 2_000_000_000)
    for (const server of [sshd, old]) utimesSync(join(server.home, 'large'), 1_767_225_600, 1_767_225_600)
    expect(statSync(join(old.home, 'large')).size).toBe(2_000_000_000)
    const signals = new EventEmitter()
    const heard = (text: string) => {
      if (/bytes read, at \/large/.test(text)) signals.emit('SIGINT')
    }
    const { code, stdout, stderr } = await compare(['--hash', '--ignore-times'], { signals, heard })
    expect([stdout, code]).toEqual(['< /a: 9 bytes\n', 130])
    expect(stderr).toMatch(/stopped by Ctrl-C, 1 difference so far: 3 entries .* at \/large\n$/)
    unlinkSync(join(old.home, 'large'))
  })

  test('asks the old server of the configuration, as the first user of the partner, where it is told nothing else', async () => {
    put(old, 'only here', 'x')
    const args = ['compare', 'acme', '--config', config, '--password-env', 'NEW', '--old-password-env', 'OLD']
    const { code, stdout } = await inProcess(args, { env: { OLD: old.user.password, NEW: sshd.user.password } })
    expect([code, stdout]).toEqual([1, '< /only here: 1 bytes\n'])
  })

  test('does not send the password to a server that shows another certificate', async () => {
    const { code, stdout, stderr } = await compare(['--old-ca', config])
    expect([code, stdout]).toEqual([69, ''])
    expect(stderr).not.toContain(old.user.password)
  })

  test('exits with 69 where a password is wrong, or nobody answers', async () => {
    const wrong = await compare([], { env: { OLD: 'wrong' } })
    expect([wrong.code, wrong.stderr]).toEqual([69, expect.stringMatching(/answers the login with 530/)])
    expect((await compare(['--old', `127.0.0.1:${await freePort()}`])).code).toBe(69)
  })
})
