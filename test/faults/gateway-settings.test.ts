import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { copyFileSync, readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type Issued, makeAuthority } from '../support/certificate-authority.ts'
import { Dialogue } from '../support/dialogue.ts'
import { makeFixture, sha256 } from '../support/fixtures.ts'
import { freeRange } from '../support/free-port.ts'
import { type GatewayProgram, startGatewayProgram } from '../support/gateway-program.ts'
import { beginUpload } from '../support/held-upload.ts'
import { program } from '../support/packages.ts'
import { run } from '../support/run.ts'
import { type Sshd, startSshd } from '../support/sshd.ts'

const half = randomBytes(1_000_000)
const whole = Buffer.concat([half, half])

let sshd: Sshd
let gateway: GatewayProgram
beforeEach(async () => {
  sshd = await startSshd()
})
afterEach(async () => {
  await gateway?.stop()
  await sshd?.stop()
})

const logIn = (certificate = gateway.certificate) =>
  Dialogue.logIn({ port: gateway.port, tls: 'explicit', certificate }, sshd.user.name, sshd.user.password)
const stored = (name: string) => readFileSync(join(sshd.home, name))

test('F51 SIGHUP with a configuration that is faulty: the old one stays in force, the metric says so, and uploads get 226', async () => {
  const limits = { sessions: 3, sessionsPerAddress: 3 }
  gateway = await startGatewayProgram({ sshd, settings: { limits } })
  const successful = () => gateway.metric('ftps_gateway_config_last_reload_successful')
  const client = await logIn()
  const upload = await beginUpload(client, 'f')
  await upload.send(half)
  gateway.configure({ limits: { sessions: 'many' } })
  gateway.signal('SIGHUP')
  await gateway.told('config.refused')
  expect(gateway.events('config.refused')[0]?.['message']).toMatch(/gateway\.yaml:1:\d+ limits\.sessions: /)
  expect(await successful()).toBe(0)
  await upload.send(half)
  expect(await upload.finish()).toBe(226)
  const next = await logIn()
  expect((await next.transfer('STOR g', whole)).code).toBe(226)
  gateway.configure({ limits: { sessions: 2, sessionsPerAddress: 2 } })
  gateway.signal('SIGHUP')
  await gateway.told('config.reloaded')
  expect(await successful()).toBe(1)
  const third = await Dialogue.connect({ port: gateway.port, tls: 'explicit', certificate: gateway.certificate })
  await third.dialogue('< 421')
  expect(readdirSync(sshd.home).sort()).toEqual(['f', 'g'])
  for (const name of ['f', 'g']) expect(stored(name).equals(whole), name).toBe(true)
})

test('F52 the certificate has expired: strict clients refuse it and store nothing, the metric says since when, and a new one on disk serves them without a restart', async () => {
  const authority = await makeAuthority(join(sshd.folder, 'ca'))
  const names = ['127.0.0.1']
  const [expired, fresh] = [
    await authority.issue('gateway', { names, days: -1 }),
    await authority.issue('gateway', { names, days: 20 }),
  ]
  const shown: Issued = { cert: join(sshd.folder, 'cert.pem'), key: join(sshd.folder, 'key.pem') }
  const show = ({ cert, key }: Issued) => {
    copyFileSync(key, shown.key)
    copyFileSync(cert, shown.cert)
  }
  show(expired)
  gateway = await startGatewayProgram({ sshd, settings: { tls: { certificates: [shown] } } })
  const expiry = () => gateway.metric('ftps_gateway_tls_certificate_not_after_timestamp_seconds{listener="explicit"}')
  expect(await expiry()).toBeLessThan(Date.now() / 1000)
  expect(gateway.events('tls.certificate')).toMatchObject([
    { level: 'error', message: expect.stringContaining('has expired') },
  ])
  const file = await makeFixture(sshd.folder, 1_000_000)
  const upload = async (...settings: string[]) => {
    const { name, password } = sshd.user
    const how = [`url = "ftp://127.0.0.1:${gateway.port}/f"`, `user = "${name}:${password}"`, 'ssl-reqd']
    const input = [...how, `upload-file = "${file.path}"`, 'silent', 'show-error', ...settings].join('\n')
    return run(program('curl'), ['-q', '--config', '-'], { input, secret: password })
  }
  const strict = `cacert = "${authority.ca}"`
  const refused = await upload(strict)
  expect([refused.code, refused.stderr]).toEqual([60, expect.stringContaining('certificate has expired')])
  expect(readdirSync(sshd.home)).toEqual([])
  // Clients that never look at certificates are served.
  expect((await upload('insecure')).code).toBe(0)
  show(fresh)
  await vi.waitFor(async () => expect(await upload(strict)).toMatchObject({ code: 0, stderr: '' }), { timeout: 20_000 })
  expect(await sha256(join(sshd.home, 'f'))).toBe(file.sha256)
  expect(readdirSync(sshd.home)).toEqual(['f'])
  await gateway.told('tls.certificate', 2)
  expect(gateway.events('tls.certificate').at(-1)).toMatchObject({ level: 'warn' })
  expect(await expiry()).toBeGreaterThan(Date.now() / 1000 + 19 * 86_400)
})

test('F53 another program has all passive ports but one: each upload gets that one and 226, and without it 425 and the old file stays', async () => {
  const { first, last } = await freeRange(4)
  const others = [first, first + 1, last].map((port) => createServer().listen(port, '127.0.0.1'))
  await Promise.all(others.map((other) => once(other, 'listening')))
  try {
    gateway = await startGatewayProgram({ sshd, settings: { passive: { ports: `${first}-${last}` } } })
    const client = await logIn()
    for (let i = 0; i < 10; i++) {
      const upload = await beginUpload(client, 'f')
      expect(upload.dataPort).toBe(first + 2)
      await upload.send(whole)
      expect(await upload.finish()).toBe(226)
    }
    const upload = await beginUpload(client, 'g')
    const other = await logIn()
    const taken = createServer().listen(first + 2, '127.0.0.1')
    others.push(taken)
    await once(taken, 'listening')
    await other.dialogue('> EPSV', '< 425', '> STOR f', '< 425')
    taken.close()
    await once(taken, 'close')
    await upload.send(whole)
    expect(await upload.finish()).toBe(226)
    expect((await other.transfer('STOR h', whole)).code).toBe(226)
    expect(readdirSync(sshd.home).sort()).toEqual(['f', 'g', 'h'])
    for (const name of ['f', 'g', 'h']) expect(stored(name).equals(whole), name).toBe(true)
  } finally {
    for (const other of others) other.close()
  }
})
