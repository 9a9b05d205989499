import { join } from 'node:path'
import { runOk } from '../../support/run.ts'

export interface Issued {
  readonly authority: string
  readonly cert: string
  readonly key: string
}

/**
 * A certificate for this machine from an authority, as gateways have in earnest: Go and Erlang refuse to trust the one that
 * the gateway makes for itself, because it is no authority's.
 */
export async function issueCertificate(folder: string): Promise<Issued> {
  const path = (name: string) => join(folder, name)
  const request = (...args: string[]) =>
    runOk('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-batch', ...args])
  await request(
    ...['-subj', '/CN=Authority of the tests', '-keyout', path('ca.key'), '-out', path('ca.pem')],
    ...['-addext', 'keyUsage=critical,keyCertSign,cRLSign'],
  )
  await request(
    ...['-CA', path('ca.pem'), '-CAkey', path('ca.key'), '-subj', '/CN=localhost'],
    ...['-keyout', path('key.pem'), '-out', path('cert.pem')],
    ...['-addext', 'basicConstraints=critical,CA:FALSE', '-addext', 'extendedKeyUsage=serverAuth'],
    ...['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1'],
  )
  return { authority: path('ca.pem'), cert: path('cert.pem'), key: path('key.pem') }
}
