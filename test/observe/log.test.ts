import { describe, expect, test } from 'vitest'
import { fromText } from '../../src/ftp/bytes.ts'
import { Secret } from '../../src/ftp/secret.ts'
import { createLog, type LogOptions } from '../../src/observe/log.ts'
import type { Event, TransferEvent } from '../../src/observe/observer.ts'

function logged(events: readonly Event[], options: Partial<LogOptions> = {}): string {
  let text = ''
  const stream = {
    write(line: string) {
      text += line
    },
  }
  const log = createLog({ level: 'trace', format: 'json', stream, ...options })
  for (const event of events) log.observer(event)
  return text
}

function line(event: Event): Record<string, unknown> {
  return JSON.parse(logged([event]))
}

const upload: TransferEvent = {
  kind: 'transfer',
  session: 's-1',
  partner: 'acme',
  user: fromText('größe'),
  address: '203.0.113.9',
  verb: 'STOR',
  path: fromText('/in/größe.csv'),
  direction: 'upload',
  bytes: 15,
  seconds: 0.25,
  outcome: 'ok',
  code: 226,
}
const mismatch: Event = {
  kind: 'backendConnection',
  backend: 'main',
  outcome: 'host_key',
  seconds: 0.1,
  reason: 'host key changed: pinned SHA256:aaaa, got SHA256:bbbb (ssh-ed25519)',
}
const passCommand: Event = {
  kind: 'command',
  session: 's-1',
  verb: 'PASS',
  known: true,
  argument: '',
  code: 230,
  seconds: 0,
}

