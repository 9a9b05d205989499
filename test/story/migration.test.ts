import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { curl } from '../clients/curl.ts'
import { ftplib } from '../clients/ftplib.ts'
import { lftp } from '../clients/lftp.ts'
import { startTestGateway, type TestGateway } from '../support/gateway-under-test.ts'
import { ground } from '../support/ground.ts'
import { type JobRun, repeat } from '../support/jobs.ts'
import type { OldServerUnderTest } from '../support/old-server.ts'
import { startProftpdFtps } from '../support/proftpd-ftps.ts'
import { type Sshd, startSshd } from '../support/sshd.ts'
import { startVsftpd } from '../support/vsftpd.ts'

/*
 * Two partners, from their old servers (vsftpd and ProFTPD, which want their TLS sessions back) to OpenSSH, through every
 * phase, while the jobs of three clients each go on and on. One goes back in between, by one line. The clock is the test's. Both
 * sides have the same files, so that a job may begin on the one and end on the other: lftp logs in more than once for it.
 */

const partners = ['acme', 'beta'] as const
type Partner = (typeof partners)[number]
const clients = [curl, lftp, ftplib('ftplib', false)]
/** A job that began in each stage and ended there, for each partner and client. */
const runsAStage = 1

let folder: string
let sshd: Sshd
let old: Record<Partner, OldServerUnderTest>
let gateway: TestGateway
let now = Date.parse('2027-01-05T12:00:00Z')
let stage = 'nothing'

const timeline = { gateway: '2027-01-11', notice: '2027-02-01', brownout: '2027-03-01', retired: '2027-04-12' }

function write(name: Partner, changes: object = {}): void {
  const file = {
    name,
    match: { listeners: [name] },
    legacy: `old-${name}`,
    root: old[name].home,
    storage: 'shared',
    timeline,
    brownout: { align: 'fixed', at: ['Tue 10:00'] },
    ...changes,
  }
  writeFileSync(join(folder, 'partners.d', `${name}.yaml`), JSON.stringify(file))
}

beforeAll(async () => {
  folder = mkdtempSync(join((await ground()).runFolder, 'story-'))
  mkdirSync(join(folder, 'partners.d'))
  sshd = await startSshd()
  const [acme, beta] = await Promise.all([startVsftpd({ requireReuse: true }), startProftpdFtps()])
  old = { acme, beta }
  for (const name of partners) write(name)
  const oldBackends = partners.map((name) => {
    const { host, port, certificate } = old[name]
    return { name: `old-${name}`, type: 'ftps', host, port, tls: { ca: certificate } }
  })
  gateway = await startTestGateway({
    now: () => now,
    settings: {
      listeners: partners.map((name) => ({ name, address: '127.0.0.1', port: 0, tls: 'explicit' })),
      backends: [
        { name: 'new', host: sshd.host, port: sshd.port, hostKeys: [sshd.fingerprints.ed25519] },
        ...oldBackends,
      ],
      defaults: { backend: 'new' },
      migration: {
        publicSftp: { host: 'sftp.example.com' },
        link: 'https://example.com/sftp',
        timezone: 'Europe/Berlin',
      },
      logging: { audit: { path: join(folder, 'audit.jsonl') } },
      partners: join(folder, 'partners.d', '*.yaml'),
    },
  })
}, 120_000)
afterAll(async () => {
  await gateway?.stop()
  for (const server of [...Object.values(old ?? {}), sshd]) await server?.stop()
})

const sentence = /FTPS is switched off until 09:10 UTC \(10:10 Europe\/Berlin\)/
const farewell = /FTPS has ended here for this login since 2027-04-12/

interface Stage {
  readonly at: string
  /** Where logins of a partner go; refused: with this text. */
  readonly acme: string | RegExp
  readonly beta: string | RegExp
  /** What the operator does then. */
  readonly turn?: () => void
}

