import { expect, test } from 'vitest'
import { RefusedLogins } from '../../src/control/refused-logins.ts'

test('refusals count for ten minutes, each for itself', () => {
  let now = 0
  const refused = new RefusedLogins(() => now)
  refused.add('192.0.2.1')
  now = 300_000
  refused.add('192.0.2.1')
  expect([refused.atLeast('192.0.2.1', 2), refused.atLeast('192.0.2.1', 3)]).toEqual([true, false])
  now = 600_000
  expect([refused.atLeast('192.0.2.1', 1), refused.atLeast('192.0.2.1', 2)]).toEqual([true, false])
  now = 900_000
  expect(refused.atLeast('192.0.2.1', 1)).toBe(false)
})

test.each([
  ['192.0.2.1', '192.0.2.2', false],
  ['2001:db8:1:2::1', '2001:db8:1:2:ffff:ffff:ffff:ffff', true],
  ['2001:db8:1:2::1', '2001:db8:1:3::1', false],
  ['2001:db8::1', '2001:db8:0:0:1::', true],
  ['::1', '::2', true],
  ['fe80::1%eth0', 'fe80::2%eth1', true],
])('%s and %s count together: %s', (one, other, together) => {
  const refused = new RefusedLogins()
  refused.add(one)
  expect(refused.atLeast(other, 1)).toBe(together)
})

test('of very many addresses the newest are kept', () => {
  const refused = new RefusedLogins(() => 0)
  for (let i = 0; i <= 10_000; i++) refused.add(`10.0.${i >> 8}.${i & 255}`)
  expect([refused.atLeast('10.0.0.0', 1), refused.atLeast('10.0.0.1', 1)]).toEqual([false, true])
})
