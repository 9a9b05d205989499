/** A client certificate that was found to be valid. */
export interface ShownCertificate {
  /** SHA-256 of the certificate: `AB:CD:…`. */
  readonly fingerprint: string
  readonly commonName: string | undefined
}

/** Whether the certificate is one of those that a partner's file names: `SHA256:AB:CD:…` or `CN=…`. */
export function isNamed(names: readonly string[], certificate: ShownCertificate | undefined): boolean {
  if (certificate === undefined) return false
  const { fingerprint, commonName } = certificate
  return names.includes(`SHA256:${fingerprint}`) || (commonName !== undefined && names.includes(`CN=${commonName}`))
}
