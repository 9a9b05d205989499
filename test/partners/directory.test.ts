import { expect, test } from 'vitest'
import type { PartnerConfig } from '../../src/config/config.ts'
import { fromText } from '../../src/ftp/bytes.ts'
import { createDirectory } from '../../src/partners/directory.ts'

const shared = {
  certificates: [],
  auth: { mode: 'passthrough', username: undefined },
  backend: 'main',
  root: undefined,
  dialect: {},
} as const
const acme: PartnerConfig = { ...shared, name: 'acme', users: ['acme', 'Müller'] }
const here = { address: '192.0.2.1', listener: 'explicit' }

function find(partners: readonly PartnerConfig[], username: string, place = here) {
  return createDirectory(partners, 'other').find({ username, ...place })
}

test('a user name leads to its partner and the backend of that', () => {
  expect(find([acme], 'acme')).toEqual({
    partner: acme,
    elsewhere: undefined,
    route: { partner: 'acme', backend: 'main' },
  })
})

test('other user names lead to the default backend', () => {
  for (const name of ['', 'Acme', 'acme ', '__proto__', 'constructor']) {
    const route = { partner: 'default', backend: 'other' }
    expect(find([acme], name)).toEqual({ partner: undefined, elsewhere: undefined, route })
  }
})

test('a name beyond ASCII is found in UTF-8 and in Latin-1, because the backend is given the same for both', () => {
  expect(find([acme], fromText('Müller')).partner).toBe(acme)
  expect(find([acme], 'M\xfcller').partner).toBe(acme)
  expect(find([acme], 'M\xfdller').partner).toBeUndefined()
})

test('a user from elsewhere is still its partner’s, with the reason why it may not log in', () => {
  const confined = { ...acme, sources: ['10.0.0.0/8', '2001:db8::/32'], listeners: ['explicit'] }
  const at = (address: string, listener: string) => find([confined], 'acme', { address, listener })
  for (const address of ['10.1.2.3', '::ffff:10.1.2.3', '2001:db8::7']) {
    expect(at(address, 'explicit').elsewhere).toBeUndefined()
  }
  const foreign = at('11.1.2.3', 'explicit')
  expect(foreign.partner).toBe(confined)
  expect(foreign.elsewhere).toBe('users of partner acme may not log in from 11.1.2.3')
  expect(at('10.1.2.3', 'implicit').elsewhere).toBe('users of partner acme may not log in at listener implicit')
})

test('a partner without users takes every name from its network that no partner lists', () => {
  const office: PartnerConfig = { ...shared, name: 'office', users: [], sources: ['192.0.2.0/24'] }
  expect(find([office, acme], 'joe').route.partner).toBe('office')
  expect(find([office, acme], 'acme').route.partner).toBe('acme')
  expect(find([office, acme], 'joe', { ...here, address: '198.51.100.1' }).route.partner).toBe('default')
})

test('a listed user from elsewhere does not fall to the partner of the network it comes from', () => {
  const office: PartnerConfig = { ...shared, name: 'office', users: [], sources: ['192.0.2.0/24'] }
  const found = find([office, { ...acme, sources: ['10.0.0.0/8'] }], 'acme')
  expect([found.route.partner, found.elsewhere]).toEqual(['acme', expect.any(String)])
})

test('of partners without users the longest network wins, then the one that names the listener', () => {
  const without = (name: string, places: Partial<PartnerConfig>): PartnerConfig => ({
    ...shared,
    name,
    users: [],
    ...places,
  })
  const partners = [
    without('world', { listeners: ['explicit', 'implicit'] }),
    without('wide', { sources: ['192.0.0.0/16'] }),
    without('narrow', { sources: ['203.0.113.0/24', '192.0.2.0/24'] }),
    without('narrow-implicit', { sources: ['192.0.2.0/24'], listeners: ['implicit'] }),
  ]
  const at = (address: string, listener: string) => find(partners, 'joe', { address, listener }).route.partner
  expect(at('192.0.2.9', 'explicit')).toBe('narrow')
  expect(at('192.0.2.9', 'implicit')).toBe('narrow-implicit')
  expect(at('192.0.3.9', 'implicit')).toBe('wide')
  expect(at('198.51.100.9', 'explicit')).toBe('world')
  expect(at('198.51.100.9', 'plain')).toBe('default')
})
