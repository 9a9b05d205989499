import { describe, expect, test } from 'vitest'
import { acceptedIn } from '../../src/migration/sftp-log.ts'
import { loginsText, readLogins, togetherOf, withLogins } from '../../src/migration/sftp-logins.ts'

const print = `SHA256:${'A'.repeat(43)}`
const sentence = `Accepted publickey for acme from 203.0.113.9 port 50412 ssh2: ED25519 ${print}`
const now = new Date(2026, 0, 5, 12).getTime()

describe('A line of an SSH log', () => {
  test.each([
    ['of syslog', `Jan  4 02:10:07 sftp sshd[812]: ${sentence}`, new Date(2026, 0, 4, 2, 10, 7).getTime()],
    [
      'of syslog, of last year',
      `Dec 31 23:59:59 sftp sshd[812]: ${sentence}`,
      new Date(2025, 11, 31, 23, 59, 59).getTime(),
    ],
    [
      'with a new time',
      `2026-01-04T02:10:07.123456+01:00 sftp sshd-session[9]: ${sentence}`,
      Date.UTC(2026, 0, 4, 1, 10, 7, 123),
    ],
    ['of journald', JSON.stringify({ MESSAGE: sentence, __REALTIME_TIMESTAMP: '1767492607000000' }), 1767492607000],
  ])('%s tells of a login by key', (_, line, at) => {
    expect(acceptedIn(line, now)).toEqual({ user: 'acme', address: '203.0.113.9', at, fingerprint: print })
  })

  test.each([
    [
      'a login by password',
      'Jan  4 02:10:07 sftp sshd[812]: Accepted password for acme from 203.0.113.9 port 50412 ssh2',
    ],
    ['another program', `Jan  4 02:10:07 sftp su[812]: ${sentence}`],
    ['a user name that looks like it', `Jan  4 02:10:07 sftp sshd[812]: Invalid user sshd[1]: ${sentence}`],
    [
      'the same in JSON',
      JSON.stringify({ MESSAGE: `Invalid user ${sentence}`, __REALTIME_TIMESTAMP: '1767492607000000' }),
    ],
    ['a key without a fingerprint', 'Jan  4 02:10:07 sftp sshd[812]: Accepted publickey for acme from ::1 port 5 ssh2'],
    ['no time', `sftp sshd[812]: ${sentence}`],
    ['no JSON', `{"MESSAGE":"${sentence}"`],
  ])('with %s tells nothing', (_, line) => {
    expect(acceptedIn(line, now)).toBeUndefined()
  })
})

describe('Logins by SFTP', () => {
  const login = (user: string, at: number, fingerprint = print) => ({ user, address: 'x', at, fingerprint })

  test('are known by the first, the last, and the keys; the same log twice changes nothing', () => {
    const log = [login('a', 5), login('a', 3), login('b', 4), login('a', 9, 'SHA256:new')]
    const once = withLogins(new Map(), log)
    expect(once.get('a')).toEqual({ first: 3, last: 9, keys: ['SHA256:new', print] })
    expect(withLogins(once, log)).toEqual(once)
    expect(togetherOf(once, ['a', 'b', 'c'])).toMatchObject({ first: 3, last: 9 })
    expect(togetherOf(once, ['c'])).toBeUndefined()
  })

  test('are read back as they were written, and nothing else is', () => {
    const logins = withLogins(new Map(), [login('a', 5)])
    expect(readLogins(loginsText(logins))).toEqual(logins)
    for (const text of ['', 'x', '[]', '{"a":1}', '{"a":{"first":"1"}}']) expect(readLogins(text)).toEqual(new Map())
  })
})
