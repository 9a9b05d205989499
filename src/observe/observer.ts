import type { ByteString } from '../ftp/bytes.ts'
import type { MigrationEvent } from './migration-events.ts'

/** Everything an operator can see, as one union; `log.ts` and `metrics.ts` say what each event becomes. */
export type Event =
  /** The gateway itself. */
  | { readonly kind: 'listening'; readonly listener: string; readonly address: string; readonly port: number }
  /** A reload has removed a listener, or its port; who came in there stays. */
  | { readonly kind: 'listenerClosed'; readonly listener: string; readonly address: string; readonly port: number }
  | { readonly kind: 'started'; readonly version: string; readonly sshCrypto: 'native' | 'js' }
  | { readonly kind: 'draining'; readonly sessions: number }
  | { readonly kind: 'stopped' }
  /** Where what partners do is written down; undefined: nowhere. */
  | { readonly kind: 'journal'; readonly directory: string | undefined }
  | {
      readonly kind: 'reloaded'
      readonly ok: boolean
      readonly problems: readonly string[]
      readonly changes?: readonly string[]
    }
  | {
      readonly kind: 'certificate'
      readonly listener: string
      readonly selfMade: boolean
      readonly fingerprint: string
      readonly notAfter: Date
      /** Another certificate of the listener ends before this one. */
      readonly later?: boolean
    }
  | MigrationEvent
  /** The verifier of a password that an old server has accepted is kept. */
  | { readonly kind: 'passwordLearned'; readonly partner: string; readonly user: string }
  /** Something that the operator should change; `topic` is stable, `message` says what and what to do. */
  | { readonly kind: 'warning'; readonly topic: string; readonly message: string; readonly session?: string }
  /** Our own mistake: an exception that nobody foresaw. */
  | { readonly kind: 'bug'; readonly error: unknown; readonly session?: string }
  /** Control connections. */
  | {
      readonly kind: 'connectionRefused'
      readonly listener: string
      readonly address: string
      readonly reason: Refusal
    }
  | { readonly kind: 'sessionOpened'; readonly session: string; readonly listener: string; readonly address: string }
  | {
      readonly kind: 'sessionClosed'
      readonly session: string
      readonly listener: string
      readonly reason: SessionEnd
      readonly seconds: number
    }
  | {
      readonly kind: 'tls'
      readonly session: string
      readonly channel: 'control' | 'data'
      readonly outcome: 'ok' | 'failed'
      readonly version?: string
      readonly cipher?: string
      readonly reused?: boolean
      /** The name that the client asked for (SNI). */
      readonly serverName?: string | undefined
      /** What a client has shown that was asked for it. */
      readonly certificate?: string
      readonly reason?: string
    }
  | {
      readonly kind: 'login'
      readonly session: string
      readonly user: ByteString
      readonly partner: string
      readonly backend: string
      readonly address: string
      readonly outcome: LoginOutcome
      readonly seconds: number
      readonly reason?: string
      /** Of the partner's move, for who was let in. */
      readonly phase?: string
      /** Of a refusal, as the client was told. */
      readonly reference?: string
    }
  | {
      readonly kind: 'command'
      readonly session: string
      readonly verb: string
      readonly known: boolean
      /** What kind of command it is; left out where it is not known. */
      readonly family?: string | undefined
      readonly argument: ByteString
      readonly code: number
      readonly seconds: number
    }
  /** Data connections. */
  | {
      readonly kind: 'dataConnection'
      readonly session: string
      readonly mode: 'passive' | 'active'
      readonly outcome: DataOutcome
      /** `host:port` that the client was told, or that it named. */
      readonly advertised: string
      readonly reason?: string
      /** What there is to know when a client waited in vain. */
      readonly missing?: MissingData
    }
  /** Names were shown that the client's charset cannot express, and that so cannot be sent back. */
  | {
      readonly kind: 'namesLost'
      readonly session: string
      readonly partner: string
      readonly charset: string
      /** Since the last such event of the session. */
      readonly names: number
      /** What was listed last; empty for names in replies. */
      readonly path: ByteString
    }
  | { readonly kind: 'passivePorts'; readonly inUse: number; readonly size: number }
  | TransferStart
  | TransferEvent
  /** A transfer is missing in the transfer log; what it has stored stays stored. */
  | {
      readonly kind: 'transferRecordLost'
      readonly session: string
      readonly partner: string
      readonly path: ByteString
      readonly reason: string
    }
  /** Backends. */
  | {
      readonly kind: 'backendConnection'
      readonly backend: string
      readonly outcome: 'ok' | BackendFailure
      readonly seconds: number
      readonly reason?: string
    }
  | {
      readonly kind: 'backendReady'
      readonly backend: string
      readonly banner: string
      readonly cipher: string
      readonly extensions: readonly string[]
    }
  | {
      /** A session that was lost in the middle of a transfer was replaced, or could not be. */
      readonly kind: 'backendRenewed'
      readonly backend: string
      readonly outcome: 'ok' | 'failed'
      readonly tries: number
      readonly seconds: number
      readonly reason?: string
    }
  | {
      /** A connection is used by a login, is kept warm for the next, or (without `after`) has gone. */
      readonly kind: 'backendConnectionUse'
      readonly backend: string
      readonly before?: ConnectionUse
      readonly after?: ConnectionUse
    }
  /** Thousands of times a second: whoever listens has to be quick. */
  | {
      readonly kind: 'sftpRequest'
      readonly backend: string
      readonly operation: string
      /** What the server answered; `lost`: nothing any more; `cancelled`: nobody waited for it any longer. */
      readonly status: string
      readonly seconds: number
    }
  | { readonly kind: 'backendUp'; readonly backend: string; readonly up: boolean }
  | {
      /** A backend was tried out with a partner's account. */
      readonly kind: 'preflight'
      readonly backend: string
      readonly partner: string
      readonly outcome: PreflightOutcome
      /** What it lacks, and what that means, in words. */
      readonly found: readonly string[]
    }

