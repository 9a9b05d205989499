import { X509Certificate } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { isIP } from 'node:net'
import { rootCertificates } from 'node:tls'
import type { Config } from '../../config/config.ts'
import { type Certificate, loadCertificate } from '../../tls/certificates.ts'
import { covers } from '../../tls/server-names.ts'
import { type Finding, findingsOf, messageOf } from './finding.ts'

const { ok, warn, fail } = findingsOf('certificate')
const dayMs = 86_400_000
/** Renewals of certbot come thirty days before the end; what is left then has missed them. */
const soonDays = 21

export interface CertificateQuestions {
  readonly now: Date
  /** The host that clients connect to, where it is known. */
  readonly name: string | undefined
}

/** Whether each certificate is one that clients can believe: key, dates, chain and names. */
export async function certificateFindings(
  { tls, listeners, passive }: Config,
  { now, name }: CertificateQuestions,
): Promise<readonly Finding[]> {
  if (listeners.every((listener) => listener.tls === 'off'))
    return [
      warn('none is used: every listener has tls: off', 'passwords pass in the clear; use explicit or implicit TLS'),
    ]
  if (tls.certificates.length === 0) {
    const todo = 'set tls.certificates to one that clients trust'
    return [warn('the gateway makes one of its own, which no client can verify', todo)]
  }
  const told = [passive.advertise].filter((host) => host !== 'auto' && isIP(host) === 0)
  const wanted = name === undefined ? told : [name]
  const loaded: Certificate[] = []
  const findings: Finding[] = []
  for (const { cert, key } of tls.certificates) {
    try {
      const certificate = await loadCertificate(cert, key)
      loaded.push(certificate)
      findings.push(...datesOf(certificate, cert, now), ...chainOf(certificate, cert), ...(await modeOf(key)))
    } catch (error) {
      findings.push(fail(messageOf(error), 'the gateway does not start like this'))
    }
  }
  return [...findings, ...wanted.map((host) => nameFinding(host, loaded))]
}

function datesOf({ cert, notAfter, names, keyType }: Certificate, file: string, now: Date): Finding[] {
  const leaf = new X509Certificate(cert)
  const days = Math.floor((notAfter.getTime() - now.getTime()) / dayMs)
  const until = `${file}: valid until ${notAfter.toISOString().slice(0, 10)}`
  const todo = 'renew it; the gateway takes the new files over by itself'
  if (days < 0) return [fail(`${until}, so it has expired`, todo)]
  if (new Date(leaf.validFrom) > now) {
    return [fail(`${file}: valid only from ${leaf.validFrom}`, 'look at the clock of this machine, or wait')]
  }
  if (days < soonDays) return [warn(`${until}, ${days} days from now`, todo)]
  return [ok(`${until} (${days} days), key ${keyType} fits, for ${names.join(', ') || 'no name'}`)]
}

/** Clients know roots only: all between the certificate and its root has to be in the file. */
function chainOf({ cert }: Certificate, file: string): Finding[] {
  const chain = (cert.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map(
    (pem) => new X509Certificate(pem),
  )
  for (const [i, one] of chain.slice(0, -1).entries()) {
    const next = chain[i + 1]
    if (next && one.checkIssued(next) && one.verify(next.publicKey)) continue
    const todo = 'put the certificates in order: that of the server, then each one that issued the one before'
    return [fail(`${file}: certificate ${i + 2} of the file did not issue the one before it`, todo)]
  }
  const last = chain.at(-1)
  if (!last) return []
  const [issuer] = last.issuer.split('\n').slice(-1)
  if (last.checkIssued(last)) {
    if (chain.length > 1) return [ok(`${file}: chain of ${chain.length} up to its root, ${issuer}`)]
    return [warn(`${file}: signed by itself`, 'clients have to be given it, or take one from an authority')]
  }
  if (rootCertificates.some((root) => last.checkIssued(new X509Certificate(root)))) {
    return [ok(`${file}: chain of ${chain.length} up to a public root, ${issuer}`)]
  }
  const todo = 'append the certificates in between; where the issuer is a root of your own, its clients have to know it'
  return [warn(`${file}: the chain ends at ${issuer}, which is no public root`, todo)]
}

async function modeOf(key: string): Promise<Finding[]> {
  const { mode } = await stat(key)
  if ((mode & 0o007) === 0) return []
  return [warn(`${key}: everybody on this machine may read the private key`, `chmod o= ${key}`)]
}

function nameFinding(host: string, certificates: readonly Certificate[]): Finding {
  if (certificates.some((one) => covers(one, host.toLowerCase()))) return ok(`${host} is one of the names`)
  return warn(`no certificate is for ${host}`, 'clients that check names refuse it; have one issued for that name too')
}
