import { expect, test } from 'vitest'
import { isInNetwork, parseNetwork } from '../../src/ftp/ip-network.ts'

function isIn(network: string, address: string): boolean {
  const parsed = parseNetwork(network)
  if (parsed === undefined) throw new Error(`${network} is no network`)
  return isInNetwork(parsed, address)
}

test.each([
  ['10.0.0.0/8', '10.255.255.255'],
  ['203.0.113.0/24', '203.0.113.0'],
  ['203.0.113.7', '203.0.113.7'],
  ['0.0.0.0/0', '198.51.100.1'],
  ['10.0.0.0/8', '::ffff:10.1.2.3'],
  ['::ffff:10.0.0.0/104', '10.1.2.3'],
  ['::ffff:a00:0/104', '::ffff:10.1.2.3'],
  ['2001:db8::/32', '2001:db8:ffff::1'],
  ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
  ['::1/128', '::1'],
  ['::/0', '2001:db8::1'],
  ['fe80::/10', 'fe80::1%eth0'],
])('the network %s has the address %s', (network, address) => {
  expect(isIn(network, address)).toBe(true)
})

test.each([
  ['10.0.0.0/8', '11.0.0.0'],
  ['10.0.0.0/8', '9.255.255.255'],
  ['203.0.113.7', '203.0.113.8'],
  ['203.0.113.128/25', '203.0.113.127'],
  ['2001:db8::/32', '2001:db9::'],
  ['0.0.0.0/0', '2001:db8::1'],
  ['::/0', '10.1.2.3'],
  ['::/0', '::ffff:10.1.2.3'],
  ['10.0.0.0/8', 'ten'],
  ['10.0.0.0/8', ''],
])('the network %s does not have the address %s', (network, address) => {
  expect(isIn(network, address)).toBe(false)
})

test.each([
  '',
  '10.0.0.0/33',
  '10.1.2.3/8',
  '10.0.0/8',
  '2001:db8::1/32',
  '::/129',
  'fe80::%eth0/10',
  'a/8',
  '/8',
  '1/',
])('%j is no network', (text) => {
  expect(parseNetwork(text)).toBeUndefined()
})
