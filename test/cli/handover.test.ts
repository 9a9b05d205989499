import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { ground } from '../support/ground.ts'
import { runOk } from '../support/run.ts'
import { type Sshd, startSshd, unknownFingerprint } from '../support/sshd.ts'
import { inProcess, type Outcome } from './in-process.ts'

let sshd: Sshd
beforeAll(async () => {
  sshd = await startSshd()
})
afterAll(() => sshd?.stop())

let folder: string
beforeEach(async () => {
  folder = mkdtempSync(join((await ground()).runFolder, 'handover-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

interface Setting {
  readonly pins?: readonly string[]
  readonly args?: readonly string[]
  readonly root?: string
  /** Further settings of the partner. */
  readonly more?: object
}

async function handover({ pins, args = [], root, more = {} }: Setting = {}): Promise<Outcome> {
  const { ed25519, ecdsa, rsa } = sshd.fingerprints
  const config = join(folder, 'gateway.yaml')
  const backend = { name: 'main', host: 'sftp.internal', hostKeys: pins ?? [ed25519, ecdsa, rsa] }
  const backends = [backend, { ...backend, name: 'other', host: 'secret.internal' }]
  const defaults = { backend: 'main' }
  writeFileSync(config, JSON.stringify({ version: 1, backends, defaults, partners: 'acme.json' }))
  const partner = { name: 'acme', match: { users: ['acme'] }, auth: { username: sshd.user.name } }
  writeFileSync(join(folder, 'acme.json'), JSON.stringify({ ...partner, ...(root !== undefined && { root }), ...more }))
  const server = ['--server', `${sshd.host}:${sshd.port}`]
  return inProcess(['handover', 'acme', '--config', config, ...(args.includes('--server') ? [] : server), ...args])
}

/** What stands under an id on the page. */
function codeIn(page: string, id: string): string {
  const text = new RegExp(`<pre id="${id}">([^<]*)</pre>`).exec(page)?.[1] ?? ''
  return text
    .replace(/&quot;/g, '"')
    .replace(/&#39;/g, "'")
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&amp;/g, '&')
}

describe('ftps-gateway handover', () => {
  test('names the server, its keys as it shows them now, and the user', async () => {
    const { code, stdout } = await handover({
      args: ['--contact', 'edi@example.com', '--link', 'https://example.com/x'],
    })
    expect(code).toBe(0)
    for (const print of Object.values(sshd.fingerprints)) expect(stdout).toContain(print)
    expect(stdout).toContain(`- Port: ${sshd.port} (TCP, the only one)`)
    expect(stdout).toContain(`- User: ${sshd.user.name}`)
    expect(stdout).toContain('- Questions: edi@example.com\n- More: https://example.com/x\n')
    for (const line of sshd.knownHosts.trim().split('\n')) expect(stdout).toContain(`    ${line}\n`)
  })

  test('takes server, dates and contact from the configuration', async () => {
    const config = join(folder, 'gateway.yaml')
    const backend = { name: 'main', host: 'sftp.internal', hostKeys: Object.values(sshd.fingerprints) }
    const migration = {
      publicSftp: { host: sshd.host, port: sshd.port },
      contact: 'edi@example.com',
      timezone: 'Europe/Berlin',
      freeze: [{ from: '2026-12-20', to: '2027-01-07', reason: 'year end' }],
    }
    writeFileSync(config, JSON.stringify({ version: 1, backends: [backend], partners: 'acme.json', migration }))
    const timeline = { notice: '2026-12-24', retired: '2027-03-01' }
    const partner = { name: 'acme', title: 'ACME <Ltd>', match: { users: ['acme'] }, phase: 'auto', timeline }
    writeFileSync(join(folder, 'acme.json'), JSON.stringify(partner))
    const { code, stdout } = await inProcess(['handover', 'acme', '--config', config, '--format', 'txt'])
    expect(code).toBe(0)
    expect(stdout).toContain('From FTPS to SFTP: ACME <Ltd>')
    expect(stdout).toContain(`  * Port: ${sshd.port} `)
    // What would begin within the freeze begins behind it.
    expect(stdout).toMatch(
      /Dates\n-----\n\n {2}\* 2027-01-08: .*reminder\n {2}\* 2027-03-01: FTPS is switched off; only/,
    )
    expect(stdout).toContain('  * Questions: edi@example.com')
  })

  test('is no page when the server shows a key that is pinned nowhere', async () => {
    const { ed25519, ecdsa, rsa } = sshd.fingerprints
    const { code, stdout, stderr } = await handover({ pins: [ed25519, rsa] })
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(/^ftps-gateway: .* shows ecdsa-sha2-nistp256 SHA256:\S+, which is pinned nowhere.*\n$/)
    expect((await handover({ pins: [unknownFingerprint()], args: ['--host-key', ed25519] })).code).toBe(1)
    expect((await handover({ pins: [ed25519, rsa], args: ['--host-key', ecdsa] })).code).toBe(0)
  })

  test.each(['md', 'txt', 'html'])('is written as %s, with the folders and the commands', async (format) => {
    const { stdout } = await handover({ root: '/data/partners/acme', args: ['--format', format, '--user', '<b>me'] })
    expect(stdout).toContain('/data/partners/acme/in/orders.csv')
    expect(stdout).toContain('/out/file is /data/partners/acme/out/file')
    if (format === 'html') expect(stdout).not.toContain('<b>me')
    expect(stdout).not.toContain('undefined')
  })

  const paths = [
    { ftp: '/', sftp: '/data/acme' },
    { ftp: '/in', sftp: '/drop/acme', readOnly: true },
    { ftp: '/old', sftp: '/secret', backend: 'other' },
  ]

  test('shows where each folder of a path map is, and nothing of other servers', async () => {
    const { stdout } = await handover({ more: { paths }, args: ['--format', 'txt'] })
    expect(stdout).toContain(
      [
        '  * / was by FTPS what is /data/acme by SFTP',
        '  * /in was by FTPS what is /drop/acme by SFTP; nothing can be changed there',
        '  * /old is not on this server: please ask',
      ].join('\n'),
    )
    expect(stdout).toContain('/drop/acme/orders.csv')
    expect(stdout).not.toMatch(/undefined|secret/)
    const elsewhere = [{ ftp: '/out', sftp: '/exports' }]
    expect((await handover({ more: { paths: elsewhere } })).stdout).toContain('/exports/orders.csv')
  })

  test('is a mail to the owner, which is still to be sent', async () => {
    const more = {
      title: 'Ångström & Söhne, eine Gesellschaft mit sehr langem Namen',
      owner: { email: 'edi@acme.example' },
    }
    const args = ['--format', 'eml', '--contact', 'us@example.com']
    const { stdout } = await handover({ more, args })
    const [head = '', body = ''] = stdout.split('\r\n\r\n')
    expect(head).toMatch(/^From: us@example\.com\r\nTo: edi@acme\.example\r\nSubject: =\?utf-8\?B\?/)
    for (const line of stdout.split('\r\n')) expect(line.length).toBeLessThanOrEqual(76)
    expect(stdout).toMatch(/^[\r\n -~]*$/)
    const words = [...head.matchAll(/=\?utf-8\?B\?([^?]*)\?=/g)].map(([, text = '']) => Buffer.from(text, 'base64'))
    expect(words.join('')).toBe(`From FTPS to SFTP: ${more.title}`)
    const { stdout: text } = await handover({ more, args: [...args.slice(2), '--format', 'txt'] })
    expect(Buffer.from(body, 'base64').toString()).toBe(text)
    expect((await handover({ args: ['--format', 'eml', '--contact', 'Jo\nBcc: x@y'] })).stdout).toMatch(/^Subject: /)
  })

  test.each([
    [['--format', 'pdf'], '--format takes md, txt, html, eml, not pdf'],
    [['--server', 'a:b:c'], 'not HOST[:PORT]: a:b:c'],
    [
      ['--host-key', 'x'],
      '--host-key takes a fingerprint as `ssh-keygen -lf` prints it: "SHA256:" and 43 base64 characters, not x',
    ],
  ])('%j is wrong usage', async (args, message) => {
    expect(await handover({ args })).toMatchObject({
      code: 64,
      stderr: `ftps-gateway: ${message}\nSee: ftps-gateway help\n`,
    })
  })

  test('exits with 69 when the server cannot be reached', async () => {
    expect((await handover({ args: ['--server', `127.0.0.1:${await freePort()}`] })).code).toBe(69)
  })
})

describe('The commands of the page work as they are', () => {
  let page: string
  beforeEach(async () => {
    // The server of the test has the user's files where they are, and the user may write to that folder alone.
    await runOk('mkdir', ['-p', join(sshd.home, 'in')])
    await runOk('chown', ['-R', `${sshd.user.uid}:${sshd.user.gid}`, sshd.home])
    page = (await handover({ root: sshd.home, args: ['--format', 'html'] })).stdout
    writeFileSync(join(folder, 'acme_sftp'), readFileSync(sshd.privateKey), { mode: 0o600 })
    writeFileSync(join(folder, 'orders.csv'), `order ${Math.random()}\n`)
    writeFileSync(join(folder, 'known_hosts'), `${codeIn(page, 'known-hosts')}\n`)
    const options = `UserKnownHostsFile ${join(folder, 'known_hosts')}\nStrictHostKeyChecking yes\n`
    writeFileSync(join(folder, 'ssh_config'), options)
  })

  const arrived = () => readFileSync(join(sshd.home, 'in', 'orders.csv'), 'utf8')
  const sent = () => readFileSync(join(folder, 'orders.csv'), 'utf8')
  const shell = (command: string) => runOk('sh', ['-c', command], { cwd: folder })
  const withConfig = (command: string, program: string) => command.replace(program, `${program} -F ssh_config`)

  test('those of OpenSSH', async () => {
    const [batch = '', command = ''] = codeIn(page, 'openssh').split('\n\n')
    writeFileSync(join(folder, 'upload.sftp'), `${batch}\n`)
    await shell(withConfig(command, 'sftp'))
    expect(arrived()).toBe(sent())
  })

  test('those of lftp', async () => {
    await shell(withConfig(codeIn(page, 'lftp'), 'ssh'))
    expect(arrived()).toBe(sent())
  })

  test('those of paramiko', async () => {
    writeFileSync(join(folder, 'upload.py'), codeIn(page, 'paramiko'))
    // Debian's, which has Debian's modules.
    await runOk('/usr/bin/python3', ['upload.py'], { cwd: folder })
    expect(arrived()).toBe(sent())
  })
})
