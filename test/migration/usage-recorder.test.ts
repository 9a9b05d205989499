import { beforeEach, describe, expect, test } from 'vitest'
import { sumOf } from '../../src/migration/usage.ts'
import { UsageRecorder } from '../../src/migration/usage-recorder.ts'
import type { Event } from '../../src/observe/observer.ts'
import { commands, logsIn, sessionEvents, transfers } from './session.ts'

const noon = Date.UTC(2026, 10, 23, 12)
let now: number
let recorder: UsageRecorder
beforeEach(() => {
  now = noon
  recorder = new UsageRecorder(() => now)
})

function see(events: readonly Event[]): void {
  for (const event of events) recorder.see(event)
}

const tls: Event = {
  kind: 'tls',
  session: 's1',
  channel: 'control',
  outcome: 'ok',
  version: 'TLSv1.2',
  cipher: 'ECDHE-RSA-AES256-GCM-SHA384',
}
const dataTls: Event = { ...tls, channel: 'data', reused: true }

describe('The record of a session', () => {
  test('has all that the gateway was told about it, and what came before the login', () => {
    see(
      sessionEvents(
        's1',
        [tls],
        commands('s1', 'CLNT lftp/4.9.2', 'USER acme=331', 'PASS=230'),
        logsIn('s1', 'acme', 'acme'),
        commands('s1', 'PROT P', 'TYPE A', 'PASV=227', 'SITE EXEC rm=502', 'XFOO secret=500'),
        [dataTls],
        transfers('s1'),
      ),
    )
    const [row, ...more] = recorder.take()
    expect(more).toEqual([])
    expect(row).toMatchObject({ day: '2026-11-23', partner: 'acme', user: 'acme' })
    expect(row?.usage).toMatchObject({
      counts: {
        total: { logins: 1, uploads: 1, uploadBytes: 1000, ascii: 1 },
        hour: { [String(noon / 3_600_000)]: 1 },
        address: { '203.0.113.9': 1 },
        listener: { explicit: 1 },
        control: { 'TLSv1.2 ECDHE-RSA-AES256-GCM-SHA384': 1 },
        data: { 'TLSv1.2 ECDHE-RSA-AES256-GCM-SHA384': 1 },
        reuse: { reused: 1 },
        way: { PASV: 1 },
        prot: { P: 1 },
        client: { lftp: 1 },
        clnt: { 'lftp/4.9.2': 1 },
        names: { ascii: 1 },
        impossible: { 'SITE EXEC': 1, other: 1 },
      },
      highest: { lastLogin: noon, lastUpload: noon, largest: 1000, longest: 2, sessions: 1 },
      lowest: { firstLogin: noon },
      logins: [noon],
    })
  })

  test('names no file and no argument, but words that are commands', () => {
    const secret = 'orders-4711 hunter2'
    const lines = ['RETR', 'CWD', 'SITE', 'LIST', 'OPTS', 'TYPE', 'AUTH', 'HUNTER2'].map((verb) => `${verb} ${secret}`)
    see(sessionEvents('s1', logsIn('s1', 'acme', 'acme'), commands('s1', ...lines, 'HUNTER2=500'), transfers('s1')))
    // The gateway itself knows no command of this name.
    expect(JSON.stringify(recorder.take()).replaceAll('HUNTER2', '')).not.toMatch(/orders|hunter2/i)
  })

  test('is nobody’s without a login, and a refused login is counted', () => {
    const refused: Event = {
      kind: 'login',
      session: 's1',
      user: 'root',
      partner: 'default',
      backend: 'main',
      address: '203.0.113.9',
      outcome: 'bad_password',
      seconds: 1,
    }
    see(sessionEvents('s1', commands('s1', 'USER root=331'), [refused]))
    expect(recorder.take()).toMatchObject([
      { partner: 'default', user: '*', usage: { counts: { total: { refused: 1 } } } },
    ])
  })

  test('of a refused login names the user only once that user has logged in: it could be a password', () => {
    const refused = (user: string): Event => ({
      kind: 'login',
      session: 's1',
      user,
      partner: 'acme',
      backend: 'main',
      address: '203.0.113.9',
      outcome: 'bad_password',
      seconds: 1,
    })
    see(sessionEvents('s1', [refused('hunter2')]))
    see(sessionEvents('s2', logsIn('s2', 'acme', 'acme')))
    see(sessionEvents('s3', [refused('acme')]))
    expect(recorder.take().map(({ user }) => user)).toEqual(['*', 'acme'])
  })

  test('says why a login with the right password was turned away', () => {
    const turnedAway: Event = {
      kind: 'login',
      session: 's1',
      user: 'acme',
      partner: 'acme',
      backend: 'main',
      address: '203.0.113.9',
      outcome: 'brownout',
      seconds: 1,
    }
    see(sessionEvents('s1', [turnedAway]))
    expect(recorder.take()[0]?.usage.counts.total).toEqual({ brownout: 1 })
  })

  test('can be taken while the session lasts, and goes on after it', () => {
    const [opened, ...rest] = sessionEvents('s1', logsIn('s1', 'acme', 'acme'))
    const [login, closed] = [rest.slice(0, -1), rest.slice(-1)]
    see(opened ? [opened, ...login] : [])
    const first = recorder.take()
    expect(recorder.take()).toEqual([])
    see([...commands('s1', 'NOOP'), ...closed])
    const sum = sumOf([...first, ...recorder.take()].map(({ usage }) => usage))
    expect(sum.counts).toMatchObject({ total: { logins: 1 }, command: { NOOP: 1 }, control: { none: 1 } })
  })

  test('belongs to the day of what happened', () => {
    see(sessionEvents('s1', logsIn('s1', 'acme', 'acme')))
    now = noon + 86_400_000
    see(sessionEvents('s2', logsIn('s2', 'acme', 'acme')))
    expect(recorder.take().map(({ day }) => day)).toEqual(['2026-11-23', '2026-11-24'])
  })

  test('says how many sessions a partner has had at the same time', () => {
    const [first, second] = [
      sessionEvents('s1', logsIn('s1', 'acme', 'a')),
      sessionEvents('s2', logsIn('s2', 'acme', 'b')),
    ]
    see([...first.slice(0, -1), ...second, ...first.slice(-1)])
    expect(sumOf(recorder.take().map(({ usage }) => usage)).highest.sessions).toBe(2)
    see(sessionEvents('s3', logsIn('s3', 'acme', 'a')))
    expect(sumOf(recorder.take().map(({ usage }) => usage)).highest.sessions).toBe(1)
  })

  test('is shared by those beyond a hundred users of a partner', () => {
    for (let i = 0; i < 120; i++) see(sessionEvents(`s${i}`, logsIn(`s${i}`, 'default', `user${i}`)))
    const rows = recorder.take()
    expect(rows).toHaveLength(101)
    expect(rows.find(({ user }) => user === '*')?.usage.counts.total).toEqual({ logins: 20 })
  })

  test('comes again when it could not be kept', () => {
    see(sessionEvents('s1', logsIn('s1', 'acme', 'acme')))
    const taken = recorder.take()
    recorder.giveBack(taken)
    expect(recorder.take()).toEqual(taken)
  })

  test('counts transfers that failed, and why data connections did not come', () => {
    const missing: Event = {
      kind: 'dataConnection',
      session: 's1',
      mode: 'passive',
      outcome: 'timeout',
      advertised: 'x',
    }
    see(
      sessionEvents(
        's1',
        logsIn('s1', 'acme', 'acme'),
        [missing],
        transfers('s1', { outcome: 'backend_error', bytes: 5 }),
      ),
    )
    const { counts, highest } = sumOf(recorder.take().map(({ usage }) => usage))
    expect(counts.failure).toEqual({ 'data connection: timeout': 1, backend_error: 1 })
    expect([counts.total, highest.lastUpload]).toEqual([{ logins: 1 }, undefined])
  })
})
