import type { Certificate } from './certificates.ts'

/** Which certificates are shown to whom. */
export interface ServerNames {
  /** For a client that asked for this host; for none, and one that no certificate is for, those of the first certificate. */
  certificatesFor(host: string | undefined): readonly Certificate[]
  /** Whether a certificate is for this host. */
  know(host: string): boolean
  /** Certificates that no client is ever shown, because others come first. */
  readonly unused: readonly Certificate[]
}

/**
 * Certificates by the names in them. Of several for one host one is shown for each kind of key, and of these OpenSSL takes
 * the one that the client can read: an exact name goes before a wildcard, and then the one that is named first.
 */
export function serverNames(certificates: readonly Certificate[]): ServerNames {
  const first = certificates[0]
  const alike = certificates.filter((other) => first?.names.some((name) => other.names.includes(name)))
  const usual = onePerKey(first ? [first, ...alike] : [])

  const matching = (host: string) => {
    const covering = certificates.filter((certificate) => covers(certificate, host))
    const exact = covering.filter(({ names }) => names.includes(host))
    return onePerKey([...exact, ...covering])
  }
  const shown = new Set([...usual, ...certificates.flatMap(({ names }) => names.flatMap(matching))])
  return {
    certificatesFor(host) {
      const matches = host === undefined ? [] : matching(host)
      return matches.length > 0 ? matches : usual
    },
    know: (host) => certificates.some((certificate) => covers(certificate, host)),
    unused: certificates.filter((certificate) => !shown.has(certificate)),
  }
}

/** Whether a client that wants to talk to this host may believe a certificate; `*` stands for one label (RFC 6125 section 6.4). */
export function covers({ names }: Certificate, host: string): boolean {
  return names.some((name) => name === host || (name.startsWith('*.') && name.slice(1) === host.replace(/^[^.]+/, '')))
}

function onePerKey(certificates: readonly Certificate[]): readonly Certificate[] {
  return certificates.filter(({ keyType }, i) => certificates.findIndex((other) => other.keyType === keyType) === i)
}
