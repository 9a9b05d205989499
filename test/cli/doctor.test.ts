import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Finding } from '../../src/cli/doctor/finding.ts'
import { type DemoServer, startDemoServer } from '../../src/demo/demo-server.ts'
import { hashPassword } from '../../src/partners/password-hash.ts'
import { makeAuthority, pemOf } from '../support/certificate-authority.ts'
import { certificateValidUntil } from '../support/certificates.ts'
import { freePort } from '../support/free-port.ts'
import { sayVerb } from '../support/verb.ts'
import { endPrograms, startProgram } from './program.ts'

let folder: string
let server: DemoServer
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'doctor-'))
  mkdirSync(join(folder, 'files'))
  mkdirSync(join(folder, 'partners.d'))
  server = await startDemoServer({ directory: join(folder, 'files') })
})
afterEach(async () => {
  await endPrograms()
  await server.close()
  rmSync(folder, { recursive: true })
})

const file = () => join(folder, 'gateway.yaml')

async function configure(changes: object = {}): Promise<void> {
  const settings = {
    version: 1,
    listeners: [{ name: 'explicit', address: '127.0.0.1', port: await freePort() }],
    passive: { ports: '20000-20003', advertise: '192.0.2.1' },
    backends: [{ name: 'main', host: '127.0.0.1', port: server.port, hostKeys: [server.hostKey] }],
    partners: 'partners.d/*.yaml',
    admin: 'off',
    state: { directory: 'state' },
    ...changes,
  }
  writeFileSync(file(), JSON.stringify(settings))
}

async function verb(...args: readonly string[]) {
  return sayVerb(['doctor', ...args], { env: { FTP_PASSWORD: server.password } })
}

async function doctor(...args: readonly string[]): Promise<{ code: number; findings: readonly Finding[] }> {
  const { code, stdout, stderr } = await verb('--json', ...args)
  if (stdout === '') throw new Error(stderr)
  return { code, findings: JSON.parse(stdout).findings }
}

/** The verdicts of what was said about something. */
function about(findings: readonly Finding[], pattern: RegExp): string[] {
  const found = findings.filter(({ part, said }) => pattern.test(`${part}: ${said}`))
  if (found.length === 0) throw new Error(`nothing about ${pattern} in ${JSON.stringify(findings, undefined, 1)}`)
  return found.map(({ verdict }) => verdict)
}

