import type { NameSettings } from './name-translation.ts'

/**
 * How FTP is spoken with a client, in what clients need differently. Groups and names are those of the configuration: the
 * globals say it for everybody, a listener or a partner for its own clients.
 */
export interface Dialect {
  readonly upload: {
    /** require: an upload that does not end with TLS close_notify fails; warn: it is accepted and logged. */
    readonly endOfData: 'require' | 'warn'
  }
  readonly tls: {
    /** Whether data connections must resume the TLS session of their control connection. */
    readonly sessionReuse: 'prefer' | 'require' | 'off'
  }
  readonly passive: {
    /** Whether a data connection must come from the address of its control connection, or may come from any. */
    readonly peerMustMatch: 'control' | 'any'
  }
  readonly active: {
    /** Whether PORT and EPRT are there at all. */
    readonly mode: 'on' | 'off'
    /** PORT with a private address that is not the client's, from behind NAT: refuse it, or connect to the client's. */
    readonly privateAddress: 'refuse' | 'rewrite'
  }
  readonly commands: {
    /** When NOOP during a transfer is answered: in its turn, which suits every client, or at once. */
    readonly noop: 'after' | 'immediate'
    /** Whether MODE Z (deflate) is offered. */
    readonly modeZ: boolean
    /** Whether ALLO asks for free space, and is refused where there is less. */
    readonly alloCheck: boolean
    /** Whether COMB, which puts files together, is offered. */
    readonly comb: boolean
    /** Whether RANG, for downloads of a part of a file, is offered. */
    readonly rang: boolean
  }
  readonly hash: {
    /** Whether checksums of files are made. */
    readonly commands: 'on' | 'off'
    /** Of so many bytes at most: the client waits without a word, and the gateway reads all of them. */
    readonly maxBytes: number
  }
  readonly listing: {
    /** The look of LIST, to begin with: `ls -l`, or DIR of Windows. */
    readonly style: 'unix' | 'dos'
    /** IANA name of the zone of the times in LIST; facts and MDTM are UTC always. */
    readonly timeZone: string
    /** `ftp` in place of every owner and group. */
    readonly hideIds: boolean
    /** Names with a leading dot are shown by LIST and NLST only after `-a` or `-A`, as by `ls`. */
    readonly hideDotFiles: boolean
    /** Whether `-R` also lists what is below. */
    readonly recursive: boolean
    /** How MLSD and MLST show a link: as what it points to, or as a link, of which many clients know nothing. */
    readonly symlinks: 'target' | 'slink'
  }
  readonly ascii: {
    /** Whether TYPE A changes line ends; where not, files pass unchanged as in TYPE I. */
    readonly convert: boolean
    /** SIZE in TYPE A: of the stored file, of the converted one, or refused. */
    readonly size: 'binary' | 'exact' | 'deny'
    /** How the backend's text files end their lines. */
    readonly lineEnds: 'lf' | 'crlf'
    /** The code page of TYPE E. */
    readonly ebcdic: 'off' | 'ibm1047' | 'ibm037'
  }
  readonly names: NameSettings
}

/** What a listener or a partner says otherwise. */
export type DialectChanges = { readonly [Group in keyof Dialect]?: Changes<Dialect[Group]> }
type Changes<G> = { readonly [Key in keyof G]?: G[Key] | undefined }

export const usualDialect: Dialect = {
  upload: { endOfData: 'require' },
  tls: { sessionReuse: 'prefer' },
  passive: { peerMustMatch: 'control' },
  active: { mode: 'on', privateAddress: 'refuse' },
  commands: { noop: 'after', modeZ: false, alloCheck: false, comb: false, rang: false },
  hash: { commands: 'on', maxBytes: 1024 ** 3 },
  listing: {
    style: 'unix',
    timeZone: 'UTC',
    hideIds: false,
    hideDotFiles: false,
    recursive: false,
    symlinks: 'target',
  },
  ascii: { convert: true, size: 'binary', lineEnds: 'lf', ebcdic: 'off' },
  names: { charset: 'utf-8', backendCharset: 'utf-8', normalize: 'none' },
}

/** The dialect with every key that a change names in place of its own; what is undefined there stays. */
export function changed(dialect: Dialect, changes: DialectChanges): Dialect {
  return {
    upload: over(dialect.upload, changes.upload),
    tls: over(dialect.tls, changes.tls),
    passive: over(dialect.passive, changes.passive),
    active: over(dialect.active, changes.active),
    commands: over(dialect.commands, changes.commands),
    hash: over(dialect.hash, changes.hash),
    listing: over(dialect.listing, changes.listing),
    ascii: over(dialect.ascii, changes.ascii),
    names: over(dialect.names, changes.names),
  }
}

function over<G extends object>(group: G, changes: Changes<G> = {}): G {
  const told = Object.entries(changes).filter(([, value]) => value !== undefined)
  return { ...group, ...Object.fromEntries(told) }
}
