import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Secret } from '../../src/ftp/secret.ts'
import { LearnedPasswords, learnedIn } from '../../src/partners/learned-passwords.ts'
import { verifyPassword } from '../../src/partners/password-hash.ts'

let directory: string
let learned: string[]
let warnings: string[]
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'learned-'))
  learned = []
  warnings = []
})
afterEach(() => rmSync(directory, { recursive: true }))

/** A gateway's, in the state directory that all share. */
function memory(): LearnedPasswords {
  return new LearnedPasswords({
    directory,
    now: () => Date.parse('2027-01-05T12:00:00Z'),
    onLearned: (partner, user) => learned.push(`${partner} ${user}`),
    warn: (message) => warnings.push(message),
  })
}
async function learn(passwords: LearnedPasswords, user: string, password: string): Promise<void> {
  passwords.learn('acme', user, new Secret(password))
  await passwords.settled()
}
const fits = async (passwords: LearnedPasswords, user: string, password: string) =>
  verifyPassword((await passwords.hashOf('acme', user)) ?? '', password)
const files = () => readdirSync(join(directory, 'passwords')).map((name) => join(directory, 'passwords', name))

test('what was learned is asked for by every gateway of the state directory, after a restart too', async () => {
  const passwords = memory()
  expect(await passwords.hashOf('acme', 'bob')).toBeUndefined()
  await learn(passwords, 'bob', 'süß')
  for (const each of [passwords, memory()]) {
    expect(await fits(each, 'bob', 'süß')).toBe(true)
    expect(await fits(each, 'bob', 'wrong')).toBe(false)
    expect([await each.hashOf('acme', 'bo'), await each.hashOf('beta', 'bob')]).toEqual([undefined, undefined])
  }
  expect(learned).toEqual(['acme bob'])
  expect(await learnedIn(directory)).toEqual([{ partner: 'acme', user: 'bob', at: '2027-01-05T12:00:00.000Z' }])
})

test('the same password again writes nothing, another one takes its place, whichever gateway hears of it', async () => {
  const [one, two] = [memory(), memory()]
  await learn(one, 'bob', 'first')
  const before = await one.hashOf('acme', 'bob')
  for (const each of [one, one, two]) await learn(each, 'bob', 'first')
  expect(await two.hashOf('acme', 'bob')).toBe(before)
  await learn(two, 'bob', 'second')
  expect([await fits(one, 'bob', 'first'), await fits(one, 'bob', 'second')]).toEqual([false, true])
  await learn(one, 'bob', 'first')
  expect(await fits(two, 'bob', 'first')).toBe(true)
  expect([learned.length, files().length]).toEqual([3, 1])
})

test('the file is for nobody else to read, and has no password in it', async () => {
  await learn(memory(), 'bob', 'canary-password-1')
  const [file = ''] = files()
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(statSync(join(directory, 'passwords')).mode & 0o777).toBe(0o700)
  expect(readFileSync(file, 'utf8')).not.toContain('canary')
})

test('half a file, as a full disk may leave one, is nothing, and is learned again', async () => {
  const passwords = memory()
  await learn(passwords, 'bob', 'first')
  const [file = ''] = files()
  for (const torn of ['', readFileSync(file, 'utf8').slice(0, 60), '{"passwordHash":"x"}', 'null']) {
    writeFileSync(file, torn)
    expect([await memory().hashOf('acme', 'bob'), await learnedIn(directory)]).toEqual([undefined, []])
  }
  await learn(passwords, 'bob', 'first')
  expect(await fits(passwords, 'bob', 'first')).toBe(true)
})

test('where nothing can be written there is a warning, and where nothing can be read nobody is let in', async () => {
  writeFileSync(join(directory, 'passwords'), 'a file in its place')
  const passwords = memory()
  await learn(passwords, 'bob', 'first')
  expect(warnings).toEqual(['the password of bob (acme) cannot be kept: ENOTDIR'])
  await expect(passwords.hashOf('acme', 'bob')).rejects.toMatchObject({ kind: 'unavailable' })
})

test('an empty password and that of nobody in particular are not learned', async () => {
  const passwords = memory()
  await learn(passwords, 'bob', '')
  for (const name of ['anonymous', 'ftp', 'Anonymous']) await learn(passwords, name, 'me@example.com')
  expect(await learnedIn(directory)).toEqual([])
})

test('of a thousand logins at once a few are learned, and all are when they come again', async () => {
  const passwords = memory()
  for (let i = 0; i < 1000; i++) passwords.learn('acme', `user${i % 60}`, new Secret(`password${i % 60}`))
  await passwords.settled()
  const first = (await learnedIn(directory)).length
  expect(first).toBeLessThan(60)
  for (let i = 0; i < 60; i++) await learn(passwords, `user${i}`, `password${i}`)
  expect((await learnedIn(directory)).length).toBe(60)
  expect(warnings).toEqual([])
})
