export interface HostKey {
  readonly type: string
  readonly fingerprint: string
  readonly blob: Buffer
}

export interface HandoverFacts {
  readonly partner: string
  readonly title: string | undefined
  /** Where the partner moves to. */
  readonly server: { readonly host: string; readonly port: number }
  readonly user: string
  /** What the server shows now, and the operator has pinned. */
  readonly hostKeys: readonly HostKey[]
  /** The folder of the SFTP server that is the client's `/`; undefined: the login starts where it did. */
  readonly root: string | undefined
  /** `2027-03-01` and what happens then. */
  readonly dates: readonly { readonly day: string; readonly what: string }[]
  readonly contact: string | undefined
  readonly link: string | undefined
  /** What the journal has seen that is different with SFTP. */
  readonly found: readonly string[]
}

/** Of the private key that a partner makes. */
export function keyName(partner: string): string {
  return `${partner}_sftp`
}