describe('The log', () => {
  test('writes one JSON line for an event: time in ISO form, level as a word, event name, session, fields, message', () => {
    const { time, ...rest } = line(upload)
    expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    expect(rest).toEqual({
      level: 'info',
      event: 'transfer.done',
      session: 's-1',
      partner: 'acme',
      user: 'größe',
      address: '203.0.113.9',
      verb: 'STOR',
      path: '/in/größe.csv',
      direction: 'upload',
      bytes: 15,
      seconds: 0.25,
      outcome: 'ok',
      code: 226,
      message: 'STOR /in/größe.csv, 15 bytes in 0.3 s',
    })
  })

  test('says of a data connection that did not come who waited how long for what, and why', () => {
    const data = { kind: 'dataConnection', session: 's-1', outcome: 'timeout', reason: 'no connection' } as const
    const missing = { client: '203.0.113.9', seconds: 60.04, cause: 'firewall', likely: 'nothing came' } as const
    const passive = line({ ...data, mode: 'passive', advertised: '10.1.2.3:50000', missing })
    expect(passive).toMatchObject({
      level: 'warn',
      event: 'data.missing',
      session: 's-1',
      advertised: '10.1.2.3:50000',
    })
    expect(passive).toMatchObject({ client: '203.0.113.9', seconds: 60.04, cause: 'firewall', likely: 'nothing came' })
    expect(passive['message']).toBe(
      'No data connection, passive: 203.0.113.9 was told 10.1.2.3:50000 and waited 60.0 s; nothing came',
    )
    expect(line({ ...data, mode: 'active', advertised: '192.168.1.2:5000', missing })['message']).toBe(
      'No data connection, active: 203.0.113.9 named 192.168.1.2:5000 and waited 60.0 s; nothing came',
    )
  })

  test('does not alarm about a stranger at a passive port', () => {
    const stranger = { kind: 'dataConnection', session: 's-1', mode: 'passive', outcome: 'wrong_peer' } as const
    expect(line({ ...stranger, advertised: '10.1.2.3:50000' })).toMatchObject({ level: 'info', event: 'data.failed' })
  })

  test('names the backend and both fingerprints when a host key does not match', () => {
    const { level, event, backend, message } = line(mismatch)
    expect({ level, event, backend }).toEqual({ level: 'error', event: 'backend.host_key', backend: 'main' })
    expect(message).toContain('main')
    expect(message).toContain('SHA256:aaaa')
    expect(message).toContain('SHA256:bbbb')
  })

  test.each([
    [{ ...upload, outcome: 'backend_error', code: 451, reason: 'disk full' }, 'error', 'transfer.failed'],
    [{ ...upload, outcome: 'client_abort', code: 426 }, 'warn', 'transfer.failed'],
    [{ ...upload, direction: 'listing', verb: 'LIST' }, 'debug', 'transfer.done'],
    [{ kind: 'reloaded', ok: false, problems: ['gateway.yaml:3:1 tsl: unknown key'] }, 'error', 'config.refused'],
    [{ kind: 'reloaded', ok: true, problems: [] }, 'info', 'config.reloaded'],
    [{ kind: 'backendUp', backend: 'main', up: false }, 'error', 'backend.down'],
    [{ kind: 'backendConnection', backend: 'main', outcome: 'auth', seconds: 1 }, 'info', 'backend.login_refused'],
    [
      { kind: 'connectionRefused', listener: 'explicit', address: '::1', reason: 'limit' },
      'warn',
      'connection.refused',
    ],
    [{ kind: 'sessionOpened', session: 's-1', listener: 'explicit', address: '::1' }, 'info', 'session.opened'],
    [
      { kind: 'namesLost', session: 's-1', partner: 'acme', charset: 'windows-1252', names: 2, path: '/in' },
      'warn',
      'names.lost',
    ],
    [
      { kind: 'transferRecordLost', session: 's-1', partner: 'acme', path: '/f', reason: 'ENOSPC' },
      'error',
      'transfer.record_lost',
    ],
    [{ kind: 'warning', topic: 'sshCrypto', message: 'slow' }, 'warn', 'warning'],
  ] satisfies [Event, string, string][])('says %j as %s %s', (told, level, event) => {
    expect(line(told)).toMatchObject({ level, event })
  })

  test('leaves out what is below the level', () => {
    expect(logged([passCommand, upload], { level: 'warn' })).toBe('')
    expect(logged([passCommand, mismatch], { level: 'warn' }).split('\n')).toHaveLength(2)
  })

  test('shows no secret, even where one should not have come', () => {
    const canary = 'canary-4711'
    const error = Object.assign(new Error('unforeseen'), { password: new Secret(canary), raw: canary })
    const text = logged([
      { ...passCommand, argument: canary },
      { ...passCommand, verb: 'ACCT', argument: canary },
      { ...passCommand, verb: `PASSS`, known: false, argument: canary },
      { ...passCommand, verb: canary, known: false },
      { kind: 'bug', error, session: 's-1' },
    ])
    expect(text.split('\n')).toHaveLength(6)
    expect(text).not.toContain(canary)
  })

  test('has no line for a request to a backend, but at the level trace', () => {
    const [backend, operation, status] = ['main', 'write', 'ok']
    const request: Event = { kind: 'sftpRequest', backend, operation, status, seconds: 0.01 }
    expect(logged([request], { level: 'debug' })).toBe('')
    expect(line(request)).toMatchObject({ level: 'trace', event: 'backend.request', ...{ backend, operation, status } })
  })

  test('says which transfer begins', () => {
    const { session, partner, user, address, verb, path, direction } = upload
    const start: Event = {
      kind: 'transferStarted',
      session,
      partner,
      user,
      address,
      verb,
      path,
      direction,
      bytes: () => 0,
    }
    expect(line(start)).toMatchObject({
      level: 'debug',
      event: 'transfer.started',
      path: '/in/größe.csv',
      user: 'größe',
    })
    expect(line(start)).not.toHaveProperty('bytes')
  })

  test('shows the argument of a command that is known and not secret', () => {
    expect(line({ ...passCommand, verb: 'CWD', argument: '/in' })).toMatchObject({ verb: 'CWD', argument: '/in' })
  })

  test.each(['json', 'pretty'] as const)('keeps control characters of names and reasons out of %s lines', (format) => {
    const text = logged([{ ...upload, path: '/in/\x1b[2J\r\n\x9bx', outcome: 'data_error', reason: 'a\u2028\nb' }], {
      format,
    })
    expect(text.trimEnd()).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028]/)
    expect(text).toContain('u001b')
  })

  test('gives the stack of a bug, and of nothing else', () => {
    expect(line({ kind: 'bug', error: new Error('unforeseen') })).toMatchObject({
      level: 'error',
      event: 'bug',
      stack: expect.stringMatching(/unforeseen\n\s+at /),
    })
    expect(line(mismatch)).not.toHaveProperty('stack')
  })

  test('takes a bug that is not an Error', () => {
    expect(line({ kind: 'bug', error: undefined })).toMatchObject({ event: 'bug', message: 'Unforeseen: undefined' })
  })

  test('is one short line for a person in pretty form', () => {
    expect(logged([upload], { format: 'pretty' })).toMatch(
      /^\d\d:\d\d:\d\d INFO {2}s-1 STOR \/in\/größe\.csv, 15 bytes in 0\.3 s\n$/,
    )
  })
})

describe('Of a partner on its way, the log', () => {
  test('says at start where it is, quietly, and aloud what changes', () => {
    const phase = { kind: 'phase', partner: 'acme', phase: 'brownout' } as const
    expect(line({ ...phase, cause: 'start' })).toMatchObject({ level: 'debug', event: 'partner.phase' })
    expect(line({ ...phase, before: 'notice', cause: 'timeline' })).toMatchObject({
      level: 'info',
      message: 'Partner acme is in phase brownout, was notice: timeline',
      before: 'notice',
    })
  })

  test('warns of a refusal, with its reference', () => {
    const refused: Event = {
      kind: 'login',
      session: 's-1',
      user: 'acme',
      partner: 'acme',
      backend: 'main',
      address: '203.0.113.9',
      outcome: 'brownout',
      seconds: 0.1,
      reason: 'ref B-7f3a, until 2027-03-02T09:10:00.000Z',
      reference: 'B-7f3a',
    }
    expect(line(refused)).toMatchObject({
      level: 'warn',
      event: 'login.refused',
      outcome: 'brownout',
      reference: 'B-7f3a',
    })
  })
})
