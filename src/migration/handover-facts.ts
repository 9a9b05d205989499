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
  /** Folders of the client, longest name first, where they are not all below one; `there` undefined: on another server. */
  readonly paths:
    | readonly { readonly ftp: string; readonly there: string | undefined; readonly readOnly: boolean }[]
    | undefined
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

/** Where a file is by SFTP that was `path` by FTPS; undefined: not on this server. */
export function placeBySftp({ root, paths }: Pick<HandoverFacts, 'root' | 'paths'>, path: string): string | undefined {
  if (paths === undefined) return `${root === undefined || root === '/' ? '' : root}${path}`
  const fitting = paths.find(({ ftp }) => ftp === '/' || path === ftp || path.startsWith(`${ftp}/`))
  if (fitting?.there === undefined) return undefined
  const { ftp, there } = fitting
  return `${there === '/' ? '' : there}${ftp === '/' ? path : path.slice(ftp.length)}` || '/'
}
