import { expect, test } from 'vitest'
import type { PartnerConfig } from '../../src/config/config.ts'
import { fromText } from '../../src/ftp/bytes.ts'
import { createDirectory } from '../../src/partners/directory.ts'

const acme: PartnerConfig = {
  name: 'acme',
  users: ['acme', 'Müller'],
  certificates: [],
  auth: { mode: 'passthrough', username: undefined },
  backend: 'main',
  root: undefined,
  dialect: {},
}
const directory = createDirectory([acme], 'other')

test('a user name leads to its partner and the backend of that', () => {
  expect(directory.find('acme')).toBe(acme)
  expect(directory.routeOf('acme')).toEqual({ partner: 'acme', backend: 'main' })
})

test('other user names lead to the default backend', () => {
  for (const name of ['', 'Acme', 'acme ', '__proto__', 'constructor']) {
    expect(directory.find(name)).toBeUndefined()
    expect(directory.routeOf(name)).toEqual({ partner: 'default', backend: 'other' })
  }
})

test('a name beyond ASCII is found in UTF-8 and in Latin-1, because the backend is given the same for both', () => {
  expect(directory.find(fromText('Müller'))).toBe(acme)
  expect(directory.find('M\xfcller')).toBe(acme)
  expect(directory.find('M\xfdller')).toBeUndefined()
})
