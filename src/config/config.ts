import type { Dialect, DialectChanges } from '../ftp/dialect.ts'
import type { Secret } from '../ftp/secret.ts'
import type { MigrationConfig, PartnerMigration, Phase } from './migration-config.ts'

/** The configuration as the rest of the gateway sees it: checked, complete, frozen; paths absolute, times in milliseconds. */
export interface Config {
  readonly listeners: readonly ListenerConfig[]
  readonly passive: PassiveConfig
  readonly active: ActiveConfig
  readonly tls: TlsConfig
  readonly backends: readonly BackendConfig[]
  /** Servers to which logins in the phase `legacy` are relayed. */
  readonly oldServers: readonly OldServerConfig[]
  readonly defaults: {
    /** Backend of logins that match no partner. */
    readonly backend: string
    /** Of logins that match no partner. */
    readonly phase: Phase
    /** The old server of the phase `legacy`, where a partner names no other. */
    readonly legacy: string | undefined
    /** Of each partner that says nothing else, and of each user of no partner. */
    readonly limits: PartnerLimits
  }
  readonly migration: MigrationConfig
  readonly partners: readonly PartnerConfig[]
  readonly admin: { readonly address: string; readonly port: number } | undefined
  /** Whether each partner has series of its own, or all have them together. */
  readonly metrics: { readonly perPartner: boolean }
  readonly logging: {
    readonly level: LogLevel
    readonly format: 'auto' | 'pretty' | 'json'
    /** A line for each transfer; undefined for none. */
    readonly transferLog: TransferLogConfig | undefined
    /** The file that says when partners came to another phase; undefined for none. */
    readonly audit: string | undefined
  }
  readonly state: { readonly directory: string | undefined }
  readonly limits: LimitsConfig
  readonly timeouts: TimeoutsConfig
  readonly upload: UploadConfig
  /** How FTP is spoken with everybody for whom nothing else is said. */
  readonly dialect: Dialect
  readonly shutdown: { /** How long transfers may go on after SIGTERM. */ readonly drainMs: number }
}

