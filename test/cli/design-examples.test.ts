import { mkdirSync, writeFileSync } from 'node:fs'
import { chown, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { hashPassword } from '../../src/partners/password-hash.ts'
import { testCertificate } from '../support/certificates.ts'
import { makeFixture, sha256 } from '../support/fixtures.ts'
import { program } from '../support/packages.ts'
import { runOk } from '../support/run.ts'
import { type Sshd, startSshd } from '../support/sshd.ts'
import { endPrograms, startProgram } from './program.ts'

let folder: string
let sshd: Sshd
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'design-examples-'))
  sshd = await startSshd()
})
afterAll(async () => {
  await endPrograms()
  await sshd.stop()
  await rm(folder, { recursive: true })
})

// The texts of the design, with free ports and what its placeholders stand for.
const gateway = (port: number, pin: string) => `version: 1
listeners:
  - { name: explicit, address: 127.0.0.1, port: 0, tls: explicit }
  - { name: implicit, address: 127.0.0.1, port: 0, tls: implicit }
passive: { ports: 0, advertise: 127.0.0.1 }
tls: { certificates: [{ cert: tls/cert.pem, key: tls/key.pem }] }
backends:
  - { name: main, host: 127.0.0.1, port: ${port}, hostKeys: ["${pin}"] }
admin: { address: 127.0.0.1, port: 0 }
state: { directory: state }
partners: partners.d/*.yaml
`
const partner = (hash: string, username: string, root: string) => `# partners.d/acme.yaml
name: acme
match: { users: [acme] }
auth:
  mode: local                      # passthrough | local | learn | certificate
  passwordHash: "${hash}"        # made by: ftps-gateway hash-password
  sftp: { username: ${username}, privateKey: keys/acme }
backend: main
root: ${root}   # the client's / on the backend
phase: gateway                     # legacy | gateway | notice | brownout | retired | auto
`

test('a partner with a password here and a key there works on both listeners, below its root', async () => {
  const root = join(sshd.home, 'acme')
  mkdirSync(root)
  await chown(root, sshd.user.uid, sshd.user.gid)
  for (const name of ['tls', 'partners.d', 'partners.d/keys']) await mkdir(join(folder, name))
  const { cert, key } = await testCertificate()
  writeFileSync(join(folder, 'tls/cert.pem'), cert)
  writeFileSync(join(folder, 'tls/key.pem'), key, { mode: 0o600 })
  await copyFile(sshd.privateKey, join(folder, 'partners.d/keys/acme'))
  await writeFile(join(folder, 'gateway.yaml'), gateway(sshd.port, sshd.fingerprints.rsa))
  const hash = await hashPassword('pass word')
  await writeFile(join(folder, 'partners.d/acme.yaml'), partner(hash, sshd.user.name, root))

  const served = startProgram(['--config', join(folder, 'gateway.yaml')])
  const port = async (listener: string) =>
    (await served.until(new RegExp(`"gateway\\.listening","listener":"${listener}".*?"port":(\\d+)`)))[1]
  const fixture = await makeFixture(folder, 16_385)
  for (const [scheme, listener] of [
    ['ftp', 'explicit'],
    ['ftps', 'implicit'],
  ] as const) {
    const url = `${scheme}://127.0.0.1:${await port(listener)}/${listener}.bin`
    const account = ['-sS', '--ssl-reqd', '--cacert', join(folder, 'tls/cert.pem'), '-u', 'acme:pass word']
    await runOk(program('curl'), [...account, '-T', fixture.path, url])
    expect(await sha256(join(root, `${listener}.bin`))).toBe(fixture.sha256)
    await runOk(program('curl'), [...account, '-o', join(folder, 'back'), url])
    expect(await sha256(join(folder, 'back'))).toBe(fixture.sha256)
  }
  expect(served.output()).not.toContain('pass word')
  expect(served.output()).not.toContain(await readFile(sshd.privateKey, 'utf8'))
  served.signal('SIGTERM')
  expect(await served.ended).toBe(0)
})
