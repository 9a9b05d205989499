import {
  appendFileSync,
  chownSync,
  copyFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { emptyFolder, type Fixture, makeFixture, sha256 } from '../support/fixtures.ts'
import { startTestGateway, type TestGateway } from '../support/gateway-under-test.ts'
import { program } from '../support/packages.ts'
import { run } from '../support/run.ts'
import { type Sshd, startSshd } from '../support/sshd.ts'
import { type BackendLine, startBackendLine } from './history/backend-line.ts'

/*
 * OpenSSH behind a line that is cut in the middle of transfers, and files that change under them. What the client sees of it
 * is a pause, or 451.
 */

const gigabyte = 1024 ** 3
/** A busy machine takes its time for a gigabyte. */
const largeMs = 300_000
const cuts = 20

let sshd: Sshd
let line: BackendLine
let gateway: TestGateway
let impatient: TestGateway
let striped: TestGateway
let large: Fixture
let small: Fixture
let fetched: string

beforeAll(async () => {
  sshd = await startSshd()
  line = await startBackendLine(sshd.port)
  fetched = join(sshd.folder, 'fetched')
  large = await makeFixture(sshd.folder, gigabyte)
  small = await makeFixture(sshd.folder, 20_000_000)
  const main = { name: 'main', host: '127.0.0.1', port: line.port, hostKeys: [sshd.fingerprints.ed25519] }
  const start = (reconnect: string, stripe = 1) =>
    startTestGateway({ settings: { backends: [{ ...main, stripe, timeouts: { reconnect } }] } })
  gateway = await start('30s')
  impatient = await start('1s')
  striped = await start('30s', 4)
})
afterEach(() => {
  line.lead(sshd.port)
  line.open(true)
  emptyFolder(sshd.home)
  rmSync(fetched, { force: true })
})
afterAll(async () => {
  await gateway?.stop()
  await impatient?.stop()
  await striped?.stop()
  await line?.stop()
  await sshd?.stop()
})

const stored = (name: string) => join(sshd.home, name)

function give(name: string, file: Fixture): void {
  copyFileSync(file.path, stored(name))
  chownSync(stored(name), sshd.user.uid, sshd.user.gid)
  // SFTP tells times in seconds, and a change within the same one is none.
  utimesSync(stored(name), 1_000_000_000, 1_000_000_000)
}

/** Bytes in a file; 0 where there is none. */
function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

/** Of what is being uploaded under a name. */
function part(name: string): string {
  return stored(readdirSync(sshd.home).find((each) => each.startsWith(`.${name}.`)) ?? 'nothing')
}

/** One transfer by curl; `settings` are lines of its configuration file. */
function curl(through: TestGateway, name: string, ...settings: string[]) {
  const { name: user, password } = sshd.user
  const url = `ftp://127.0.0.1:${through.explicit}/${name}`
  const how = [`url = "${url}"`, `user = "${user}:${password}"`, `cacert = "${through.certificate}"`, 'ssl-reqd']
  const input = [...how, 'silent', 'show-error', 'verbose', ...settings].join('\n')
  return run(program('curl'), ['-q', '--config', '-'], { input, secret: password, timeoutMs: 120_000 })
}
const up = (file: Fixture) => `upload-file = "${file.path}"`
const down = () => `output = "${fetched}"`
const slowly = 'limit-rate = 10M'

/** Does each of the actions when a file has grown past its place. */
async function whenPast(file: () => string, places: readonly number[], action: () => void): Promise<void> {
  for (const place of places) {
    await vi.waitUntil(() => sizeOf(file()) > place, { timeout: 60_000, interval: 5 })
    action()
  }
}

/** Replies to transfers of a file; curl does not wait for them when its data connection has failed. */
function replies(through: TestGateway, name: string): number[] {
  return through.log.flatMap((event) =>
    event.kind === 'command' && /^(STOR|RETR|APPE)$/.test(event.verb) && event.argument === name ? [event.code] : [],
  )
}
const replied = (through: TestGateway, name: string, ...codes: number[]) =>
  vi.waitFor(() => expect(replies(through, name)).toEqual(codes), { timeout: 10_000 })

const renewals = (of: TestGateway) =>
  of.log.flatMap((event) => (event.kind === 'backendRenewed' ? [event.outcome] : []))

const places = Array.from({ length: cuts }, (_, i) => Math.floor(((i + 0.5) * gigabyte) / cuts))

test('an upload of 1 GiB is stored whole although the backend is lost 20 times', { timeout: largeMs }, async () => {
  const before = renewals(gateway).length
  const [{ code, stderr }] = await Promise.all([
    curl(gateway, 'large', up(large)),
    whenPast(() => part('large'), places, line.cut),
  ])
  expect(stderr.toString()).toContain('< 226 ')
  expect(code).toBe(0)
  expect(await sha256(stored('large'))).toBe(large.sha256)
  expect(readdirSync(sshd.home)).toEqual(['large'])
  expect(renewals(gateway).slice(before)).toEqual(Array(cuts).fill('ok'))
})

test('a download of 1 GiB comes whole although the backend is lost 20 times', { timeout: largeMs }, async () => {
  give('large', large)
  const before = renewals(gateway).length
  const [{ code, stderr }] = await Promise.all([
    curl(gateway, 'large', down()),
    whenPast(() => fetched, places, line.cut),
  ])
  expect(stderr.toString()).toContain('< 226 ')
  expect(code).toBe(0)
  expect(await sha256(fetched)).toBe(large.sha256)
  expect(renewals(gateway).slice(before)).toEqual(Array(cuts).fill('ok'))
})

describe('over four connections', () => {
  const fifth = gigabyte / 5
  /** One that is not the login's own, that one, and all. */
  const losses: readonly [place: number, lose: () => void][] = [
    [fifth, () => line.cutOne(-1)],
    [2 * fifth, () => line.cutOne(0)],
    [3 * fifth, () => line.cut()],
    [4 * fifth, () => line.cutOne(1)],
  ]
  async function lose(file: () => string): Promise<void> {
    const widest = { connections: 0 }
    const watch = setInterval(() => {
      widest.connections = Math.max(widest.connections, line.connections)
    }, 5)
    try {
      for (const [place, action] of losses) await whenPast(file, [place], action)
    } finally {
      clearInterval(watch)
    }
    expect(widest.connections).toBeGreaterThanOrEqual(4)
  }

  test('an upload of 1 GiB is stored whole although one of them is lost, or all are', {
    timeout: largeMs,
  }, async () => {
    const [{ code, stderr }] = await Promise.all([curl(striped, 'wide', up(large)), lose(() => part('wide'))])
    expect(stderr.toString()).toContain('< 226 ')
    expect(code).toBe(0)
    expect(await sha256(stored('wide'))).toBe(large.sha256)
    expect(readdirSync(sshd.home)).toEqual(['wide'])
  })

  test('a download of 1 GiB comes whole although one of them is lost, or all are', { timeout: largeMs }, async () => {
    give('wide', large)
    const [{ code, stderr }] = await Promise.all([curl(striped, 'wide', down()), lose(() => fetched)])
    expect(stderr.toString()).toContain('< 226 ')
    expect(code).toBe(0)
    expect(await sha256(fetched)).toBe(large.sha256)
  })
})

const outage = () => {
  line.open(false)
  line.cut()
}

test('F22 the backend is away for a while: an upload and a download wait, and are whole', async () => {
  give('given', small)
  const away = async (file: () => string) => {
    await whenPast(file, [2_000_000], outage)
    await sleep(2_000)
    line.open(true)
  }
  const [upload] = await Promise.all([curl(gateway, 'new', up(small), slowly), away(() => part('new'))])
  expect(upload.code).toBe(0)
  expect(await sha256(stored('new'))).toBe(small.sha256)
  const [download] = await Promise.all([curl(gateway, 'given', down(), slowly), away(() => fetched)])
  expect(download.code).toBe(0)
  expect(await sha256(fetched)).toBe(small.sha256)
})

test('an upload whose backend stays away gets 451, and its client goes on later where it was', async () => {
  await Promise.all([curl(impatient, 'kept', up(small), slowly), whenPast(() => part('kept'), [2_000_000], outage)])
  await replied(impatient, 'kept', 451)
  line.open(true)
  const resumed = await curl(impatient, 'kept', up(small), 'continue-at = "-"')
  expect(resumed.stderr.toString()).toMatch(/< 213 [1-9]\d{6,}/)
  expect(resumed.code).toBe(0)
  expect(await sha256(stored('kept'))).toBe(small.sha256)
  expect(readdirSync(sshd.home)).toEqual(['kept'])
})

test('F41 a file changes while the backend is away in the middle of its download: 451, and the next download is whole', async () => {
  give('changed', small)
  const change = async () => {
    await whenPast(() => fetched, [2_000_000], outage)
    utimesSync(stored('changed'), 1, 1)
    line.open(true)
  }
  const [{ code }] = await Promise.all([curl(gateway, 'changed', down(), slowly), change()])
  await replied(gateway, 'changed', 451)
  expect(code).not.toBe(0)
  expect((await curl(gateway, 'changed', down())).code).toBe(0)
  expect(await sha256(fetched)).toBe(small.sha256)
})

test.each([
  ['touched', () => utimesSync(stored('given'), 1, 1)],
  ['written to', () => appendFileSync(stored('given'), 'more')],
  ['cut', () => truncateSync(stored('given'), 19_000_000)],
])('F41 a file is %s while it is downloaded: 451, and the next download is whole', async (_, change) => {
  give('given', small)
  const before = replies(gateway, 'given')
  await Promise.all([curl(gateway, 'given', down(), slowly), whenPast(() => fetched, [2_000_000], change)])
  await replied(gateway, 'given', ...before, 451)
  expect((await curl(gateway, 'given', down())).code).toBe(0)
  expect(await sha256(fetched)).toBe(await sha256(stored('given')))
})

test('an upload does not go on where bytes are gone that the backend had acknowledged', async () => {
  give('robbed', small)
  const other = await makeFixture(sshd.folder, 20_000_001)
  const lose = async () => {
    await whenPast(() => part('robbed'), [4_000_000], outage)
    truncateSync(part('robbed'), 1_000_000)
    line.open(true)
  }
  const [{ code }] = await Promise.all([curl(gateway, 'robbed', up(other), slowly), lose()])
  await replied(gateway, 'robbed', 451)
  expect(code).not.toBe(0)
  expect(await sha256(stored('robbed'))).toBe(small.sha256)
})

test('F35 the host key is another one in the middle of an upload: 451, nothing is sent there, and the right server is used again', async () => {
  const other = await startSshd()
  try {
    const swap = async () => {
      await whenPast(
        () => part('astray'),
        [2_000_000],
        () => line.lead(other.port),
      )
      line.cut()
    }
    await Promise.all([curl(impatient, 'astray', up(small), slowly), swap()])
    await replied(impatient, 'astray', 451)
    expect(readdirSync(other.home)).toEqual([])
    const told = impatient.log.filter((event) => event.kind === 'backendConnection' && event.outcome === 'host_key')
    expect(told.length).toBeGreaterThan(0)
    expect(readdirSync(sshd.home)).not.toContain('astray')
    line.lead(sshd.port)
    expect((await curl(impatient, 'astray', up(small))).code).toBe(0)
    expect(await sha256(stored('astray'))).toBe(small.sha256)
    expect(readdirSync(sshd.home)).toEqual(['astray'])
  } finally {
    await other.stop()
  }
})
