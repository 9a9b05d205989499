import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import {
  type ConnectionOptions,
  createSecureContext,
  DEFAULT_CIPHERS,
  type SecureContext,
  type TLSSocket,
} from 'node:tls'

/** How the old server is spoken to, and by what it is known. */
export interface OldTls {
  readonly mode: 'explicit' | 'implicit' | 'off'
  /** PEM text of the authorities that vouch for it, in place of the system's. */
  readonly ca: string | undefined
  /** `SHA256:AA:BB:…` of certificates, one of which it shows; without `ca` nobody has to vouch for them then. */
  readonly fingerprints: readonly string[]
  /** Whether it is looked at who answers at all. */
  readonly verify: boolean
  /** Old servers may know nothing newer than TLS 1.0. */
  readonly minVersion: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3'
}

/** Node's own list with AES-128 in front: as safe on the way, and both ends have less to do with it. */
const ciphers = ['TLS_AES_128_GCM_SHA256', ...DEFAULT_CIPHERS.split(':')]
  .filter((name, i, all) => all.indexOf(name) === i)
  .join(':')

/** OpenSSL 3 signs nothing with SHA-1 above level 0, and the handshakes of TLS 1.0 and 1.1 need that. */
const legacyCiphers = `${ciphers}:@SECLEVEL=0`

export function contextOf({ ca, minVersion }: OldTls): SecureContext {
  const legacy = minVersion === 'TLSv1' || minVersion === 'TLSv1.1'
  const offered = { minVersion, ciphers: legacy ? legacyCiphers : ciphers }
  return createSecureContext({ ...offered, ...(ca !== undefined && { ca }) })
}

/** The name to ask for, and to find in the certificate; an address cannot be asked for. */
export function identityOf(host: string): Pick<ConnectionOptions, 'host' | 'servername'> {
  return isIP(host) === 0 ? { host, servername: host } : { host }
}

/** What is wrong with the certificate that the old server has shown on its control connection; undefined: nothing. */
export function fault(socket: TLSSocket, { ca, fingerprints, verify }: OldTls): string | undefined {
  const pinned = fingerprints.length > 0
  const shown = fingerprintOf(socket)
  if (pinned && !fingerprints.includes(shown)) return `its certificate is ${shown}, which is none of tls.fingerprints`
  const vouched = pinned ? ca !== undefined : verify
  if (!vouched || socket.authorized || isAmong(ca, socket.getPeerCertificate().raw)) return undefined
  return `its certificate is not trusted: ${socket.authorizationError}; it is ${shown}`
}

/** Whether `ca` names the very certificate: then it does not matter whose name is in it. */
function isAmong(ca: string | undefined, shown: Buffer | undefined): boolean {
  const named = ca?.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? []
  return shown !== undefined && named.some((text) => new X509Certificate(text).raw.equals(shown))
}

/** As `openssl x509 -noout -fingerprint -sha256` prints it, behind `SHA256:`. */
export function fingerprintOf(socket: TLSSocket): string {
  const { fingerprint256 } = socket.getPeerCertificate()
  return `SHA256:${fingerprint256 ?? 'none'}`
}
