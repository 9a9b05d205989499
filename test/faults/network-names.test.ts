import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { Dialogue } from '../support/dialogue.ts'
import { emptyFolder } from '../support/fixtures.ts'
import { type GatewayProgram, startGatewayProgram } from '../support/gateway-program.ts'
import { beginUpload } from '../support/held-upload.ts'
import { type Sshd, startSshd } from '../support/sshd.ts'
import { startTcpLink, type TcpLink } from '../support/tcp-link.ts'

/*
 * A gateway that has names of hosts of its own: in a mount namespace, where only it sees the test's /etc/hosts.
 */

const half = randomBytes(1_000_000)
const whole = Buffer.concat([half, half])
const name = 'sftp.test'

let sshd: Sshd
/** Another server, with other keys, on the same port of another address. */
let other: Sshd
let elsewhere: TcpLink
let gateway: GatewayProgram
let hosts: string
beforeAll(async () => {
  sshd = await startSshd()
  other = await startSshd()
  elsewhere = await startTcpLink(other, { host: '127.0.0.2', port: sshd.port })
  hosts = join(sshd.folder, 'hosts')
  const nameService = join(sshd.folder, 'nsswitch.conf')
  pointTo('127.0.0.1')
  writeFileSync(nameService, 'hosts: files\n')
  const script = `mount --bind ${hosts} /etc/hosts && mount --bind ${nameService} /etc/nsswitch.conf && exec "$@"`
  gateway = await startGatewayProgram({
    sshd,
    launcher: ['unshare', '--mount', 'sh', '-c', script, 'sh'],
    backend: { host: name, timeouts: { connect: '2s', login: '5s', reconnect: '2s' } },
  })
})
afterEach(() => {
  pointTo('127.0.0.1')
  emptyFolder(sshd.home)
})
afterAll(async () => {
  await gateway?.stop()
  await elsewhere?.stop()
  await other?.stop()
  await sshd?.stop()
})

/** Written into the file that is there: another one would not be seen. */
function pointTo(address: string | undefined): void {
  writeFileSync(hosts, address === undefined ? '# nothing\n' : `${address} ${name}\n`)
}

const connection = () => ({ port: gateway.port, tls: 'explicit' as const, certificate: gateway.certificate })
const logIn = () => Dialogue.logIn(connection(), sshd.user.name, sshd.user.password)
const stored = (file: string) => readFileSync(join(sshd.home, file))

async function refusedLogin(): Promise<void> {
  const client = await Dialogue.connect(connection())
  await client.dialogue('< 220')
  await client.secure()
  await client.dialogue(`> USER ${sshd.user.name}`, '< 331')
  await client.send(`PASS ${sshd.user.password}`, 'PASS [secret]')
  await client.dialogue('< 421')
}

test('F61 the name of the backend is not known any more: who is logged in gets 226, new logins get 421 and no 530, and they work when it is known again', async () => {
  const client = await logIn()
  const upload = await beginUpload(client, 'f')
  await upload.send(half)
  pointTo(undefined)
  await upload.send(half)
  expect(await upload.finish()).toBe(226)
  expect((await client.transfer('STOR g', whole)).code).toBe(226)
  await refusedLogin()
  await gateway.told('backend.connect_failed')
  expect(gateway.log()).toMatch(/getaddrinfo (ENOTFOUND|EAI_AGAIN) sftp\.test/)
  pointTo('127.0.0.1')
  const next = await logIn()
  expect((await next.transfer('STOR h', whole)).code).toBe(226)
  expect(readdirSync(sshd.home).sort()).toEqual(['f', 'g', 'h'])
  for (const file of ['f', 'g', 'h']) expect(stored(file).equals(whole), file).toBe(true)
})

test('F61 the name of the backend leads to another server: it gets neither password nor file, logins get 421, and they work when the name is right again', async () => {
  const client = await logIn()
  pointTo('127.0.0.2')
  expect((await client.transfer('STOR f', whole)).code).toBe(226)
  await refusedLogin()
  await gateway.told('backend.host_key')
  expect(sshd.log()).toContain('userauth-request for user')
  expect(other.log()).toContain('Connection from')
  expect(other.log()).not.toContain('userauth-request for user')
  expect(readdirSync(other.home)).toEqual([])
  pointTo('127.0.0.1')
  const next = await logIn()
  expect((await next.transfer('STOR g', whole)).code).toBe(226)
  expect(readdirSync(sshd.home).sort()).toEqual(['f', 'g'])
  for (const file of ['f', 'g']) expect(stored(file).equals(whole), file).toBe(true)
})
