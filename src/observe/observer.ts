import type { ByteString } from '../ftp/bytes.ts'

/** Everything an operator can see, as one union; `log.ts` and `metrics.ts` say what each event becomes. */
export type Event =
  /** The gateway itself. */
  | { readonly kind: 'listening'; readonly listener: string; readonly address: string; readonly port: number }
  | { readonly kind: 'started'; readonly version: string; readonly sshCrypto: 'native' | 'js' }
  | { readonly kind: 'draining'; readonly sessions: number }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'reloaded'; readonly ok: boolean; readonly problems: readonly string[] }
  | {
      readonly kind: 'certificate'
      readonly listener: string
      readonly selfMade: boolean
      readonly fingerprint: string
      readonly notAfter: Date
    }
  /** Something that the operator should change; `topic` is stable, `message` says what and what to do. */
  | { readonly kind: 'warning'; readonly topic: string; readonly message: string; readonly session?: string }
  /** Our own mistake: an exception that nobody foresaw. */
  | { readonly kind: 'bug'; readonly error: unknown; readonly session?: string }
  /** Control connections. */
  | {
      readonly kind: 'connectionRefused'
      readonly listener: string
      readonly address: string
      readonly reason: 'limit' | 'draining'
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
    }
  | {
      readonly kind: 'command'
      readonly session: string
      readonly verb: string
      readonly known: boolean
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
      readonly advertised: string
      readonly reason?: string
    }
  | { readonly kind: 'passivePorts'; readonly inUse: number; readonly size: number }
  | TransferEvent
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
  | { readonly kind: 'backendUp'; readonly backend: string; readonly up: boolean }

export type SessionEnd = 'quit' | 'client' | 'timeout' | 'refused' | 'error' | 'shutdown'
export type LoginOutcome = 'ok' | 'bad_password' | 'limit' | 'backend'
export type DataOutcome = 'ok' | 'timeout' | 'wrong_peer' | 'tls' | 'no_port' | 'refused' | 'closed'
export type BackendFailure = 'dns' | 'refused' | 'timeout' | 'host_key' | 'auth' | 'kex' | 'lost'

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
  /** How an upload ended: TLS close_notify, bare FIN (accepted by policy), or not at all. */
  readonly endOfData?: 'close_notify' | 'fin' | 'none'
  readonly tls?: string
  readonly reused?: boolean
  /** Upload without a temporary file: APPE and REST. */
  readonly inPlace?: boolean
  readonly reason?: string
}

/** Takes every event; never throws, never waits. */
export type Observer = (event: Event) => void

/** One observer that tells several. */
export function tellAll(...observers: readonly Observer[]): Observer {
  return (event) => {
    for (const observer of observers) observer(event)
  }
}
