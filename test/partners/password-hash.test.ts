import { scryptSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { isPasswordHash } from '../../src/config/password-hash-form.ts'
import { hasArgon2 } from '../../src/partners/argon2.ts'
import { hashPassword, verifyPassword } from '../../src/partners/password-hash.ts'

test('a password has the hash that was made of it, and no other password has', async () => {
  const hash = await hashPassword('correct hörse')
  expect(hash).toMatch(/^\$scrypt\$ln=15,r=8,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
  expect(await verifyPassword(hash, 'correct hörse')).toBe(true)
  for (const wrong of ['', 'correct horse', 'correct hörse ', 'Correct hörse']) {
    expect(await verifyPassword(hash, wrong)).toBe(false)
  }
})

test('the same password never has the same hash twice', async () => {
  expect(await hashPassword('a')).not.toBe(await hashPassword('a'))
})

test('the configuration takes the hashes that are made here', async () => {
  expect(isPasswordHash(await hashPassword('a'))).toBe(true)
})

test('hashes of another cost, salt and length are checked by their own parameters', async () => {
  const salt = Buffer.from('a salt of twenty-four b.')
  const key = scryptSync('pässword', salt, 64, { N: 2 ** 12, r: 4, p: 2 })
  const base64 = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '')
  const hash = `$scrypt$ln=12,r=4,p=2$${base64(salt)}$${base64(key)}`
  expect(isPasswordHash(hash)).toBe(true)
  expect(await verifyPassword(hash, 'pässword')).toBe(true)
  expect(await verifyPassword(hash, 'password')).toBe(false)
})

test('the dearest hash that the configuration takes can be checked', async () => {
  const hash = `$scrypt$ln=18,r=8,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`
  expect(isPasswordHash(hash)).toBe(true)
  expect(await verifyPassword(hash, 'a')).toBe(false)
})

test.each(['', 'hunter2', '$scrypt$ln=15,r=8,p=1$$', '$argon2id$v=19$m=1,t=1,p=1$AAAA$AAAA'])(
  'the malformed hash %j is an error, and no match',
  async (hash) => {
    await expect(verifyPassword(hash, '')).rejects.toThrow('malformed password hash')
  },
)

/** Of the test vectors of the reference implementation (phc-winner-argon2, src/test.c). */
const reference = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc'

test('the form of argon2id hashes is known on every Node', () => {
  expect(isPasswordHash(reference)).toBe(true)
  for (const cost of ['m=65536,t=0,p=1', 'm=65536,t=2,p=0', 'm=1024,t=2,p=1', 'm=9999999,t=2,p=1', 'm=65536,t=99,p=1'])
    expect(isPasswordHash(reference.replace('m=65536,t=2,p=1', cost))).toBe(false)
  for (const other of ['$argon2i$', '$argon2d$'])
    expect(isPasswordHash(reference.replace('$argon2id$', other))).toBe(false)
  expect(isPasswordHash(reference.replace('v=19', 'v=16'))).toBe(false)
})

test.runIf(hasArgon2)('an argon2id hash of another program is checked by its own parameters', async () => {
  expect(await verifyPassword(reference, 'password')).toBe(true)
  expect(await verifyPassword(reference, 'passwort')).toBe(false)
})

test.runIf(!hasArgon2)('an argon2id hash is an error where this Node has none', async () => {
  await expect(verifyPassword(reference, 'password')).rejects.toThrow('argon2id needs Node 24.7 or later')
})
