import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { Secret } from '../../src/ftp/secret.ts'
import { ProvenPasswords } from '../../src/partners/proven-passwords.ts'

const right = new Secret('right')

test('a password that was right is right for five minutes more, for its own hash only', () => {
  let now = 0
  const proven = new ProvenPasswords(() => now)
  expect(proven.has('hash', right)).toBe(false)
  proven.add('hash', right)
  expect(proven.has('hash', right)).toBe(true)
  expect(proven.has('hash', new Secret('wrong'))).toBe(false)
  expect(proven.has('another hash', right)).toBe(false)
  now = 299_999
  expect(proven.has('hash', right)).toBe(true)
  now = 300_000
  expect(proven.has('hash', right)).toBe(false)
})

test('it remembers a thousand, the newest, and none of them readable', () => {
  const proven = new ProvenPasswords()
  for (let i = 0; i < 1001; i++) proven.add(`hash ${i}`, right)
  expect([0, 1, 1000].map((i) => proven.has(`hash ${i}`, right))).toEqual([false, true, true])
  expect(inspect(proven, { depth: 5 })).not.toContain('right')
})
