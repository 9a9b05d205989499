import { expect, test } from 'vitest'
import { canonicalAddress, formatAddress, isPrivate, network } from '../../src/data/addresses.ts'

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

test.each([
  ['10.255.255.255', true],
  ['11.0.0.0', false],
  ['172.15.255.255', false],
  ['172.31.0.1', true],
  ['192.168.0.1', true],
  ['192.0.2.1', false],
  ['100.64.0.1', true],
  ['100.128.0.1', false],
  ['169.254.1.1', true],
  ['127.0.0.2', true],
  ['::ffff:10.1.1.1', true],
  ['::ffff:198.51.100.7', false],
  ['fd12::1', true],
  ['fe80::1%eth0', true],
  ['::1', true],
  ['2001:db8::1', false],
])('%s is private: %s', (address, yes) => {
  expect(isPrivate(address)).toBe(yes)
})

test('an IPv4 address is in its network however it is written, and no IPv6 address is', () => {
  const isIn = network('198.51.100.128/25')
  expect(['198.51.100.128', '198.51.100.255', '::ffff:198.51.100.200'].map(isIn)).toEqual([true, true, true])
  expect(['198.51.100.127', '2001:db8::1', '::1'].map(isIn)).toEqual([false, false, false])
})
