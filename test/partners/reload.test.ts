import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { hashPassword } from '../../src/partners/password-hash.ts'
import { Dialogue } from '../support/dialogue.ts'
import { type GatewayProgram, startGatewayProgram } from '../support/gateway-program.ts'
import { type Sshd, startSshd } from '../support/sshd.ts'

let sshd: Sshd
let gateway: GatewayProgram
let passwordHash: string
const clients: Dialogue[] = []

beforeAll(async () => {
  sshd = await startSshd()
  passwordHash = await hashPassword('right')
  gateway = await startGatewayProgram({ sshd, partner: { name: 'acme', password: 'right' } })
}, 60_000)
afterAll(async () => {
  for (const client of clients) client.close()
  await gateway?.stop()
  await sshd?.stop()
})

const fileOf = (name: string) => join(gateway.folder, 'partners.d', `${name}.yaml`)

function writePartner(name: string, more: object): void {
  const auth = { mode: 'local', passwordHash, sftp: { username: sshd.user.name, privateKey: sshd.privateKey } }
  writeFileSync(fileOf(name), JSON.stringify({ name, match: { users: [name] }, auth, ...more }))
}

async function logIn(user: string): Promise<Dialogue> {
  const site = { port: gateway.port, tls: 'explicit', certificate: gateway.certificate } as const
  const client = await Dialogue.logIn(site, user, 'right')
  clients.push(client)
  return client
}

async function reload(event: 'config.reloaded' | 'config.refused'): Promise<void> {
  const count = gateway.events(event).length
  gateway.signal('SIGHUP')
  await gateway.told(event, count + 1)
}

test('sessions that are open keep what they started with, and new ones have what the files say now', async () => {
  const before = await logIn('acme')
  writePartner('acme', { limits: { readOnly: true, sessions: 2 }, root: sshd.home })
  writePartner('beta', {})
  await reload('config.reloaded')
  const after = await logIn('acme')
  await after.dialogue('> PWD', '< 257 "/"', '> MKD new', '< 550')
  await before.dialogue('> PWD', `< 257 "${sshd.home}"`, '> MKD old', '< 257', '> RMD old', '< 250')
  await (await logIn('beta')).dialogue('> MKD beta', '< 257', '> RMD beta', '< 250')
  // The session from before counts under the new limit.
  await expect(logIn('acme')).rejects.toThrow('421')
})

test('one broken partner file among others: the old set stays as a whole, and the log says where and why', async () => {
  writePartner('gamma', {})
  writePartner('beta', { limits: { readOnly: true } })
  writeFileSync(fileOf('delta'), 'name: delta\nmatch: { users: [delta, beta] }\nrot: /x\n')
  await reload('config.refused')
  const [refused] = gateway.events('config.refused').slice(-1)
  expect(JSON.stringify(refused)).toMatch(/delta\.yaml:3:1 rot: is not a known key \(did you mean \\"root\\"\?\)/)
  expect(JSON.stringify(refused)).toMatch(/user \\"beta\\" is in .*beta\.yaml/)
  await (await logIn('beta')).dialogue('> MKD beta', '< 257', '> RMD beta', '< 250')
  await expect(logIn('gamma')).rejects.toThrow('530')

  rmSync(fileOf('delta'))
  await reload('config.reloaded')
  await (await logIn('gamma')).dialogue('> NOOP', '< 200')
  await (await logIn('beta')).dialogue('> MKD beta', '< 550')
})

test('a partner whose file is gone keeps its sessions, and nobody new comes in', async () => {
  const open = await logIn('gamma')
  rmSync(fileOf('gamma'))
  await reload('config.reloaded')
  await open.dialogue('> MKD still-there', '< 257', '> RMD still-there', '< 250')
  await expect(logIn('gamma')).rejects.toThrow('530')
})
