import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { Dialogue } from '../support/dialogue.ts'
import { emptyFolder } from '../support/fixtures.ts'
import { freeRange } from '../support/free-port.ts'
import { startTestGateway, type TestGateway } from '../support/gateway-under-test.ts'
import { beginUpload } from '../support/held-upload.ts'
import { type PacketRules, packetRules } from '../support/iptables.ts'
import { program } from '../support/packages.ts'
import { runOk } from '../support/run.ts'
import { type Sshd, startSshd } from '../support/sshd.ts'

const half = randomBytes(4_000_000)
const whole = Buffer.concat([half, half])
const old = Buffer.from('what was there before')

let sshd: Sshd
let rules: PacketRules
let passive: { first: number; last: number }
let gateway: TestGateway
/** Gives up early. */
let impatient: TestGateway
beforeAll(async () => {
  rules = await packetRules()
  sshd = await startSshd()
  passive = await freeRange(20)
  gateway = await startTestGateway({
    sshd,
    settings: { passive: { ports: `${passive.first}-${passive.last}` } },
  })
  const main = { name: 'main', host: sshd.host, port: sshd.port, hostKeys: [sshd.fingerprints.ed25519] }
  const timeouts = { connect: '2s', login: '2s', request: '3s', reconnect: '2s' }
  impatient = await startTestGateway({
    settings: {
      backends: [{ ...main, timeouts }],
      timeouts: { dataStall: '2s', idle: '5s' },
    },
  })
})
afterEach(async () => {
  await rules.clear()
  emptyFolder(sshd.home)
})
afterAll(async () => {
  await rules?.clear()
  await gateway?.stop()
  await impatient?.stop()
  await sshd?.stop()
})

const logIn = ({ explicit, certificate }: TestGateway = gateway) =>
  Dialogue.logIn({ port: explicit, tls: 'explicit', certificate }, sshd.user.name, sshd.user.password)
const stored = (name: string) => readFileSync(join(sshd.home, name))
/** Names without those of what is or was being uploaded. */
const finished = () => readdirSync(sshd.home).filter((name) => !/^\..*\.part$/.test(name))
const dataPorts = () => `${passive.first}:${passive.last}`
const backend = () => [{ to: sshd.port }, { from: sshd.port }]
/** Bytes that the backend has of an upload. */
function sizeOfPart(name: string): number {
  const part = readdirSync(sshd.home).find((each) => each.startsWith(`.${name}.`))
  return part === undefined ? 0 : (statSync(join(sshd.home, part), { throwIfNoEntry: false })?.size ?? 0)
}

async function uploads(client: Dialogue, name: string): Promise<void> {
  expect((await client.transfer(`STOR ${name}`, whole)).code).toBe(226)
  expect(stored(name).equals(whole), name).toBe(true)
}

/** A file that an upload is to replace, and that is the login's. */
async function giveOld(client: Dialogue, name: string): Promise<void> {
  expect((await client.transfer(`STOR ${name}`, old)).code).toBe(226)
}

test.each([
  [
    'client',
    () => [
      { to: dataPorts(), probability: 0.05 },
      { from: dataPorts(), probability: 0.05 },
    ],
  ],
  ['backend', () => backend().map((packets) => ({ ...packets, probability: 0.05 }))],
])(
  'F54 one packet in twenty is lost on the way to the %s: uploads and downloads get 226 and have equal bytes',
  async (_, packets) => {
    const client = await logIn()
    await rules.drop(...packets())
    await uploads(client, 'f')
    const { code, content } = await client.transfer('RETR f')
    expect(code).toBe(226)
    expect(content.equals(whole)).toBe(true)
    expect(await rules.hits()).toBeGreaterThan(0)
    expect(readdirSync(sshd.home)).toEqual(['f'])
    await rules.clear()
    await uploads(await logIn(), 'g')
  },
)

test('F55 nothing passes to or from the backend for 10 s: the upload pauses, then gets 226 with equal bytes', async () => {
  const client = await logIn()
  const upload = await beginUpload(client, 'f')
  await upload.send(half)
  await rules.drop(...backend())
  const sent = upload.send(half)
  await sleep(10_000)
  expect(finished()).toEqual([])
  await rules.clear()
  await sent
  expect(await upload.finish()).toBe(226)
  expect(stored('f').equals(whole)).toBe(true)
  expect(readdirSync(sshd.home)).toEqual(['f'])
  await uploads(client, 'g')
})

