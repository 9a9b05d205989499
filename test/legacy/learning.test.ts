import { chmodSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { Dialogue } from '../support/dialogue.ts'
import { startTestGateway, type TestGateway } from '../support/gateway-under-test.ts'
import { ground } from '../support/ground.ts'
import { type OldServerUnderTest, oldServers } from '../support/old-server.ts'
import { type Sshd, startSshd } from '../support/sshd.ts'

const patience = { timeout: 30_000 }

describe.each(['vsftpd', 'ProFTPD, TLS 1.3'] as const)('auth.mode: learn, from %s to OpenSSH', (kind) => {
  let sshd: Sshd
  let old: OldServerUnderTest
  let gateway: TestGateway
  let folder: string
  beforeAll(async () => {
    sshd = await startSshd()
    old = await oldServers[kind]()
    folder = mkdtempSync(join((await ground()).runFolder, 'learning-'))
    chmodSync(folder, 0o755)
    write('legacy')
    const main = { name: 'main', host: sshd.host, port: sshd.port, hostKeys: [sshd.fingerprints.ed25519] }
    const server = { name: 'old', type: 'ftps', host: old.host, port: old.port, tls: { ca: old.certificate } }
    gateway = await startTestGateway({
      settings: {
        backends: [main, server],
        defaults: { backend: 'main', legacy: 'old' },
        partners: join(folder, '*.yaml'),
      },
    })
  })
  afterAll(async () => {
    await gateway?.stop()
    await old?.stop()
    await sshd?.stop()
  })

  function write(phase: string): void {
    const sftp = { username: sshd.user.name, privateKey: sshd.privateKey }
    const acme = { name: 'acme', match: { users: [old.user.name, 'quarterly'] }, auth: { mode: 'learn', sftp }, phase }
    writeFileSync(join(folder, 'acme.yaml'), JSON.stringify(acme))
  }
  async function move(phase: string): Promise<void> {
    write(phase)
    await gateway.reload()
  }
  async function logIn(user: string, password: string, code: number): Promise<string | undefined> {
    const client = await Dialogue.connect({
      port: gateway.explicit,
      certificate: gateway.certificate,
      tls: 'explicit',
    })
    await client.dialogue('< 220')
    await client.secure()
    await client.dialogue(`> USER ${user}`, '< 331')
    await client.send(`PASS ${password}`, 'PASS [secret]')
    await client.dialogue(`< ${code}`)
    client.close()
    await vi.waitUntil(() => gateway.log.some((e) => e.kind === 'login' && e.user === user && !seen.has(e)), patience)
    const login = gateway.log.find((e) => e.kind === 'login' && e.user === user && !seen.has(e))
    if (login) seen.add(login)
    return login?.kind === 'login' ? (login.outcome === 'ok' ? login.backend : login.reason) : undefined
  }
  const seen = new Set<unknown>()
  const learned = () => gateway.log.filter(({ kind }) => kind === 'passwordLearned').length

  test('the password that the old server accepts is the one that the gateway asks for afterwards', async () => {
    const { name, password } = old.user
    expect(await logIn(name, 'wrong', 530)).toMatch(/530/)
    expect(await logIn(name, password, 230)).toBe('old')
    await vi.waitUntil(() => learned() === 1, patience)

    await move('gateway')
    expect(await logIn(name, password, 230)).toBe('main')
    expect(await logIn(name, 'wrong', 530)).toBe('wrong password for partner acme')
    expect(await logIn(name, '', 530)).toBe('wrong password for partner acme')
    expect(await logIn('quarterly', password, 530)).toBe(
      'partner acme: no old server has ever accepted a password of quarterly while the gateway relayed it (auth.mode: learn)',
    )

    await move('legacy')
    expect(await logIn(name, password, 230)).toBe('old')
    await gateway.stop()
    expect(learned()).toBe(1)
    const files = readdirSync(join(gateway.state, 'passwords'))
    expect(files).toHaveLength(1)
    for (const file of files)
      expect(readFileSync(join(gateway.state, 'passwords', file), 'utf8')).not.toContain(password)
  })
})
