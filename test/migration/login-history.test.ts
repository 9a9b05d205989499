import { expect, test } from 'vitest'
import { loginHistory } from '../../src/migration/login-history.ts'
import type { Row } from '../../src/migration/rows.ts'
import { noUsage } from '../../src/migration/usage.ts'

const minute = 60_000

function row(
  partner: string,
  user: string,
  logins: readonly number[],
  hour: Readonly<Record<string, number>> = {},
): Row {
  return { day: '2026-11-23', partner, user, usage: { ...noUsage, logins, counts: { hour } } }
}

test('The logins of a partner are those of all its users, in order, within what is asked for', () => {
  const history = loginHistory([row('acme', 'a', [1, 5]), row('acme', 'b', [3, 9]), row('beta', 'b', [4])])
  expect(history.instants('acme', 3, 9)).toEqual([3, 5])
  expect(history.instants('gamma', 0, 10)).toEqual([])
})

test('The hours of a partner add up', () => {
  const history = loginHistory([row('acme', 'a', [], { '7': 2 }), row('acme', 'b', [], { '7': 1, '8': 5 })])
  expect([...history.hours('acme')]).toEqual([
    [7, 3],
    [8, 5],
  ])
})

test.each([
  ['the median of what came soon after another', [0, 5 * minute, 10 * minute, 30 * minute], 5 * minute],
  ['nothing of connections side by side', [0, 500, 900], undefined],
  ['nothing of jobs that run every two hours', [0, 120 * minute, 240 * minute], undefined],
  ['unknown without logins', [], undefined],
])('How soon clients come again is %s', (_, logins, expected) => {
  expect(loginHistory([row('acme', 'a', logins)]).retryAfter('acme')).toBe(expected)
})

test('The logins of weeks ago are there, however many came since', () => {
  const days = Array.from({ length: 10 }, (_, day) => Array.from({ length: 400 }, (_, i) => day * 1_000_000 + i))
  const history = loginHistory(days.map((logins) => row('acme', 'a', logins)))
  expect(history.instants('acme', 0, 1_000_000)).toHaveLength(400)
})
