import { generateKeyPair, randomBytes } from 'node:crypto'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import forge from 'node-forge'
import { type Certificate, describeCertificate, loadCertificate } from './certificates.ts'

/** The longest life that Apple's clients accept for a server certificate. */
const validityDays = 825

/**
 * A certificate that the gateway makes for itself when none is configured. With a directory it is kept in
 * `tls/cert.pem` and `tls/key.pem` (mode 0600) below it and used again while it is valid, so that clients which were
 * told to trust it go on working after a restart. Throws when the directory cannot be written.
 */
export async function selfMadeCertificate(directory: string | undefined): Promise<Certificate> {
  if (directory === undefined) return make()
  const certFile = join(directory, 'tls', 'cert.pem')
  const keyFile = join(directory, 'tls', 'key.pem')
  // Anything wrong with the kept one (absent, half-written, expired) has the same cure: make a new one.
  const kept = await loadCertificate(certFile, keyFile).catch(() => undefined)
  if (kept && kept.notAfter.getTime() > Date.now()) return { ...kept, selfMade: true }
  const made = await make()
  await mkdir(join(directory, 'tls'), { recursive: true, mode: 0o700 })
  await replaceFile(keyFile, made.key, 0o600)
  await replaceFile(certFile, made.cert, 0o644)
  return made
}

async function make(): Promise<Certificate> {
  // RSA, because FTP clients of the Windows XP and Java 6 age know nothing else.
  const { publicKey, privateKey } = await promisify(generateKeyPair)('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
  const certificate = forge.pki.createCertificate()
  certificate.publicKey = forge.pki.publicKeyFromPem(publicKey)
  // A positive number: the first byte's high bit is the sign.
  certificate.serialNumber = `01${randomBytes(15).toString('hex')}`
  certificate.validity.notBefore = new Date(Date.now() - 3_600_000)
  certificate.validity.notAfter = new Date(Date.now() + validityDays * 86_400_000)
  const name = [{ name: 'commonName', value: hostname().slice(0, 64) || 'localhost' }]
  certificate.setSubject(name)
  certificate.setIssuer(name)
  certificate.setExtensions([
    { name: 'basicConstraints', cA: false },
    { name: 'keyUsage', digitalSignature: true, keyEncipherment: true },
    { name: 'extKeyUsage', serverAuth: true },
    {
      name: 'subjectAltName',
      altNames: [
        { type: 2, value: hostname() },
        { type: 2, value: 'localhost' },
        { type: 7, ip: '127.0.0.1' },
        { type: 7, ip: '::1' },
      ],
    },
  ])
  certificate.sign(forge.pki.privateKeyFromPem(privateKey), forge.md.sha256.create())
  return describeCertificate(forge.pki.certificateToPem(certificate).replaceAll('\r\n', '\n'), privateKey, true)
}

/** Whole or not at all: a crash in between leaves the old file. */
async function replaceFile(file: string, content: string, mode: number): Promise<void> {
  const temporary = `${file}.${randomBytes(4).toString('hex')}`
  await writeFile(temporary, content, { mode, flag: 'wx' })
  await rename(temporary, file)
}
