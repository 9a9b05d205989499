import { X509Certificate } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { selfMadeCertificate } from '../../src/tls/self-made.ts'
import { certificateValidUntil } from '../support/certificates.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'self-made-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const stored = (name: string) => readFileSync(join(folder, 'tls', name), 'utf8')

test('without a directory each one is new', async () => {
  const [one, other] = await Promise.all([selfMadeCertificate(undefined), selfMadeCertificate(undefined)])
  expect(one.fingerprint).not.toBe(other.fingerprint)
  expect(one.selfMade).toBe(true)
})

test('it is good for this host for two years, and no authority', async () => {
  const { cert, notAfter } = await selfMadeCertificate(undefined)
  const x509 = new X509Certificate(cert)
  expect(x509.checkHost('localhost')).toBe('localhost')
  expect(x509.checkIP('127.0.0.1')).toBe('127.0.0.1')
  expect(x509.ca).toBe(false)
  expect(x509.verify(x509.publicKey)).toBe(true)
  expect(x509.publicKey.asymmetricKeyDetails?.modulusLength).toBe(2048)
  expect(notAfter.getTime() - Date.now()).toBeGreaterThan(2 * 365 * 86_400_000)
})

test('with a directory it is kept there, the key for the owner only, and used again', async () => {
  const made = await selfMadeCertificate(folder)
  expect(stored('cert.pem')).toBe(made.cert)
  expect(stored('key.pem')).toBe(made.key)
  expect(statSync(join(folder, 'tls', 'key.pem')).mode & 0o777).toBe(0o600)
  expect(await selfMadeCertificate(folder)).toEqual(made)
})

test('an expired or damaged one is replaced', async () => {
  mkdirSync(join(folder, 'tls'))
  const expired = certificateValidUntil(new Date(Date.now() - 1000))
  writeFileSync(join(folder, 'tls', 'cert.pem'), expired.cert)
  writeFileSync(join(folder, 'tls', 'key.pem'), expired.key)
  const made = await selfMadeCertificate(folder)
  expect(made.notAfter.getTime()).toBeGreaterThan(Date.now())
  expect(stored('cert.pem')).toBe(made.cert)
  writeFileSync(join(folder, 'tls', 'key.pem'), 'half of')
  const again = await selfMadeCertificate(folder)
  expect(stored('key.pem')).toBe(again.key)
  expect(again.fingerprint).not.toBe(made.fingerprint)
})

test('a directory that cannot be written is an error', async () => {
  writeFileSync(join(folder, 'file'), '')
  await expect(selfMadeCertificate(join(folder, 'file'))).rejects.toThrow('ENOTDIR')
})
