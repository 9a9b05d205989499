import { execFileSync } from 'node:child_process'
import { createPrivateKey } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { loadCertificate } from '../../src/tls/certificates.ts'
import { certificateValidUntil, testCertificate } from '../support/certificates.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'certificates-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function write(cert: string, key: string): [string, string] {
  const files: [string, string] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  writeFileSync(files[0], cert)
  writeFileSync(files[1], key)
  return files
}

const tomorrow = new Date(Date.now() + 86_400_000)

test('a certificate is loaded with the fingerprint that openssl prints', async () => {
  const { cert, key } = await testCertificate()
  const files = write(cert, key)
  const loaded = await loadCertificate(...files)
  const printed = execFileSync('openssl', ['x509', '-in', files[0], '-noout', '-fingerprint', '-sha256'], {
    encoding: 'utf8',
  })
  expect(printed.trim().split('=')[1]).toBe(loaded.fingerprint)
  expect(loaded).toMatchObject({ cert, key, selfMade: false })
})

test('a chain may follow the certificate of the server', async () => {
  const { cert, key } = certificateValidUntil(tomorrow)
  const other = certificateValidUntil(tomorrow)
  const loaded = await loadCertificate(...write(cert + other.cert, key))
  expect(loaded.cert).toBe(cert + other.cert)
  await expect(loadCertificate(...write(other.cert + cert, key))).rejects.toThrow('before its chain')
})

test('an expired certificate is loaded, and its date tells', async () => {
  const yesterday = new Date(Math.floor(Date.now() / 1000) * 1000 - 86_400_000)
  const { cert, key } = certificateValidUntil(yesterday)
  expect((await loadCertificate(...write(cert, key))).notAfter).toEqual(yesterday)
})

test('a missing file is named', async () => {
  const { cert, key } = await testCertificate()
  const [certFile, keyFile] = write(cert, key)
  const missing = join(folder, 'no-such.pem')
  await expect(loadCertificate(missing, keyFile)).rejects.toThrow(`${missing}: there is no such file`)
  await expect(loadCertificate(certFile, missing)).rejects.toThrow(`${missing}: there is no such file`)
  await expect(loadCertificate(folder, keyFile)).rejects.toThrow(`${folder}: cannot be read (EISDIR)`)
})

test.each([
  ['text', 'hello', undefined, 'there is no certificate in PEM form'],
  ['a damaged certificate', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n', undefined, 'damaged'],
  ['no key', undefined, 'hello', 'there is no private key in PEM form'],
  ['a damaged key', undefined, '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n', 'damaged'],
])('%s instead is refused', async (_what, cert, key, message) => {
  const good = await testCertificate()
  await expect(loadCertificate(...write(cert ?? good.cert, key ?? good.key))).rejects.toThrow(message)
})

test('a key of another certificate is refused', async () => {
  const { cert } = await testCertificate()
  await expect(loadCertificate(...write(cert, certificateValidUntil(tomorrow).key))).rejects.toThrow('does not belong')
})

test('an encrypted key is refused with the way out, and the key itself is in no message', async () => {
  const { cert, key } = await testCertificate()
  const encrypted = createPrivateKey(key).export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-128-cbc',
    passphrase: 'x',
  })
  const refused = loadCertificate(...write(cert, String(encrypted)))
  await expect(refused).rejects.toThrow('is encrypted; store it without a passphrase')
  await expect(refused).rejects.not.toThrow(String(encrypted).split('\n')[1])
})