describe('ftps-gateway doctor', () => {
  test('finds nothing that fails where a gateway can start, and says what to do about each warning', async () => {
    await configure()
    const { code, stdout } = await verb('--config', file())
    expect(code).toBe(0)
    expect(stdout).toMatch(/^ok {6}ports: listener explicit, 127\.0\.0\.1:\d+: free$/m)
    expect(stdout).toMatch(/^ok {6}ports: passive ports 20000-20003: all 4 free$/m)
    expect(stdout).toMatch(/^ok {6}backend main: 127\.0\.0\.1 port \d+ answers, with a host key that is pinned$/m)
    expect(stdout).toMatch(/^warn {4}certificate: the gateway makes one of its own.*\n {8}Set tls\.certificates.*\.$/m)
    expect(stdout).toMatch(/\d+ ok, \d+ warn, 0 fail\n$/)
    expect(readdirSync(join(folder, 'files'))).toEqual([])
  })

  test('tells ports that another program holds from those that a gateway holds', async () => {
    const other = createServer((socket) => socket.end('SSH-2.0-other\r\n')).listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    await configure({ listeners: [{ name: 'explicit', address: '127.0.0.1', port }] })
    const { code, findings } = await doctor('--config', file())
    other.close()
    expect(code).toBe(69)
    expect(about(findings, /held by another program/)).toEqual(['fail'])

    await configure({ admin: { port: await freePort() } })
    const gateway = startProgram(['serve', '--config', file()])
    await gateway.until(/gateway\.listening/)
    const beside = await doctor('--config', file())
    expect(about(beside.findings, /^ports: listener explicit.*held by a running FTP server/)).toEqual(['ok'])
    expect(about(beside.findings, /^ports: admin.*held by a running gateway/)).toEqual(['ok'])
    expect(beside.code).toBe(0)
  })

  test('says that an address is not of this machine', async () => {
    await configure({ listeners: [{ name: 'explicit', address: '192.0.2.1', port: 2121 }] })
    const { code, findings } = await doctor('--config', file())
    expect(code).toBe(1)
    expect(about(findings, /192\.0\.2\.1:2121: not an address of this machine/)).toEqual(['fail'])
  })

  test.each([
    ['has expired', -2, 'fail', /has expired/],
    ['is near its end', 10, 'warn', /, (9|10) days from now/],
    ['is valid', 300, 'ok', /\((299|300) days\), key ec fits, for ftp\.acme\.example/],
  ])('looks at a certificate that %s', async (_, days, verdict, text) => {
    const authority = await makeAuthority(join(folder, 'ca'))
    const { cert, key } = pemOf(await authority.issue('acme', { names: ['ftp.acme.example'], days }))
    await withCertificate(cert, key)
    const { findings } = await doctor('--config', file(), '--name', 'ftp.example.com')
    expect(about(findings, text)).toEqual([verdict])
    expect(about(findings, /the chain ends at CN=Test CA, which is no public root/)).toEqual(['warn'])
    expect(about(findings, /no certificate is for ftp\.example\.com/)).toEqual(['warn'])
    await withCertificate(cert + readFileSync(authority.ca, 'utf8'), key)
    const complete = await doctor('--config', file(), '--name', 'ftp.acme.example')
    expect(about(complete.findings, /chain of 2 up to its root, CN=Test CA/)).toEqual(['ok'])
    expect(about(complete.findings, /ftp\.acme\.example is one of the names/)).toEqual(['ok'])
  })

  async function withCertificate(cert: string, key: string): Promise<void> {
    writeFileSync(join(folder, 'cert.pem'), cert)
    writeFileSync(join(folder, 'key.pem'), key, { mode: 0o600 })
    await configure({ tls: { certificates: [{ cert: 'cert.pem', key: 'key.pem' }] } })
  }

  test('looks at who may read the key, whether it fits, and at the order of the chain', async () => {
    const soon = () => certificateValidUntil(new Date(Date.now() + 3_600_000))
    const [one, other] = [soon(), soon()]
    await withCertificate(one.cert + other.cert, one.key)
    chmodSync(join(folder, 'key.pem'), 0o644)
    const mixed = await doctor('--config', file())
    expect(about(mixed.findings, /certificate 2 of the file did not issue the one before/)).toEqual(['fail'])
    expect(about(mixed.findings, /everybody on this machine may read the private key/)).toEqual(['warn'])

    await withCertificate(one.cert, other.key)
    const unfit = await doctor('--config', file())
    expect(unfit.code).toBe(1)
    expect(about(unfit.findings, /private key does not belong/)).toEqual(['fail'])
  })

  test('says that a backend is not there, or is another one', async () => {
    const backend = { name: 'main', host: '127.0.0.1', port: await freePort(), hostKeys: [server.hostKey] }
    await configure({ backends: [backend] })
    const gone = await doctor('--config', file())
    expect(gone.code).toBe(69)
    expect(about(gone.findings, /^backend main: .*refused/i)).toEqual(['fail'])

    await configure({ backends: [{ ...backend, port: server.port, hostKeys: [`SHA256:${'A'.repeat(43)}`] }] })
    const other = await doctor('--config', file())
    expect(other.code).toBe(69)
    expect(about(other.findings, /^backend main: .*host key/)).toEqual(['fail'])
  })

  test('tries out uploads and compares clocks with an account, and leaves nothing behind', async () => {
    const sftp = { username: server.username, password: server.password }
    const partner = {
      name: 'acme',
      match: { users: ['acme'] },
      auth: { mode: 'local', passwordHash: await hashPassword('x'), sftp },
    }
    writeFileSync(join(folder, 'partners.d/acme.yaml'), JSON.stringify(partner))
    await configure()
    const { code, findings } = await doctor('--config', file(), '--partner', 'acme')
    expect(code).toBe(0)
    expect(about(findings, /as partner acme: Uploads work/)[0]).toMatch(/ok|warn/)
    expect(about(findings, /its clock and that of this machine differ by \d+ s/)).toEqual(['ok'])
    expect(readdirSync(join(folder, 'files'))).toEqual([])
    expect(JSON.stringify(findings)).not.toContain(server.password)
  })

  test('warns of an address that is of no use outside', async () => {
    await configure({ passive: { ports: '20000-20003', advertise: '10.1.2.3' } })
    const { findings } = await doctor('--config', file())
    expect(about(findings, /^passive address: 10\.1\.2\.3: a private address/)).toEqual(['warn'])
  })

  test('prints what to run on another host', async () => {
    await configure({ listeners: [{ name: 'i', address: '127.0.0.1', port: 2990, tls: 'implicit' }] })
    const { code, stdout } = await verb('--config', file(), '--from', 'probe.example.com')
    expect(code).toBe(0)
    expect(stdout).toContain('Run on probe.example.com:')
    expect(stdout).toContain('ftps-gateway doctor --probe 192.0.2.1:2990 --implicit --ports 20000-20003\n')
  })

  test('exits with 78 for a configuration that is faulty, 64 without one', async () => {
    await configure({ limits: { sessions: 'many' } })
    expect((await verb('--config', file())).code).toBe(78)
    expect((await verb()).code).toBe(64)
  })
})

