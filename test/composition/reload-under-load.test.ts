import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { hashPassword } from '../../src/partners/password-hash.ts'
import { curl } from '../clients/curl.ts'
import { ftplib } from '../clients/ftplib.ts'
import { lftp } from '../clients/lftp.ts'
import { type Census, censusOptions, descriptorCount, takeCensus } from '../support/census.ts'
import { Dialogue } from '../support/dialogue.ts'
import { type Fixture, makeFixture, sha256 } from '../support/fixtures.ts'
import { freePort } from '../support/free-port.ts'
import { type GatewayProgram, startGatewayProgram } from '../support/gateway-program.ts'
import { type JobRun, repeat } from '../support/jobs.ts'
import { pacedDownload, pacedUpload } from '../support/paced-transfers.ts'
import { type RenewedCertificate, renewedCertificate } from '../support/renewed-certificate.ts'
import { run, runOk } from '../support/run.ts'
import { type Sshd, startSshd } from '../support/sshd.ts'

/*
 * A hundred reloads, each with other partners, another certificate, other limits, another log level and a listener more or less,
 * while jobs of three clients go on and on, an upload and a download of 200 MB last through all of them, and sessions stay open.
 */

const reloads = Number(process.env['RELOADS'] ?? 100)
const warmUp = 20
const longBytes = 200_000_000

let sshd: Sshd
let gateway: GatewayProgram
let certificate: RenewedCertificate
let work: string
let long: Fixture
let passwordHash: string
let extra: number
let census: string

beforeAll(async () => {
  sshd = await startSshd()
  work = join(sshd.folder, 'work')
  census = join(work, 'census')
  mkdirSync(work)
  certificate = await renewedCertificate(join(work, 'tls'))
  long = await makeFixture(work, longBytes)
  await runOk('install', ['-o', sshd.user.name, '-m', '644', long.path, join(sshd.home, 'long-down')])
  passwordHash = await hashPassword('right')
  extra = await freePort()
  gateway = await startGatewayProgram({
    sshd,
    settings: settings(0),
    backend: { pool: { idle: '1s' } },
    partner: { name: 'acme', password: 'right' },
    ...censusOptions(census),
  })
}, 120_000)
afterAll(async () => {
  await gateway?.stop()
  await sshd?.stop()
})

/** The configuration of a round; round 0 is that of the start. */
function settings(round: number): Record<string, unknown> {
  const main = { name: 'main', address: '127.0.0.1', port: 0, tls: 'explicit' }
  return {
    listeners: [main, ...(round % 2 === 1 ? [{ ...main, name: 'extra', port: extra }] : [])],
    tls: { certificates: [{ cert: certificate.cert, key: certificate.key }] },
    limits: { sessionsPerAddress: 1000 + round },
    logging: { level: round % 10 === 5 ? 'debug' : 'info' },
  }
}

/** Six names, of which each round some come, some go, and some change. */
function changePartners(round: number): void {
  const auth = { mode: 'local', passwordHash, sftp: { username: sshd.user.name, privateKey: sshd.privateKey } }
  for (let i = 0; i < 6; i++) {
    const file = join(gateway.folder, 'partners.d', `other-${i}.yaml`)
    rmSync(file, { force: true })
    if ((round + i) % 3 === 0) continue
    const partner = { name: `other-${i}`, match: { users: [`other-${i}`] }, auth, limits: { sessions: round + 1 } }
    writeFileSync(`${file}.new`, JSON.stringify(partner))
    renameSync(`${file}.new`, file)
  }
}

const reloadedAt = () => gateway.metric('ftps_gateway_config_last_reload_success_timestamp_seconds')

async function reload(round: number): Promise<void> {
  const before = await reloadedAt()
  await certificate.renew()
  changePartners(round)
  gateway.configure(settings(round))
  gateway.signal('SIGHUP')
  await vi.waitUntil(async () => (await reloadedAt()) !== before, { timeout: 30_000, interval: 20 })
  expect(await gateway.metric('ftps_gateway_config_last_reload_successful')).toBe(1)
}

function session(user: string, password: string, port = gateway.port): Promise<Dialogue> {
  return Dialogue.logIn({ port, tls: 'explicit', certificate: certificate.authority }, user, password)
}

/** Once nobody is there any more, and no connection waits for the next login. */
async function quiet(): Promise<Census> {
  await vi.waitUntil(
    async () => {
      const text = await gateway.scrape()
      const open = text.match(/^ftps_gateway_(control_connections|backend_connections)\{.*\} [1-9]\d*$/gm)
      return open === null
    },
    { timeout: 60_000, interval: 200 },
  )
  // The last sockets close a moment after they are counted out.
  let last = -1
  const settled = () => {
    const before = last
    last = descriptorCount(gateway.pid)
    return last === before
  }
  await vi.waitUntil(settled, { timeout: 30_000, interval: 1_000 })
  return takeCensus(gateway, census)
}

