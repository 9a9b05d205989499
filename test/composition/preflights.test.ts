import { chmodSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { type Gateway, startGateway } from '../../src/gateway.ts'
import type { Event } from '../../src/observe/observer.ts'
import { faultsOf, hash, pin } from '../config/folder.ts'
import { namesIn } from '../support/fixtures.ts'
import { ground } from '../support/ground.ts'
import { silence } from '../support/hostile-sftp/misdeeds.ts'
import type { Fault } from '../support/hostile-sftp/scenario.ts'
import { startHostileServer, victim } from '../support/hostile-sftp/server.ts'
import { type Sshd, startSshd } from '../support/sshd.ts'

let sshd: Sshd
let gateway: Gateway | undefined
const events: Event[] = []
beforeEach(async () => {
  sshd = await startSshd()
  events.length = 0
})
afterEach(async () => {
  await gateway?.stop(0)
  gateway = undefined
  chmodSync(sshd.home, 0o755)
  await sshd.stop()
})

/** A gateway that tries its backend out with the account of its only partner. */
async function configure(more: object = {}): Promise<string> {
  const folder = mkdtempSync(join((await ground()).runFolder, 'preflight-'))
  mkdirSync(join(folder, 'partners.d'))
  const auth = { mode: 'local', passwordHash: hash, sftp: { username: sshd.user.name, privateKey: sshd.privateKey } }
  const partner = { name: 'acme', match: { users: ['acme'] }, auth, root: sshd.home }
  writeFileSync(join(folder, 'partners.d', 'acme.yaml'), JSON.stringify(partner))
  const backend = {
    name: 'main',
    host: sshd.host,
    port: sshd.port,
    hostKeys: [sshd.fingerprints.ed25519],
    preflight: 'acme',
  }
  const listeners = [{ name: 'explicit', address: '127.0.0.1', port: 0 }]
  const globals = {
    version: 1,
    backends: [backend],
    partners: 'partners.d/*.yaml',
    listeners,
    passive: { ports: 0 },
    admin: 'off',
  }
  const file = join(folder, 'gateway.yaml')
  writeFileSync(file, JSON.stringify({ ...globals, ...more }))
  return file
}
async function start(more?: object): Promise<string> {
  const file = await configure(more)
  await run(file)
  return file
}
async function run(file: string): Promise<void> {
  const metrics = { text: async () => '', contentType: 'text/plain' }
  gateway = await startGateway(await loadConfig(file, {}), (event) => events.push(event), metrics)
}
const told = () => events.filter((event) => event.kind === 'preflight')
const toldTimes = (times: number) => vi.waitFor(() => expect(told()).toHaveLength(times), { timeout: 20_000 })

test('a backend is tried out at start with the account of the partner that it names, and nothing is left there', async () => {
  const file = await start()
  await toldTimes(1)
  expect(told()).toEqual([{ kind: 'preflight', backend: 'main', partner: 'acme', outcome: 'works', found: [] }])
  expect(namesIn(sshd.home)).toEqual([])
  // It is the same backend after a reload that does not touch it, and another one after one that does.
  await gateway?.reload(await loadConfig(file, {}))
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), upload: { mode: 'in-place' } }))
  await gateway?.reload(await loadConfig(file, {}))
  await toldTimes(2)
  expect(told()[1]).toMatchObject({
    outcome: 'works',
    found: [expect.stringMatching(/^rename: uploads are not renamed here; .*a part of it is there$/)],
  })
  expect(namesIn(sshd.home)).toEqual([])
})

test('what does not work is said in words, and the gateway runs all the same', async () => {
  chmodSync(sshd.home, 0o555)
  await start()
  await toldTimes(1)
  expect(told()[0]).toMatchObject({
    outcome: 'fails',
    found: [expect.stringMatching(/^create: permission denied .*the right to make one there$/)],
  })
  expect(gateway?.listeners).toHaveLength(1)
})

test('a gateway that ends in the middle of it leaves nothing behind', async () => {
  await start()
  await gateway?.stop(0)
  gateway = undefined
  expect(namesIn(sshd.home)).toEqual([])
})

test('a gateway that ends does not wait for a backend that answers no longer', { timeout: 20_000 }, async () => {
  const faults: Fault[] = [{ on: 'write', times: Number.POSITIVE_INFINITY, does: silence }]
  const server = await startHostileServer({ faults })
  try {
    const file = await configure()
    const globals = JSON.parse(readFileSync(file, 'utf8'))
    const { host, port, fingerprint } = server
    const backends = [{ ...globals.backends[0], host, port, hostKeys: [fingerprint] }]
    writeFileSync(file, JSON.stringify({ ...globals, backends }))
    const acme = join(file, '..', 'partners.d', 'acme.yaml')
    const settings = JSON.parse(readFileSync(acme, 'utf8'))
    const auth = { ...settings.auth, sftp: { username: victim, password: 'x' } }
    writeFileSync(acme, JSON.stringify({ ...settings, root: '/', auth }))
    await run(file)
    await vi.waitFor(() => expect(server.asked).toContain('write'), { timeout: 10_000 })
    await gateway?.stop(0)
    gateway = undefined
  } finally {
    await server.stop()
  }
})

const partner = (name: string, auth: string, backend = 'main') =>
  `{ name: ${name}, match: { users: [${name}] }, backend: ${backend}, auth: { ${auth} } }`
test.each([
  ['none', 'there is no partner "none"'],
  ['elsewhere', 'partner "elsewhere" has backend other'],
  ['passed', 'partner "passed" is passed through, so the gateway has no account to try with; needs auth.mode: local'],
])('a backend cannot be tried out with partner %s', async (name, fault) => {
  const held = `mode: local, passwordHash: "${hash}", sftp: { username: a, password: b }`
  const one = (backend: string) => `  - { name: ${backend}, host: sftp.internal, hostKeys: ["${pin}"]`
  const globals = `version: 1\nbackends:\n${one('main')}, preflight: ${name} }\n${one('other')} }\n`
  const files = {
    'gateway.yaml': `${globals}defaults: { backend: main }\npartners: partners.d/*.yaml\n`,
    'partners.d/elsewhere.yaml': partner('elsewhere', held, 'other'),
    'partners.d/passed.yaml': partner('passed', 'mode: passthrough'),
  }
  expect(await faultsOf(files)).toEqual([expect.stringMatching(new RegExp(`backends\\[0\\].preflight: ${fault}$`))])
})