describe('ftps-gateway doctor --probe', () => {
  async function gateway(advertise: string, tls = 'explicit'): Promise<string> {
    const listeners = [{ name: 'explicit', address: '127.0.0.1', port: 0, tls }]
    await configure({ listeners, passive: { ports: 0, advertise } })
    const program = startProgram(['serve', '--config', file()])
    const [, port] = await program.until(/"event":"gateway\.listening".*"port":(\d+)/)
    return `127.0.0.1:${port}`
  }
  const account = () => ['--user', server.username, '--password-env', 'FTP_PASSWORD']

  test.each([
    ['explicit', []],
    ['implicit', ['--implicit']],
  ])('logs in over %s TLS and lists over data connections', async (tls, more) => {
    const { code, findings } = await doctor('--probe', await gateway('127.0.0.1', tls), ...account(), ...more)
    expect({ code, findings }).toMatchObject({ code: 0 })
    expect(about(findings, /certificate of .*, not trusted by this machine/)).toEqual(['warn'])
    expect(about(findings, /PASV names 127\.0\.0\.1, where the control connection goes too/)).toEqual(['ok'])
    expect(about(findings, /(EPSV|PASV): a listing came over data port \d+/)).toEqual(['ok', 'ok'])
    expect(JSON.stringify(findings)).not.toContain(server.password)
  })

  test('finds an address in the answer to PASV that is not the one of the control connection', async () => {
    const { code, findings } = await doctor('--probe', await gateway('10.1.2.3'), ...account())
    expect(code).toBe(1)
    expect(about(findings, /PASV names 10\.1\.2\.3, a private address/)).toEqual(['fail'])
  })

  test('knocks at passive ports where it has no account', async () => {
    const free = await freePort()
    const { code, findings } = await doctor('--probe', await gateway('127.0.0.1'), '--ports', `${free}-${free}`)
    expect(code).toBe(0)
    expect(about(findings, /passive ports \d+: 127\.0\.0\.1 answers on each/)).toEqual(['ok'])
  })

  test('exits with 69 where nobody answers', async () => {
    const { code, findings } = await doctor('--probe', `127.0.0.1:${await freePort()}`)
    expect(code).toBe(69)
    expect(about(findings, /ECONNREFUSED/)).toEqual(['fail'])
  })
})
