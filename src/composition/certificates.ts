import type { Config } from '../config/config.ts'
import type { Observer } from '../observe/observer.ts'
import { type Certificate, loadCertificate } from '../tls/certificates.ts'
import { type ClientAuthorities, loadClientAuthorities } from '../tls/client-certificates.ts'
import { selfMadeCertificate } from '../tls/self-made.ts'
import { createTls, type Tls } from '../tls/session-tls.ts'
import { startError } from './start-error.ts'

/** The TLS of one configuration, and the certificates that it shows. */
export interface LoadedTls {
  readonly tls: Tls
  readonly certificates: readonly Certificate[]
}

/** Throws StartError for certificates and keys that cannot be used. */
export async function loadTls(config: Config): Promise<LoadedTls> {
  const { certificates: files, minVersion } = config.tls
  const certificates = await (files.length > 0
    ? Promise.all(files.map(({ cert, key }) => loadCertificate(cert, key)))
    : selfMadeCertificate(config.state.directory).then((made) => [made])
  ).catch(startError)
  return { certificates, tls: await createTls({ certificates, minVersion }).catch(startError) }
}

/** Says of the listeners that are there which certificates they show. */
export function announceTls({ tls, certificates }: LoadedTls, { listeners }: Config, observer: Observer): void {
  const first = certificates.toSorted((a, b) => a.notAfter.getTime() - b.notAfter.getTime())[0]
  for (const certificate of certificates) {
    const { selfMade, fingerprint, notAfter } = certificate
    const about = { selfMade, fingerprint, notAfter, later: certificate !== first }
    for (const listener of listeners) {
      if (listener.tls !== 'off') observer({ kind: 'certificate', listener: listener.name, ...about })
    }
  }
  if (!tls.ticketSuppression) {
    const message = 'this Node cannot keep session tickets off upload connections; TLS 1.3 is switched off'
    observer({ kind: 'warning', topic: 'tls_tickets', message })
  }
  for (const { fingerprint } of tls.names.unused) {
    const message = `the certificate ${fingerprint} is shown to nobody: those before it have all its names, and its kind of key`
    observer({ kind: 'warning', topic: 'certificate', message })
  }
}

/** Whether both show the same certificates. */
export function showSame(a: LoadedTls, b: LoadedTls): boolean {
  const shown = ({ certificates }: LoadedTls) => certificates.map(({ fingerprint }) => fingerprint).join(' ')
  return shown(a) === shown(b)
}

export function certificateFiles({ tls }: Config): readonly string[] {
  return tls.certificates.flatMap(({ cert, key }) => [cert, key])
}

/** By listener. Throws StartError for files that cannot be used. */
export async function clientAuthoritiesOf({ listeners }: Config): Promise<ReadonlyMap<string, ClientAuthorities>> {
  const authorities = new Map<string, ClientAuthorities>()
  for (const { name, clientCertificates: mode, clientCa, clientCrl } of listeners) {
    if (mode === 'off' || clientCa === undefined) continue
    const loaded = loadClientAuthorities(mode, clientCa, clientCrl)
    authorities.set(name, await loaded.catch(startError))
  }
  return authorities
}
