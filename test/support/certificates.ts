import { generateKeyPairSync } from 'node:crypto'
import forge from 'node-forge'
import type { Certificate } from '../../src/tls/certificates.ts'
import { selfMadeCertificate } from '../../src/tls/self-made.ts'

let made: Promise<Certificate> | undefined

/** A certificate for localhost, the same one within a test file: making its key takes a moment. */
export function testCertificate(): Promise<Certificate> {
  made ??= selfMadeCertificate(undefined)
  return made
}

/** PEM texts of a certificate with the validity that a test needs. */
export function certificateValidUntil(notAfter: Date): { readonly cert: string; readonly key: string } {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
  const certificate = forge.pki.createCertificate()
  certificate.publicKey = forge.pki.publicKeyFromPem(publicKey)
  certificate.serialNumber = '01'
  certificate.validity.notBefore = new Date(notAfter.getTime() - 86_400_000)
  certificate.validity.notAfter = notAfter
  certificate.setSubject([{ name: 'commonName', value: 'localhost' }])
  certificate.setIssuer([{ name: 'commonName', value: 'localhost' }])
  certificate.sign(forge.pki.privateKeyFromPem(privateKey), forge.md.sha256.create())
  return { cert: forge.pki.certificateToPem(certificate), key: privateKey }
}