export interface TransferLogConfig {
  readonly file: string
  readonly format: 'json' | 'xferlog'
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error'

export interface ListenerConfig {
  readonly name: string
  /** Numeric address; `::` takes IPv4 too. */
  readonly address: string
  /** 0 takes any free port. */
  readonly port: number
  /** explicit: AUTH TLS; implicit: TLS from the first byte; off: plain FTP only. */
  readonly tls: 'explicit' | 'implicit' | 'off'
  /** Refuses USER before TLS and transfers without PROT P. Always false with `tls: off`. */
  readonly requireTls: boolean
  /** For its clients in place of the globals. */
  readonly sessionReuse: Dialect['tls']['sessionReuse'] | undefined
  readonly active: Dialect['active']['mode'] | undefined
  /** Implicit TLS: a client that says nothing for so long gets its greeting in the clear, before the handshake. */
  readonly greetingDelayMs: number | undefined
  /** In place of `tls.minVersion`; below TLS 1.2 nothing is safe from somebody in between. */
  readonly minTls: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3' | undefined
  /** Whether CCC may take the TLS off a control connection. */
  readonly ccc: boolean
  /** Whether clients are asked for a certificate, and turned away without a valid one. */
  readonly clientCertificates: 'off' | 'request' | 'require'
  /** Files of the authorities that clients' certificates come from, and of what these have revoked. */
  readonly clientCa: string | undefined
  readonly clientCrl: string | undefined
}

export interface PassiveConfig {
  /** Inclusive range; 0-0 takes any free port. */
  readonly ports: { readonly first: number; readonly last: number }
  /** `auto`: the address that the client connected to; else an IPv4 address or a host name. */
  readonly advertise: string
  /** The same for clients from these IPv4 networks, in place of `advertise`. */
  readonly advertiseFor: readonly { readonly from: string; readonly address: string }[]
  /** This instance's share of `ports`, where several have one configuration. */
  readonly slice: { readonly index: number; readonly count: number }
}

export interface ActiveConfig {
  /** Inclusive range that active data connections come from; 0-0 leaves the choice to the system. */
  readonly sourcePort: { readonly first: number; readonly last: number }
}

export interface TlsConfig {
  /** Empty: the gateway makes a certificate of its own and says so loudly. */
  readonly certificates: readonly { readonly cert: string; readonly key: string }[]
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3'
}

export interface BackendConfig {
  readonly name: string
  readonly host: string
  readonly port: number
  /** `SHA256:…` fingerprints as ssh-keygen prints them. */
  readonly hostKeys: readonly string[]
  /** A known_hosts file. */
  readonly knownHosts: string | undefined
  readonly timeouts: BackendTimeouts
  readonly health: { readonly everyMs: number; readonly timeoutMs: number }
  /** Connections over which one large file is moved; 1: its login's own only. */
  readonly stripe: number
  /** The partner with whose account uploads are tried out at start. */
  readonly preflight?: string | undefined
  /** For partners with a key or password of the gateway's: connections of one account, and how long an unused one is kept. */
  readonly pool: { readonly connections: number; readonly idleMs: number }
  readonly capabilities: BackendCapabilities
}
/** What the operator says of the server; what is not there the gateway finds out (`backend/sftp/capabilities.ts`). */
export interface BackendCapabilities {
  readonly readBytes?: number
  readonly writeBytes?: number
  readonly answersInOrder?: boolean
  readonly pipelinedReaddir?: number
  readonly channels?: number
  readonly window?: 'large' | 'small'
  readonly stripes?: boolean
  readonly rename?: 'posix' | 'swap' | 'plain' | 'none'
  readonly setModified?: 'ok' | 'ignore'
  readonly setMode?: 'ok' | 'ignore'
  readonly symlink?: 'targetFirst' | 'linkFirst'
  readonly fsync?: boolean
  readonly sizeAfterUpload?: 'check' | 'skip'
  readonly readOnce?: boolean
  readonly keepalive?: 'ssh' | 'sftp' | 'off'
}
/** A backend of type ftps. */
export interface OldServerConfig {
  readonly name: string
  readonly host: string
  readonly port: number
  readonly tls: {
    readonly mode: 'explicit' | 'implicit' | 'off'
    /** File with the authorities that vouch for it, in place of the system's. */
    readonly ca: string | undefined
    /** `SHA256:AA:BB:…` of its certificates. */
    readonly fingerprints: readonly string[]
    readonly verify: boolean
    readonly minVersion: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3'
  }
  readonly timeouts: Pick<BackendTimeouts, 'connectMs' | 'loginMs' | 'requestMs' | 'closeMs'>
}
export interface BackendTimeouts {
  /** TCP connect. */
  readonly connectMs: number
  /** Key exchange and authentication together. */
  readonly loginMs: number
  /** Any one SFTP request without an answer while no other is answered either. */
  readonly requestMs: number
  /** CLOSE and fsync: object stores finish an upload there. */
  readonly closeMs: number
  /** A server that is lost in the middle of a transfer may stay away for so long; 0: the transfer fails at once. */
  readonly reconnectMs: number
}

export interface PartnerConfig {
  readonly name: string
  /** Empty: every user name that is no other partner's, from its sources and at its listeners. */
  readonly users: readonly string[]
  /** Networks (ftp/ip-network.ts) that its clients come from; none: from everywhere. */
  readonly sources?: readonly string[]
  /** Names of the listeners that its clients come in at; none: at all of them. */
  readonly listeners?: readonly string[]
  /** Certificates of which its clients show one: `SHA256:AB:CD:…` or `CN=…`. Empty: they need none. */
  readonly certificates: readonly string[]
  readonly auth: PartnerAuth
  readonly backend: string
  /** All that are tried, `backend` first: the next one when the one before is unavailable. */
  readonly backends?: readonly string[]
  /** The old server of the phase `legacy`; undefined: that of the defaults. */
  readonly legacy?: string | undefined
  /** Undefined: phase gateway, for good. */
  readonly migration?: PartnerMigration
  /** The client's `/` on the backend; undefined: the backend's own root, starting in the login's home. */
  readonly root: string | undefined
  /** In place of `root`: folders of the login, each on its backend; `backend` is that of `/`, or of the first. */
  readonly paths?: readonly PathConfig[]
  /** Whether links on the backend that lead out of the root, or of a path, are followed; undefined: they are not. */
  readonly symlinks?: 'inside' | 'follow'
  /** What its file says in place of the globals and the listener. */
  readonly dialect: DialectChanges
  /** Complete, with those of the defaults; left out: none. */
  readonly limits?: PartnerLimits
  /** How often an upload has to come; undefined: nobody waits for one. */
  readonly expect?: { readonly everyMs: number; readonly weekdays: boolean } | undefined
}

export interface PathConfig {
  /** As the client sees it, and on the backend; absolute and normalised. */
  readonly ftp: string
  readonly sftp: string
  readonly backend: string
  readonly readOnly: boolean
}

/** Of all logins of one partner together; 0 and undefined mean none. */
export interface PartnerLimits {
  readonly sessions: number | undefined
  readonly sessionsPerAddress: number | undefined
  readonly loginsPerMinute: number | undefined
  /** Bytes a second of all uploads, and of all downloads and listings. */
  readonly bandwidth: { readonly up: number | undefined; readonly down: number | undefined }
  /** Nothing may be changed. */
  readonly readOnly: boolean | undefined
  /** Verbs in upper case, words of SITE as `SITE CHMOD`; an empty `allow` allows all. */
  readonly commands: { readonly allow: readonly string[]; readonly deny: readonly string[] }
  /** In place of timeouts.idle. */
  readonly idleMs: number | undefined
}

export type PartnerAuth =
  /** The client's password is the backend's; `username` replaces the client's user name there. */
  | { readonly mode: 'passthrough'; readonly username: string | undefined }
  /** The password is checked against a scrypt or argon2id hash here; the backend is entered with a key or a password of its own. */
  | {
      readonly mode: 'local'
      readonly passwordHash: string
      readonly username: string
      readonly proof: BackendProof
    }
  /**
   * As `local`, with the passwords that the old server has accepted in the phase legacy; the hash is of users whose password
   * is not known by then.
   */
  | {
      readonly mode: 'learn'
      readonly passwordHash: string | undefined
      readonly username: string
      readonly proof: BackendProof
    }
  /** The client's certificate is enough; the backend is entered as with `local`. */
  | { readonly mode: 'certificate'; readonly username: string; readonly proof: BackendProof }

/** What the gateway shows the backend in place of the client's password. */
export type BackendProof =
  /** PEM or OpenSSH text of the key. */
  | { readonly kind: 'privateKey'; readonly privateKey: string; readonly passphrase: string | undefined }
  | { readonly kind: 'password'; readonly password: Secret }
  /** The socket of an ssh-agent. */
  | { readonly kind: 'agent'; readonly socket: string }

export interface LimitsConfig {
  readonly sessions: number
  readonly sessionsPerAddress: number
  /** Refused logins after which the control connection is closed. */
  readonly loginAttempts: number
  /** Refused logins from one address within ten minutes, after which its new connections are refused. */
  readonly refusalsPerAddress: number
  /** Bytes of upload or download data that may wait in memory for the backend: one stream, all streams. */
  readonly bytesInFlightPerTransfer: number
  readonly bytesInFlight: number
}

export interface TimeoutsConfig {
  /** From connect to the end of the login. */
  readonly loginMs: number
  /** No command and no transfer. */
  readonly idleMs: number
  /** Up to here a client may raise it. */
  readonly idleMaxMs: number
  /** A TLS handshake. */
  readonly handshakeMs: number
  /** From the transfer command to the data connection. */
  readonly dataConnectMs: number
  /** A data connection without progress. */
  readonly dataStallMs: number
}

export interface UploadConfig {
  readonly fsync: 'auto' | 'off'
  /** Where the bytes are until they are complete: beside the final name, in it, or in a folder of their own. */
  readonly mode: 'atomic' | 'in-place' | 'staging'
  /** That folder: an absolute path on the backend, or one below the home of the login. */
  readonly staging: string
  /** How an upload is compared with what came of it: by its size, or read again by its SHA-256. */
  readonly verify: 'size' | 'hash'
  /** How long what was interrupted of an upload is kept for its client to continue; 0: not at all. */
  readonly keepPartialMs: number
}
