import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { Dialogue } from '../support/dialogue.ts'
import { emptyFolder } from '../support/fixtures.ts'
import { startTestGateway, type TestGateway } from '../support/gateway-under-test.ts'
import { beginUpload } from '../support/held-upload.ts'
import { type Sshd, startSshd } from '../support/sshd.ts'
import { startTcpLink, type TcpLink } from '../support/tcp-link.ts'

const half = randomBytes(8_000_000)
const whole = Buffer.concat([half, half])
const mebibyte = 1024 * 1024

let sshd: Sshd
let link: TcpLink
let gateway: TestGateway
beforeAll(async () => {
  sshd = await startSshd()
})
afterEach(async () => {
  await gateway?.stop()
  await link?.stop()
  emptyFolder(sshd.home)
})
afterAll(async () => {
  await sshd?.stop()
})

/** A gateway whose way to the backend is the link. */
async function start(options: Parameters<typeof startTcpLink>[1], reconnect = '30s'): Promise<void> {
  link = await startTcpLink(sshd, options)
  const main = { name: 'main', host: '127.0.0.1', port: link.port, hostKeys: [sshd.fingerprints.ed25519] }
  gateway = await startTestGateway({ settings: { backends: [{ ...main, timeouts: { reconnect } }] } })
}

const logIn = () =>
  Dialogue.logIn(
    { port: gateway.explicit, tls: 'explicit', certificate: gateway.certificate },
    sshd.user.name,
    sshd.user.password,
  )
const stored = (name: string) => readFileSync(join(sshd.home, name))
const renewals = () => gateway.log.flatMap((event) => (event.kind === 'backendRenewed' ? [event.outcome] : []))

/** Bytes that the backend has of an upload. */
function sizeOfPart(name: string): number {
  const part = readdirSync(sshd.home).find((each) => each.startsWith(`.${name}.`))
  return part === undefined ? 0 : (statSync(join(sshd.home, part), { throwIfNoEntry: false })?.size ?? 0)
}

test('F58 the backend is 300 ms away: an upload and a download get 226 with equal bytes, and the line is kept full', async () => {
  await start({ delayMs: 150 })
  const client = await logIn()
  expect((await client.transfer('STOR f', whole)).code).toBe(226)
  expect(stored('f').equals(whole)).toBe(true)
  const { code, content } = await client.transfer('RETR f')
  expect(code).toBe(226)
  expect(content.equals(whole)).toBe(true)
  // OpenSSH takes 2 MiB a round trip; one request at a time would be 255 KiB.
  expect(link.peak.up).toBeGreaterThan(1.5 * mebibyte)
  expect(link.peak.down).toBeGreaterThan(1.5 * mebibyte)
  expect(readdirSync(sshd.home)).toEqual(['f'])
})

test.each(['up', 'down'] as const)(
  'F60 a bit is turned over on the way %s to the backend: SSH notices, and the upload gets 226 with equal bytes',
  async (direction) => {
    await start({})
    const client = await logIn()
    const upload = await beginUpload(client, 'f')
    await upload.send(half)
    await vi.waitUntil(() => sizeOfPart('f') > 4_000_000, { timeout: 20_000, interval: 5 })
    link.flip(direction)
    await upload.send(half)
    expect(await upload.finish()).toBe(226)
    expect(link.flips).toBe(1)
    expect(stored('f').equals(whole)).toBe(true)
    expect(renewals()).toEqual(['ok'])
    expect(readdirSync(sshd.home)).toEqual(['f'])
  },
)

test('F60 bits are turned over again and again on the way to the backend: 451, the old file stays, and the next upload works', async () => {
  await start({ spared: 20_000 }, '2s')
  const client = await logIn()
  expect((await client.transfer('STOR f', half)).code).toBe(226)
  const upload = await beginUpload(client, 'f')
  link.flip('up', true)
  const sent = upload.send(whole)
  await client.dialogue('< 451')
  upload.cut()
  await Promise.race([sent, new Promise(setImmediate)])
  expect(link.flips).toBeGreaterThan(1)
  expect(renewals().length).toBeGreaterThan(1)
  expect(stored('f').equals(half)).toBe(true)
  expect(readdirSync(sshd.home).filter((name) => !name.endsWith('.part'))).toEqual(['f'])
  link.calm()
  const next = await logIn()
  expect((await next.transfer('STOR f', whole)).code).toBe(226)
  expect(stored('f').equals(whole)).toBe(true)
  expect(readdirSync(sshd.home)).toEqual(['f'])
})
