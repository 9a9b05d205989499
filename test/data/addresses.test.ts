import { expect, test } from 'vitest'
import { canonicalAddress, formatAddress } from '../../src/data/addresses.ts'

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['::FFFF:c000:0201', '192.0.2.1'],
  ['0:0:0:0:0:0:0:1', '::1'],
  ['2001:DB8::0001', '2001:db8::1'],
  ['fe80::1%eth0', 'fe80::1'],
  ['no address', 'no address'],
  ['', ''],
])('%s is compared as %s', (address, canonical) => {
  expect(canonicalAddress(address)).toBe(canonical)
})

test('an IPv6 address is written in brackets', () => {
  expect(formatAddress('192.0.2.1', 21)).toBe('192.0.2.1:21')
  expect(formatAddress('2001:db8::1', 21)).toBe('[2001:db8::1]:21')
})