/** Why a control connection was refused: too many of them, too many refused logins from its address, or a stop. */
export type Refusal = 'limit' | 'logins' | 'draining'
export type PreflightOutcome = 'works' | 'fails' | 'lost' | 'unavailable'
export type SessionEnd = 'quit' | 'client' | 'timeout' | 'refused' | 'error' | 'shutdown'
/** brownout and retired: the password was right. */
export type LoginOutcome = 'ok' | 'bad_password' | 'limit' | 'backend' | 'brownout' | 'retired'
export type DataOutcome = 'ok' | 'timeout' | 'wrong_peer' | 'tls' | 'no_port' | 'refused' | 'closed'
/** Why a data connection did not come about, as far as can be told from here. */
export type MissingCause =
  /** A connection came to the passive port from another address than the client's. */
  | 'peer_mismatch'
  /** The client was told an address that means nothing where it is. */
  | 'advertised_private'
  /** The client is beside the gateway and was told the outer address. */
  | 'advertised_public'
  /** Nothing came to the passive port. */
  | 'firewall'
  /** Nothing came to the passive port, again. */
  | 'firewall_again'
  /** Nothing came this time; earlier connections of the session did. */
  | 'client_silent'
  | 'ports_exhausted'
  /** The client named an address that is not its own, or a system port. */
  | 'foreign_address'
  | 'client_refuses'
  | 'client_unreachable'
  /** The connection came, and TLS was not begun on it. */
  | 'plain_client'
  | 'tls_failed'
  | 'not_resumed'
  | 'unknown'

export interface MissingData {
  readonly client: string
  /** How long the client, or the gateway in active mode, has waited. */
  readonly seconds: number
  readonly cause: MissingCause
  /** The likely cause and what to do, in words. */
  readonly likely: string
}

export type ConnectionUse = 'in_use' | 'idle'
export type BackendFailure = 'dns' | 'refused' | 'timeout' | 'host_key' | 'auth' | 'kex' | 'lost'

type TransferFacts = 'session' | 'partner' | 'user' | 'address' | 'verb' | 'path' | 'direction'
/** A transfer is about to send its 150; a TransferEvent of the same session says how it ended. */
export interface TransferStart extends Pick<TransferEvent, TransferFacts> {
  readonly kind: 'transferStarted'
  /** Bytes on the data connection so far. */
  readonly bytes: () => number
}

export interface TransferEvent {
  readonly kind: 'transfer'
  readonly session: string
  readonly partner: string
  readonly user: ByteString
  readonly address: string
  readonly verb: string
  readonly path: ByteString
  readonly direction: 'upload' | 'download' | 'listing'
  /** Bytes on the data connection, without TLS. */
  readonly bytes: number
  readonly seconds: number
  readonly outcome: 'ok' | 'client_abort' | 'truncated' | 'data_error' | 'backend_error' | 'gateway_error'
  readonly code: number
  /** Bytes of an upload in MODE Z, inflated. */
  readonly inflatedBytes?: number
  /** How an upload ended: TLS close_notify, bare FIN (accepted by policy), or not at all. */
  readonly endOfData?: 'close_notify' | 'fin' | 'none'
  readonly tls?: string
  readonly reused?: boolean
  /** Upload without a temporary file: APPE and REST. */
  readonly inPlace?: boolean
  readonly reason?: string
}

/** One transfer of a file, or the refused attempt at one, as the transfer log keeps it. */
export interface TransferRecord {
  readonly start: Date
  readonly end: Date
  readonly seconds: number
  readonly session: string
  readonly partner: string
  readonly user: ByteString
  readonly address: string
  readonly listener: string
  readonly verb: string
  /** As the client sees it, from its `/`. */
  readonly path: ByteString
  /** Bytes on the data connection, without TLS. */
  readonly bytes: number
  /** Bytes of an upload as they went to the backend, behind TYPE A and MODE Z, and their SHA-256 in hex. */
  readonly stored?: { readonly bytes: number; readonly sha256: string }
  readonly outcome: TransferEvent['outcome'] | 'refused'
  /** Of the final reply. */
  readonly code: number
  /** Whether the file is all that was transferred: no REST, RANG or APPE, and no failure. */
  readonly whole: boolean
  /** Of REST or RANG. */
  readonly offset: number
  readonly type: 'A' | 'I' | 'E'
  readonly mode: 'S' | 'Z'
  /** What protected the data connection; undefined when none came about. */
  readonly data?: 'plain' | { readonly version: string; readonly cipher: string; readonly reused: boolean }
}

/** Where the records of transfers go. */
export interface TransferRecords {
  /** Whether anybody wants them. */
  readonly on: boolean
  /** Resolves when the record is written, or is given up; never rejects. */
  write(record: TransferRecord): Promise<void>
}

/** Takes every event; never throws, never waits. */
export type Observer = (event: Event) => void

/** One observer that tells several. */
export function tellAll(...observers: readonly Observer[]): Observer {
  return (event) => {
    for (const observer of observers) observer(event)
  }
}