const stages: Readonly<Record<string, Stage>> = {
  'all at their old servers': { at: '2027-01-05T12:00:00Z', acme: 'old-acme', beta: 'old-beta' },
  'all at the new one': { at: '2027-01-12T12:00:00Z', acme: 'new', beta: 'new' },
  'one goes back': {
    at: '2027-01-13T12:00:00Z',
    acme: 'new',
    beta: 'old-beta',
    turn: () => write('beta', { phase: 'legacy' }),
  },
  'and comes again': { at: '2027-01-14T12:00:00Z', acme: 'new', beta: 'new', turn: () => write('beta', {}) },
  'they are told': { at: '2027-02-02T12:00:00Z', acme: 'new', beta: 'new' },
  'before a window': { at: '2027-03-02T08:30:00Z', acme: 'new', beta: 'new' },
  'in a window': { at: '2027-03-02T09:05:00Z', acme: sentence, beta: sentence },
  'behind the window': { at: '2027-03-02T09:10:00Z', acme: 'new', beta: 'new' },
  'one is held back': {
    at: '2027-04-12T12:00:00Z',
    acme: farewell,
    beta: 'new',
    turn: () => write('beta', { hold: { reason: 'new ERP', since: '2027-04-11', until: '2027-04-20' } }),
  },
  'all are gone': { at: '2027-04-20T12:00:00Z', acme: farewell, beta: farewell },
}

test('no job of a partner fails but in a brownout and behind the end, and there its client shows why', {
  timeout: 600_000,
}, async () => {
  const runs: JobRun[] = []
  const jobs = partners.flatMap((partner) =>
    clients.map((client) => {
      const own = join(folder, `${partner}-${client.name}`)
      mkdirSync(own)
      const { name: user, password } = sshd.user
      const way = {
        host: '127.0.0.1',
        port: gateway.port(partner),
        mode: 'explicit',
        tls: '1.3',
        data: 'passive',
      } as const
      const site = { ...way, user, password, certificate: gateway.certificate }
      return repeat({ partner, client, site, folder: own }, () => stage, runs)
    }),
  )
  try {
    for (const [name, { at, turn }] of Object.entries(stages)) {
      stage = 'in between'
      // First the operator, then the calendar: what a job meets in between is what it meets before or behind.
      turn?.()
      await gateway.reload()
      now = Date.parse(at)
      await gateway.reload()
      stage = name
      const done = (partner: string, client: string) =>
        runs.filter((r) => r.partner === partner && r.client === client && r.began === name && r.ended === name).length
      const enough = () => partners.every((p) => clients.every((c) => done(p, c.name) >= runsAStage))
      await vi.waitUntil(enough, { timeout: 120_000, interval: 50 })
    }
  } finally {
    for (const job of jobs) await job.stop()
  }
  for (const run of runs) check(run)
  wentWhere()
  for (const name of partners) expect(readdirSync(old[name].home)).toEqual([])
  const audit = readFileSync(join(folder, 'audit.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  const movesOf = (name: Partner) =>
    audit.filter(({ partner }) => partner === name).map(({ before, after }) => `${before} to ${after}`)
  const common = ['gateway to notice', 'notice to brownout', 'brownout to retired']
  expect(movesOf('acme')).toEqual(expect.arrayContaining(['legacy to gateway', ...common]))
  const andBack = ['legacy to gateway', 'gateway to legacy', 'legacy to gateway']
  expect(movesOf('beta')).toEqual(expect.arrayContaining([...andBack, ...common]))
})

/** A job that was under way when the stage changed may have met either. */
function check(run: JobRun): void {
  const meets = (name: string) => stages[name]?.[run.partner as Partner]
  const [first, last] = [meets(run.began), meets(run.ended)]
  if (first === undefined || last === undefined) return
  if (run.began === run.ended && first instanceof RegExp) {
    expect(run.error, JSON.stringify(run)).toMatch(first)
    expect(run.error).toContain('ref ')
  } else if (!(first instanceof RegExp) && !(last instanceof RegExp)) {
    expect(run.error, JSON.stringify(run)).toBeUndefined()
  }
}

function wentWhere(): void {
  for (const partner of partners) {
    const used = gateway.log.flatMap((e) =>
      e.kind === 'login' && e.outcome === 'ok' && e.partner === partner ? [e.backend] : [],
    )
    expect(new Set(used)).toEqual(new Set([`old-${partner}`, 'new']))
  }
  const wrong = gateway.log.filter((e) => e.kind === 'login' && e.outcome === 'bad_password')
  expect(wrong, 'refusals taken for wrong passwords').toEqual([])
}
