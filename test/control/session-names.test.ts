import { expect, test } from 'vitest'
import { SessionNames } from '../../src/control/session-names.ts'
import { fromText } from '../../src/ftp/bytes.ts'
import type { NameSettings } from '../../src/ftp/name-translation.ts'
import type { Event } from '../../src/observe/observer.ts'

const usual: NameSettings = { charset: 'utf-8', backendCharset: 'utf-8', normalize: 'none' }
const latin: NameSettings = { ...usual, charset: 'windows-1252' }

function loggedIn(settings: NameSettings) {
  const events: Event[] = []
  const clock = { now: 0 }
  const observer = (event: Event) => void events.push(event)
  const names = new SessionNames({ session: 's-1', settings: usual, observer, now: () => clock.now })
  names.logIn('acme', settings)
  return { names, events, clock }
}

async function listed(names: SessionNames, path: string, ...lines: readonly string[]): Promise<string> {
  async function* content() {
    for (const line of lines) yield Buffer.from(fromText(`${line}\r\n`), 'latin1')
  }
  const chunks: Buffer[] = []
  for await (const chunk of names.shownListing(content(), path)) chunks.push(chunk)
  return Buffer.concat(chunks).toString('latin1')
}

test('a listing with names that cannot be shown is reported once, with their number', async () => {
  const { names, events } = loggedIn(latin)
  expect(await listed(names, '/in', 'Größe', 'Ж', 'a', 'Щ')).toBe('Gr\xf6\xdfe\r\n?\r\na\r\n?\r\n')
  const common = { kind: 'namesLost', session: 's-1', partner: 'acme', charset: 'windows-1252' }
  expect(events).toEqual([{ ...common, names: 2, path: '/in' }])
})

test('a listing without such names is not reported', async () => {
  const { names, events } = loggedIn(latin)
  await listed(names, '/in', 'Größe', 'a')
  names.close()
  expect(events).toEqual([])
})

test('a client that lists all the time is reported once a minute, and at its end, and nothing is left out', async () => {
  const { names, events, clock } = loggedIn(latin)
  const counts = () => events.map((event) => (event.kind === 'namesLost' ? event.names : event.kind))
  for (let i = 0; i < 60; i++) {
    clock.now = i * 1000
    await listed(names, '/', 'Ж', 'Щ')
  }
  expect(counts()).toEqual([2])
  clock.now = 60_000
  await listed(names, '/', 'Ж')
  expect(counts()).toEqual([2, 119])
  await listed(names, '/', 'Ж')
  names.close()
  names.close()
  expect(counts()).toEqual([2, 119, 1])
})

test('names in replies are reported as well', () => {
  const { names, events } = loggedIn(latin)
  expect(names.shown(fromText('257 "/Ж" is the current directory.\r\n'))).toBe('257 "/?" is the current directory.\r\n')
  expect(events).toMatchObject([{ kind: 'namesLost', names: 1, path: '' }])
})

test('before the login there are no names: nothing is changed and nothing refused', () => {
  const names = new SessionNames({ session: 's-1', settings: latin, observer: () => {} })
  expect([names.understood('\x81'), names.shown('\xc3\xbc')]).toEqual(['\x81', '\xc3\xbc'])
})

test('what was said of UTF-8 before the login counts, unless it was forgotten', () => {
  const names = new SessionNames({ session: 's-1', settings: usual, observer: () => {} })
  expect(names.useUtf8(true)).toBe(true)
  names.logIn('acme', latin)
  expect([names.translation, names.mayTranslate]).toEqual([undefined, true])
  names.forget()
  names.logIn('acme', latin)
  expect(names.translation?.charset).toBe('windows-1252')
})

test('without a charset of its own a client cannot leave UTF-8', () => {
  const { names } = loggedIn(usual)
  expect([names.useUtf8(true), names.useUtf8(false), names.mayTranslate]).toEqual([true, false, false])
})
