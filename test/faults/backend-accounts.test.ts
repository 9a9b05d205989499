import { appendFileSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { hashPassword } from '../../src/partners/password-hash.ts'
import { Dialogue } from '../support/dialogue.ts'
import { useFaultyPlace, whole } from '../support/faulty-place.ts'
import { startTestGateway, type TestGateway } from '../support/gateway-under-test.ts'
import { signal } from '../support/processes.ts'
import { sftpServersOf } from '../support/sftp-processes.ts'
import { makeKey, type Sshd } from '../support/sshd.ts'

/* Accounts of the backend that change while somebody is logged in. */

const place = useFaultyPlace(() => ({}))
const gateways: TestGateway[] = []
afterEach(async () => {
  for (const gateway of gateways.splice(0)) await gateway.stop()
})

async function greeted({ explicit, certificate }: TestGateway): Promise<Dialogue> {
  const client = await Dialogue.connect({ port: explicit, tls: 'explicit', certificate })
  await client.dialogue('< 220')
  await client.secure()
  return client
}

/** sshd reads its configuration anew; sessions go on. */
async function reload({ pid, log }: Sshd): Promise<void> {
  const listening = () => log().match(/Server listening on/g)?.length ?? 0
  const before = listening()
  signal(pid, 'SIGHUP')
  await vi.waitUntil(() => listening() > before, { timeout: 30_000 })
}

test('F36 the account is locked while its user is logged in: the session goes on, the next login gets 530, and works when it is unlocked', async () => {
  const { sshd, gateway } = place
  const configuration = join(sshd.folder, 'sshd_config')
  const before = readFileSync(configuration)
  const client = await place.begin()
  appendFileSync(configuration, `DenyUsers ${sshd.user.name}\n`)
  await reload(sshd)
  expect((await client.transfer('STOR f', whole)).code).toBe(226)
  place.holdsOnly(whole)
  const refused = await greeted(gateway)
  await refused.dialogue(`> USER ${sshd.user.name}`, '< 331')
  await refused.send(`PASS ${sshd.user.password}`, 'PASS [secret]')
  await refused.dialogue('< 530')
  refused.close()
  expect(gateway.log).toContainEqual(expect.objectContaining({ kind: 'backendConnection', outcome: 'auth' }))
  await place.goesOn(client)
  writeFileSync(configuration, before)
  await reload(sshd)
  await place.goesOn()
})

/** A gateway that holds the key of a partner. */
async function holdingKey(): Promise<TestGateway> {
  const { sshd } = place
  const main = { name: 'main', host: sshd.host, port: sshd.port, hostKeys: [sshd.fingerprints.ed25519] }
  const passwordHash = await hashPassword('right')
  const auth = { mode: 'local', passwordHash, sftp: { username: sshd.user.name, privateKey: sshd.privateKey } }
  const partner = { name: 'acme', match: { users: ['acme'] }, auth, root: sshd.home }
  writeFileSync(join(sshd.folder, 'acme.yaml'), JSON.stringify(partner))
  const partners = join(sshd.folder, '*.yaml')
  const gateway = await startTestGateway({
    settings: { partners, backends: [{ ...main, pool: { idle: '1s' } }] },
  })
  gateways.push(gateway)
  return gateway
}

test('F36 the key that the gateway holds is taken from the account: the session goes on, and the next login gets 421 and the operator the reason', async () => {
  const { sshd } = place
  const gateway = await holdingKey()
  const site = { port: gateway.explicit, tls: 'explicit', certificate: gateway.certificate } as const
  const client = await Dialogue.logIn(site, 'acme', 'right')
  const keys = join(sshd.folder, 'authorized_keys')
  await makeKey(sshd.folder, 'other', 'ed25519')
  copyFileSync(join(sshd.folder, 'other.pub'), keys)
  expect((await client.transfer('STOR f', whole)).code).toBe(226)
  expect(place.stored('f').equals(whole)).toBe(true)
  await client.dialogue('> QUIT', '< 221')
  // Until then its connection serves further logins.
  await vi.waitUntil(() => sftpServersOf(sshd).length === 0, { timeout: 30_000 })
  const refused = await greeted(gateway)
  await refused.dialogue('> USER acme', '< 331', '> PASS right', '< 421')
  expect(gateway.log).toContainEqual(expect.objectContaining({ kind: 'backendConnection', outcome: 'auth' }))
  const reason = expect.stringContaining('refuses the key of partner acme')
  expect(gateway.log).toContainEqual(expect.objectContaining({ kind: 'login', outcome: 'backend', reason }))
  copyFileSync(join(sshd.folder, 'login.pub'), keys)
  const next = await Dialogue.logIn(site, 'acme', 'right')
  expect((await next.transfer('STOR g', whole)).code).toBe(226)
  next.close()
})