test('F55 nothing passes to or from the backend any more: 451 in time, the old file stays, and the client goes on when the backend is back', async () => {
  const client = await logIn(impatient)
  await giveOld(client, 'f')
  const upload = await beginUpload(client, 'f')
  await upload.send(half)
  await vi.waitUntil(() => sizeOfPart('f') > 2_000_000, { timeout: 20_000 })
  await rules.drop(...backend())
  const sent = upload.send(half)
  expect((await client.reply()).code).toBe(451)
  upload.cut()
  await Promise.race([sent, sleep(100)])
  expect(stored('f').equals(old)).toBe(true)
  expect(finished()).toEqual(['f'])
  await rules.clear()
  const next = await logIn(impatient)
  const [size] = await next.dialogue('> SIZE f', '< 213')
  expect(Number(size?.lines[0]?.slice(4))).toBeGreaterThan(old.length)
  await uploads(next, 'f')
  expect(readdirSync(sshd.home)).toEqual(['f'])
})

test('F56 nothing passes on the data connection of a client any more: 426 after the stall, the old file stays, and the session goes on', async () => {
  const client = await logIn(impatient)
  await giveOld(client, 'f')
  const upload = await beginUpload(client, 'f')
  await upload.send(half)
  await rules.drop({ to: upload.dataPort }, { from: upload.dataPort })
  const sent = upload.send(half)
  await client.dialogue('< 426')
  upload.cut()
  await Promise.race([sent, sleep(100)])
  expect(stored('f').equals(old)).toBe(true)
  expect(finished()).toEqual(['f'])
  await rules.clear()
  await uploads(client, 'f')
  expect(readdirSync(sshd.home)).toEqual(['f'])
})

test('F56 nothing passes to or from a client any more: its session ends after the stall, the old file stays, and nothing of it is left at the gateway', async () => {
  const client = await logIn(impatient)
  await giveOld(client, 'f')
  const before = replies('f')
  const upload = await beginUpload(client, 'f')
  await upload.send(half)
  const ports = [impatient.explicit, upload.dataPort]
  await rules.drop(...ports.flatMap((port) => [{ to: port }, { from: port }]))
  const sent = upload.send(half)
  await vi.waitFor(() => expect(replies('f')).toEqual([...before, 426]), { timeout: 20_000 })
  await vi.waitFor(() => expect(sessions()).toBe(0), { timeout: 30_000 })
  client.close()
  upload.cut()
  await Promise.race([sent, sleep(100)])
  expect(stored('f').equals(old)).toBe(true)
  expect(finished()).toEqual(['f'])
  await rules.clear()
  await uploads(await logIn(impatient), 'f')
  expect(readdirSync(sshd.home)).toEqual(['f'])
})

test('F57 a NAT forgets the silent control connection in the middle of an upload that goes on and ends well: the file is stored as a whole', async () => {
  const client = await logIn(impatient)
  await giveOld(client, 'f')
  const before = replies('f')
  const upload = await beginUpload(client, 'f')
  await upload.send(half)
  // What keeps such a connection in the tables of NAT devices is on.
  const shown = await runOk(program('ss'), ['-Htno', `sport = :${impatient.explicit}`])
  expect(String(shown)).toMatch(/timer:\(keepalive,/)
  await rules.drop({ to: impatient.explicit }, { from: impatient.explicit })
  await upload.send(half)
  expect(stored('f').equals(old)).toBe(true)
  await upload.end()
  await vi.waitFor(() => expect(replies('f')).toEqual([...before, 226]), { timeout: 20_000 })
  expect(stored('f').equals(whole)).toBe(true)
  expect(readdirSync(sshd.home)).toEqual(['f'])
  client.close()
  await rules.clear()
  await uploads(await logIn(impatient), 'g')
})

/** Replies to uploads of a file, whether they have arrived or not. */
function replies(name: string): number[] {
  return impatient.log.flatMap((event) =>
    event.kind === 'command' && event.verb === 'STOR' && event.argument === name ? [event.code] : [],
  )
}

/** Sessions that are open. */
function sessions(): number {
  const count = (kind: string) => impatient.log.filter((event) => event.kind === kind).length
  return count('sessionOpened') - count('sessionClosed')
}
