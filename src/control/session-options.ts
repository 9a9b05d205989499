import type { FileSystem, Preparation } from '../backend/backend.ts'
import type { Rights } from '../commands/command.ts'
import type { Advertise } from '../data/advertised-address.ts'
import type { Pace } from '../data/pace.ts'
import type { PassivePorts } from '../data/passive-ports.ts'
import type { SourcePorts } from '../data/source-ports.ts'
import type { ByteString } from '../ftp/bytes.ts'
import type { Dialect, DialectChanges } from '../ftp/dialect.ts'
import type { Secret } from '../ftp/secret.ts'
import type { OldSession } from '../legacy/old-server.ts'
import type { Observer, TransferRecords } from '../observe/observer.ts'
import type { ClientAuthorities, ClientCertificate } from '../tls/client-certificates.ts'
import type { MinTls, Tls } from '../tls/session-tls.ts'

/** Everything that the sessions of one gateway share; times in milliseconds. */
export interface SessionOptions {
  readonly tls: Tls
  /** Of the listeners, by name, whose clients are asked for certificates. */
  readonly clientAuthorities: ReadonlyMap<string, ClientAuthorities>
  readonly ports: PassivePorts
  /** The address that PASV tells a client. */
  readonly advertise: Advertise
  /** Where active data connections come from. */
  readonly sourcePorts: SourcePorts
  readonly logIn: LogIn
  /** What can be begun for the login of a user name before its password is here; whoever gets it uses or cancels it. */
  readonly prepare: (caller: Caller) => Preparation | undefined
  /** Whether a caller needs no password with this certificate. */
  readonly certificateSuffices: (caller: Caller, certificate: ClientCertificate | undefined) => boolean
  /** Names the partner and the backend of a caller, for the log of a login that fails. */
  readonly routeOf: (caller: Caller) => { readonly partner: string; readonly backend: string }
  /** Lines before the last one of the greeting. */
  readonly greeting?: () => readonly ByteString[]
  readonly loginAttempts: number
  /** For clients of whose listener and partner nothing else is said. */
  readonly dialect: Dialect
  readonly timeouts: {
    readonly loginMs: number
    readonly idleMs: number
    /** Up to here a client may raise it (SITE IDLE). */
    readonly idleMaxMs: number
    readonly handshakeMs: number
    readonly dataConnectMs: number
    readonly dataStallMs: number
  }
  readonly observer: Observer
  readonly records: TransferRecords
}

/** Who wants to log in, and where they came in. */
export interface Caller {
  readonly username: ByteString
  /** Numeric address of the client. */
  readonly address: string
  /** Name of the listener. */
  readonly listener: string
}

/** Who a login is and where the files are; no password where the certificate suffices. Throws BackendError `loginRefused` or `unavailable`, or RefusedLogin. */
export type LogIn = (
  attempt: Caller & {
    readonly password: Secret | undefined
    readonly certificate: ClientCertificate | undefined
    readonly preparation: Preparation | undefined
  },
) => Promise<LoggedIn>

export interface LoggedIn {
  readonly partner: string
  readonly backend: string
  readonly files: FileSystem
  /** The login at an old server, where it is relayed; there are no files here then. */
  readonly old?: OldSession | undefined
  /** What the partner's clients need otherwise. */
  readonly dialect: DialectChanges
  readonly limits?: SessionLimits
  /** What the client is told of its way to SFTP: in the reply to PASS, and by SITE MIGRATION. */
  readonly admitted?: { readonly phase: string; readonly notice: readonly string[]; readonly status: readonly string[] }
}

/** What one session may use; what is left out has no limit of its own. */
export interface SessionLimits {
  /** The commands that it may use; undefined: all. */
  readonly rights?: Rights | undefined
  /** In place of the idle time of everybody. */
  readonly idleMs?: number | undefined
  readonly upload?: Pace | undefined
  readonly download?: Pace | undefined
  /** To be called when the login is over; idempotent. */
  leave?(): void
}

/** What a listener says about its sessions. */
export interface ListenerPolicy {
  readonly name: string
  readonly tls: 'explicit' | 'implicit' | 'off'
  readonly requireTls: boolean
  readonly sessionReuse: Dialect['tls']['sessionReuse'] | undefined
  readonly active: Dialect['active']['mode'] | undefined
  /** See ListenerConfig. */
  readonly minTls?: MinTls | undefined
  /** Whether CCC may take the TLS off the control connection. */
  readonly ccc?: boolean
  readonly greetingDelayMs?: number | undefined
}
