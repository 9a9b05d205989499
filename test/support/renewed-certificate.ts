import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runOk } from './run.ts'

/** A certificate for localhost and 127.0.0.1 of an authority of its own, which openssl renews as an ACME client would. */
export interface RenewedCertificate {
  readonly cert: string
  readonly key: string
  /** What clients trust. */
  readonly authority: string
  /** Another certificate under the same names; every tenth has another key too. */
  renew(): Promise<void>
  /** Of the certificate on disk, as openssl prints it. */
  serial(): string
}

export async function renewedCertificate(folder: string): Promise<RenewedCertificate> {
  mkdirSync(folder, { recursive: true })
  const at = (name: string) => join(folder, name)
  const openssl = (...args: string[]) => runOk('openssl', args, { cwd: folder })
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  await openssl('req', '-x509', ...newKey, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=test CA', '-days', '30')
  writeFileSync(at('names'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n')
  let count = 0
  const renew = async () => {
    count++
    const fresh = count % 10 === 1
    if (fresh) {
      await openssl('req', '-new', ...newKey, '-keyout', 'key.new', '-out', 'csr', '-subj', '/CN=localhost')
    }
    const issuer = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-set_serial', String(count)]
    await openssl('x509', '-req', '-in', 'csr', ...issuer, '-days', '30', '-extfile', 'names', '-out', 'cert.new')
    if (fresh) renameSync(at('key.new'), at('key.pem'))
    renameSync(at('cert.new'), at('cert.pem'))
  }
  await renew()
  return {
    cert: at('cert.pem'),
    key: at('key.pem'),
    authority: at('ca.pem'),
    renew,
    serial: () => count.toString(16).toUpperCase().padStart(2, '0'),
  }
}
