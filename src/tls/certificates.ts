import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'

/** A server certificate with its private key, both as PEM text, checked to belong together. */
export interface Certificate {
  /** The certificate, then its chain. */
  readonly cert: string
  readonly key: string
  /** SHA-256 of the certificate in the form that openssl prints: `AB:CD:…`. */
  readonly fingerprint: string
  readonly notAfter: Date
  /** `rsa`, `ec` and so on. */
  readonly keyType: string
  /** DNS names in it, in lower case; the subject's where there are none besides (RFC 6125). */
  readonly names: readonly string[]
  /** Made by the gateway itself, so no client can trust it without being told to. */
  readonly selfMade: boolean
}

/**
 * Reads a certificate chain and its key from PEM files. Throws an Error whose message is one sentence for the operator
 * when a file is missing, is not PEM, or when the two do not belong together. An expired certificate is no error here:
 * old clients that never check it would lose their service; `notAfter` lets the caller report it.
 */
export async function loadCertificate(certFile: string, keyFile: string): Promise<Certificate> {
  const cert = await read(certFile, 'certificate')
  const key = await read(keyFile, 'private key')
  const leaf = parseCertificate(cert, certFile)
  const privateKey = parseKey(key, keyFile)
  if (!leaf.checkPrivateKey(privateKey)) {
    throw new Error(
      `${keyFile}: the private key does not belong to the first certificate in ${certFile}; give the key that the certificate was issued for, and put the server's certificate before its chain`,
    )
  }
  return describeCertificate(cert, key, false)
}

/** The certificate value of PEM texts that are known to be good. */
export function describeCertificate(cert: string, key: string, selfMade: boolean): Certificate {
  const leaf = new X509Certificate(cert)
  return {
    cert,
    key,
    fingerprint: leaf.fingerprint256,
    notAfter: new Date(leaf.validTo),
    keyType: leaf.publicKey.asymmetricKeyType ?? '',
    names: namesIn(leaf),
    selfMade,
  }
}

function namesIn(leaf: X509Certificate): readonly string[] {
  // Names in quotes are those that Node found something odd in; no host has such a name.
  const alternatives = [...(leaf.subjectAltName ?? '').matchAll(/(?:^|, )DNS:([^",]+)/g)].map(([, name = '']) => name)
  const { CN } = leaf.toLegacyObject().subject
  const names = alternatives.length === 0 && typeof CN === 'string' ? [CN] : alternatives
  return names.map((name) => name.toLowerCase())
}

async function read(file: string, what: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    const why =
      code === 'ENOENT'
        ? 'there is no such file'
        : code === 'EACCES'
          ? 'no permission to read it'
          : `cannot be read (${code})`
    throw new Error(`${file}: ${why}; the TLS ${what} must be a PEM file that the gateway can read`, { cause: error })
  }
}

function parseCertificate(pem: string, file: string): X509Certificate {
  if (!pem.includes('-----BEGIN CERTIFICATE-----')) {
    throw new Error(
      `${file}: there is no certificate in PEM form in it; give a file with a -----BEGIN CERTIFICATE----- block`,
    )
  }
  try {
    return new X509Certificate(pem)
  } catch (error) {
    throw new Error(`${file}: the certificate is damaged; copy it again from where it was issued`, { cause: error })
  }
}

function parseKey(pem: string, file: string): KeyObject {
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem)) {
    throw new Error(
      `${file}: there is no private key in PEM form in it; give a file with a -----BEGIN PRIVATE KEY----- block`,
    )
  }
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(pem)) {
    throw new Error(
      `${file}: the private key is encrypted; store it without a passphrase (openssl pkey -in KEY -out NEW) and protect the file with its mode`,
    )
  }
  try {
    return createPrivateKey(pem)
  } catch (error) {
    throw new Error(`${file}: the private key is damaged; copy it again from where it was made`, { cause: error })
  }
}
