import type {
  BackendFailure,
  ConnectionUse,
  DataOutcome,
  LoginOutcome,
  MissingCause,
  TransferEvent,
} from './observer.ts'

/** The closed sets of labels: each value is shown as 0 from the start, because a rate misses the first event of a series. */
export const loginOutcomes: readonly LoginOutcome[] = ['ok', 'bad_password', 'limit', 'backend', 'brownout', 'retired']
export const connectionOutcomes = ['accepted', 'limit', 'logins', 'draining'] as const
export const replyClasses = ['2xx', '3xx', '4xx', '5xx'] as const
export const dataOutcomes: readonly DataOutcome[] = [
  'ok',
  'timeout',
  'wrong_peer',
  'tls',
  'no_port',
  'refused',
  'closed',
]
export const missingCauses: Readonly<Record<'passive' | 'active', readonly MissingCause[]>> = {
  passive: [
    'peer_mismatch',
    'advertised_private',
    'advertised_public',
    'firewall',
    'firewall_again',
    'client_silent',
    'ports_exhausted',
    'plain_client',
    'tls_failed',
    'not_resumed',
    'unknown',
  ],
  active: [
    'foreign_address',
    'client_refuses',
    'client_unreachable',
    'plain_client',
    'tls_failed',
    'not_resumed',
    'unknown',
  ],
}
export const directions: readonly TransferEvent['direction'][] = ['upload', 'download', 'listing']
export const transferOutcomes: readonly TransferEvent['outcome'][] = [
  'ok',
  'client_abort',
  'truncated',
  'data_error',
  'backend_error',
  'gateway_error',
]
export const backendFailures: readonly BackendFailure[] = [
  'dns',
  'refused',
  'timeout',
  'host_key',
  'auth',
  'kex',
  'lost',
]
export const connectionUses: readonly ConnectionUse[] = ['in_use', 'idle']
export const reconnectOutcomes = ['ok', 'failed'] as const

/** Requests of SFTP; those of OpenSSH's extensions without `@openssh.com`. */
export const sftpOperations = [
  'open',
  'close',
  'read',
  'write',
  'lstat',
  'fstat',
  'setstat',
  'fsetstat',
  'opendir',
  'readdir',
  'remove',
  'mkdir',
  'rmdir',
  'realpath',
  'stat',
  'rename',
  'readlink',
  'symlink',
  'posix-rename',
  'statvfs',
  'fstatvfs',
  'hardlink',
  'fsync',
  'lsetstat',
  'limits',
  'expand-path',
  'copy-data',
  'home-directory',
  'users-groups-by-id',
] as const
/** What servers answer; `lost` and `cancelled`: nothing. */
export const sftpStatuses = [
  'ok',
  'eof',
  'no_such_file',
  'permission_denied',
  'failure',
  'bad_message',
  'no_connection',
  'connection_lost',
  'unsupported',
  'other',
  'lost',
  'cancelled',
] as const
