import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type CertificateAuthority, type Issued, makeAuthority } from '../support/certificate-authority.ts'
import { startTestGateway, type TestGateway } from '../support/gateway-under-test.ts'
import { program } from '../support/packages.ts'
import { run } from '../support/run.ts'
import { type Sshd, startSshd } from '../support/sshd.ts'

let sshd: Sshd
let gateway: TestGateway
let authority: CertificateAuthority
let acme: Issued
let other: Issued
beforeAll(async () => {
  sshd = await startSshd()
  authority = await makeAuthority(join(sshd.folder, 'authority'))
  acme = await authority.issue('acme')
  other = await authority.issue('other')
  const crl = await authority.revoke()
  const partners = join(sshd.folder, 'partners')
  mkdirSync(partners)
  const { name, password } = sshd.user
  const held = { mode: 'certificate', sftp: { username: name, password } }
  const file = { name: 'acme', match: { users: ['acme-in'], certificates: ['CN=acme'] }, auth: held }
  writeFileSync(join(partners, 'acme.yaml'), JSON.stringify(file))
  const asking = { clientCertificates: 'request', clientCa: authority.ca, clientCrl: crl }
  const listeners = [{ name: 'explicit', address: '127.0.0.1', port: 0, ...asking }]
  gateway = await startTestGateway({ sshd, settings: { listeners, partners: join(partners, '*.yaml') } })
})
afterAll(async () => {
  await gateway?.stop()
  await sshd?.stop()
})

/** Lists the login's home with curl. */
function list(issued: Issued) {
  const how = ['-sv', '--ssl-reqd', '--cacert', gateway.certificate, '--cert', issued.cert, '--key', issued.key]
  return run(program('curl'), [...how, '-u', 'acme-in:nothing', `ftp://localhost:${gateway.explicit}/`])
}

test('curl with the certificate of a partner is in without a password, to a real server', async () => {
  const { code, stderr } = await list(acme)
  expect(stderr).toContain('< 232 ')
  expect(stderr).toContain('< 226 ')
  expect(code).toBe(0)
})

test('with another one it is refused', async () => {
  const { code, stderr } = await list(other)
  expect(stderr).toContain('< 530 Login incorrect.')
  expect(code).toBe(67)
})