function jobs(runs: JobRun[], stage: () => string) {
  const site = {
    host: '127.0.0.1',
    port: gateway.port,
    mode: 'explicit',
    data: 'passive',
    certificate: certificate.authority,
  } as const
  const own = { ...site, user: sshd.user.name, password: sshd.user.password }
  const pooled = { ...site, user: 'acme', password: 'right' }
  const all = [
    { partner: 'own', client: curl, site: { ...own, tls: '1.3' } },
    { partner: 'own', client: lftp, site: { ...own, tls: '1.2' } },
    { partner: 'acme', client: ftplib('ftplib', false), site: { ...pooled, tls: '1.3' } },
    { partner: 'acme', client: { ...curl, name: 'curl pooled' }, site: { ...pooled, tls: '1.2' } },
  ] as const
  return all.map((job) => {
    const folder = join(work, job.client.name.replaceAll(' ', '-'))
    mkdirSync(folder, { recursive: true })
    return repeat({ ...job, folder }, stage, runs)
  })
}

async function warm(): Promise<Census> {
  const runs: JobRun[] = []
  let round = 0
  const going = jobs(runs, () => String(round))
  for (round = 1; round <= warmUp; round++) await reload(round)
  for (const job of going) await job.stop()
  return quiet()
}

test('a hundred reloads under load lose no session, spoil no file and leave nothing behind', {
  timeout: 900_000,
}, async () => {
  const before = await warm()

  const account = ['-u', `${sshd.user.name}:${sshd.user.password}`, '--ssl-reqd', '--cacert', certificate.authority]
  const url = (name: string) => `ftp://127.0.0.1:${gateway.port}/${name}`
  const upload = pacedUpload([...account, url('long-up')], long)
  const download = pacedDownload([...account, url('long-down')])
  const runs: JobRun[] = []
  let round = warmUp
  const going = jobs(runs, () => String(round))
  const open: Dialogue[] = [await session('acme', 'right'), await session(sshd.user.name, sshd.user.password)]
  try {
    for (round = warmUp + 1; round <= warmUp + reloads; round++) {
      await reload(round)
      await Promise.all([upload.pass(longBytes / reloads), download.pass(longBytes / reloads)])
      // One that comes in through the listener that is gone in the next round.
      if (round === warmUp + 1) open.push(await session('acme', 'right', extra))
      for (const client of open) await client.dialogue('> NOOP', '< 200')
    }
    // The listener is there in every other round, and not in this one.
    await expect(session('acme', 'right', extra)).rejects.toThrow('ECONNREFUSED')
    for (const client of open) {
      expect((await client.transfer('STOR open', Buffer.from('still here'))).code).toBe(226)
      await client.dialogue('> QUIT', '< 221')
    }
    const [up, down] = await Promise.all([upload.finish(), download.finish()])
    expect([up.code, up.said, down.code, down.said]).toEqual([0, '', 0, ''])
    expect(down.sha256).toBe(long.sha256)
    expect(await sha256(join(sshd.home, 'long-up'))).toBe(long.sha256)
  } finally {
    upload.stop()
    download.stop()
    for (const client of open) client.close()
    for (const job of going) await job.stop()
  }
  expect(runs.filter(({ error }) => error !== undefined)).toEqual([])
  for (const client of ['curl', 'lftp', 'ftplib', 'curl pooled'])
    expect(runs.filter((job) => job.client === client).length, client).toBeGreaterThan(0)
  // Some began in one configuration and ended in another.
  expect(runs.some(({ began, ended }) => began !== ended)).toBe(true)

  const shown = [
    's_client',
    '-connect',
    `127.0.0.1:${gateway.port}`,
    '-starttls',
    'ftp',
    '-CAfile',
    certificate.authority,
  ]
  const { stdout } = await run('openssl', shown)
  const serial = await runOk('openssl', ['x509', '-noout', '-serial'], { input: stdout })
  expect(serial.toString().trim()).toBe(`serial=${certificate.serial()}`)

  const after = await quiet()
  expect(after.descriptors).toEqual(before.descriptors)
  expect(after.watched).toBe(before.watched)
  expect([...after.handles].sort()).toEqual([...before.handles].sort())
  for (const kind of ['contexts', 'servers', 'backends', 'doors', 'sessions', 'watches'] as const)
    expect(after[kind], kind).toBeLessThanOrEqual(before[kind])
  // Timers of what is periodic may just be there, or not.
  expect(after.timers).toBeLessThanOrEqual(before.timers + 2)
  // A configuration and what belongs to it is some hundred kilobytes: a hundred of them would show.
  expect(after.heapUsed - before.heapUsed).toBeLessThan(4_000_000)
  expect(gateway.log()).not.toContain('"event":"bug"')
})
