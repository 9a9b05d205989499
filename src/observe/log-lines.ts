import { toText } from '../ftp/bytes.ts'
import type { Event, MissingData } from './observer.ts'

/** What the log says of one event. */
export interface Line {
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error'
  /** Stable name to search and alert on. */
  readonly event: string
  /** For people. */
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
  /** Where a bug happened; several lines. */
  readonly stack?: string
}

/** A certificate that expires within so many days is a warning. */
const certificateDays = 30

type Words = readonly [level: Line['level'], event: string, message: string]
type Table = { readonly [K in Event['kind']]: (event: Extract<Event, { kind: K }>) => Words }

/** Everything that the log can say, in the order of the Event union. */
const words: Table = {
  listening: (e) => ['info', 'gateway.listening', `Listener ${e.listener} takes connections on ${at(e)}`],
  listenerClosed: (e) => ['info', 'gateway.closed', `Listener ${e.listener} takes no more connections on ${at(e)}`],
  started: (e) => ['info', 'gateway.started', `Version ${e.version} started, SSH cryptography: ${e.sshCrypto}`],
  draining: (e) => ['info', 'gateway.draining', `Stopping; sessions still open: ${e.sessions}`],
  stopped: () => ['info', 'gateway.stopped', 'Stopped'],
  journal: (e) => [
    'info',
    'gateway.journal',
    e.directory === undefined
      ? 'No journal of what partners do: state.directory is not set, and `report` will know nothing'
      : `What partners do is written down below ${e.directory}`,
  ],
  reloaded: (e) =>
    e.ok
      ? [
          'info',
          'config.reloaded',
          `New configuration is in force: ${e.changes?.join('; ') || 'no setting has changed'}`,
        ]
      : [
          'error',
          'config.refused',
          `New configuration is refused, the old one stays in force: ${e.problems.join('; ')}`,
        ],
  passwordLearned: (e) => [
    'info',
    'password.learned',
    `The password of ${e.user} of partner ${e.partner} is known now`,
  ],
  certificate: (e) => {
    const { listener, notAfter } = e
    const until = notAfter.toISOString()
    if (e.selfMade) {
      return ['warn', 'tls.certificate', `Listener ${listener} shows a self-made certificate; clients cannot verify it`]
    }
    const daysLeft = (notAfter.getTime() - Date.now()) / 86_400_000
    if (daysLeft < 0) {
      return ['error', 'tls.certificate', `Listener ${listener} shows a certificate that has expired on ${until}`]
    }
    return [
      daysLeft < certificateDays ? 'warn' : 'info',
      'tls.certificate',
      `Listener ${listener} shows a certificate valid until ${until}`,
    ]
  },
  phase: (e) => {
    const was = e.before === undefined || e.before === e.phase ? '' : `, was ${e.before}`
    const changed = was !== '' || e.cause !== 'start'
    const now = e.phase === undefined ? 'is no more' : `is in phase ${e.phase}`
    return [changed ? 'info' : 'debug', 'partner.phase', `Partner ${e.partner} ${now}${was}: ${e.cause}`]
  },
  pause: (e) => {
    const who = e.cause === 'time' ? 'its time is over' : (e.by ?? 'somebody')
    return ['warn', 'migration.pause', `Brownouts are ${e.after}, were ${e.before}: ${who}`]
  },
  warning: (e) => ['warn', 'warning', e.message],
  bug: (e) => ['error', 'bug', `Unforeseen: ${e.error instanceof Error ? e.error.message : String(e.error)}`],

  connectionRefused: (e) =>
    e.reason === 'draining'
      ? ['info', 'connection.refused', `Connection from ${e.address} refused: stopping`]
      : [
          'warn',
          'connection.refused',
          `Connection from ${e.address} refused: too many ${e.reason === 'limit' ? 'sessions' : 'refused logins'}`,
        ],
  sessionOpened: (e) => ['info', 'session.opened', `Connection from ${e.address}`],
  sessionClosed: (e) => ['info', 'session.closed', `Session ended: ${e.reason}`],
  tls: (e) =>
    e.outcome === 'ok'
      ? ['debug', 'tls.ok', `TLS on the ${e.channel} connection${e.reused ? ', resumed' : ''}`]
      : ['info', 'tls.failed', `No TLS on the ${e.channel} connection${because(e)}`],
  login: (e) =>
    e.outcome === 'ok'
      ? ['info', 'login.ok', `${toText(e.user)} logged in`]
      : ['warn', 'login.refused', `${toText(e.user)} from ${e.address} was refused: ${e.outcome}${because(e)}`],
  command: (e) => ['debug', 'command', `${e.known ? e.verb : 'Unknown command'} was answered ${e.code}`],

  dataConnection: (e) =>
    e.outcome === 'ok'
      ? ['debug', 'data.ok', `Data connection, ${e.mode}`]
      : e.missing
        ? ['warn', 'data.missing', missing(e, e.missing)]
        : ['info', 'data.failed', `No data connection, ${e.mode} at ${e.advertised}: ${e.outcome}${because(e)}`],
  namesLost: (e) => {
    const where = e.path === '' ? '' : ` in ${toText(e.path)}`
    return [
      'warn',
      'names.lost',
      `${e.names} names${where} cannot be written in ${e.charset}: shown with ?, out of reach`,
    ]
  },
  passivePorts: (e) => ['trace', 'data.ports', `${e.inUse} of ${e.size} passive ports are in use`],
  transferStarted: (e) => ['debug', 'transfer.started', `${e.verb} ${toText(e.path)} begins`],
  transfer: (e) => {
    const what = `${e.verb} ${toText(e.path)}, ${e.bytes} bytes in ${e.seconds.toFixed(1)} s`
    if (e.outcome === 'ok') return [e.direction === 'listing' ? 'debug' : 'info', 'transfer.done', what]
    const level = e.outcome === 'backend_error' || e.outcome === 'gateway_error' ? 'error' : 'warn'
    return [level, 'transfer.failed', `${what}: ${e.outcome}${because(e)}`]
  },
  transferRecordLost: (e) => [
    'error',
    'transfer.record_lost',
    `The transfer of ${toText(e.path)} is missing in the transfer log: ${e.reason}`,
  ],

  backendConnection: (e) => {
    switch (e.outcome) {
      case 'ok':
        return ['debug', 'backend.connected', `Connected to ${e.backend}`]
      case 'host_key':
        return ['error', 'backend.host_key', `Backend ${e.backend} is not trusted, its logins are refused${because(e)}`]
      case 'auth':
        return ['info', 'backend.login_refused', `Backend ${e.backend} refused a login${because(e)}`]
      default:
        return ['warn', 'backend.connect_failed', `No connection to ${e.backend}: ${e.outcome}${because(e)}`]
    }
  },
  backendReady: (e) => ['debug', 'backend.ready', `Backend ${e.backend} is ${e.banner}`],
  backendRenewed: (e) => {
    const after = `after ${e.seconds.toFixed(1)} s, ${e.tries} ${e.tries === 1 ? 'try' : 'tries'}`
    return e.outcome === 'ok'
      ? ['warn', 'backend.reconnected', `Backend ${e.backend} was lost during a transfer, which goes on ${after}`]
      : ['error', 'backend.reconnect_failed', `Backend ${e.backend} was lost during a transfer${because(e)} ${after}`]
  },
  backendConnectionUse: (e) => [
    'trace',
    'backend.use',
    `A connection to ${e.backend} was ${e.before ?? 'not there'} and is ${e.after ?? 'gone'}`,
  ],
  sftpRequest: (e) => ['trace', 'backend.request', `${e.operation} was answered ${e.status}`],
  backendUp: (e) =>
    e.up
      ? ['info', 'backend.up', `Backend ${e.backend} can be reached`]
      : ['error', 'backend.down', `Backend ${e.backend} cannot be reached`],
  preflight: (e) => {
    const level = e.outcome !== 'works' ? 'error' : e.found.length > 0 ? 'warn' : 'info'
    const lacks = e.found.length > 0 ? `: ${e.found.join('. ')}` : ''
    return [
      level,
      'backend.preflight',
      `${verdicts[e.outcome]} on backend ${e.backend} for partner ${e.partner}${lacks}`,
    ]
  },
}

const verdicts = {
  works: 'Uploads work',
  fails: 'Uploads do not work',
  lost: 'The connection was lost while uploads were tried out',
  unavailable: 'Uploads could not be tried out',
} as const

export function lineOf(event: Event): Line {
  // The table's type pairs each kind with its event; TypeScript cannot follow that through the lookup.
  const [level, name, message] = (words[event.kind] as (event: Event) => Words)(event)
  const line = { level, event: name, message, fields: fieldsOf(event) }
  if (event.kind === 'bug' && event.error instanceof Error && event.error.stack) {
    return { ...line, stack: event.error.stack }
  }
  return line
}

const secretVerbs: ReadonlySet<string> = new Set(['PASS', 'ACCT'])

/** The event's own fields, byte strings as text. */
function fieldsOf(event: Event): Record<string, unknown> {
  const { kind, ...fields } = event
  switch (event.kind) {
    case 'command': {
      const { session, verb, argument, known, code, seconds } = event
      // What follows a mistyped PASS is a password too, so only known verbs show their argument.
      const shown = known && !secretVerbs.has(verb)
      // Some servers take passwords in SITE, so of that only the word that follows is shown.
      const text = shown ? { argument: toText(verb === 'SITE' ? (argument.split(' ')[0] ?? '') : argument) } : {}
      return { session, verb: known ? verb : 'other', ...text, code, seconds }
    }
    case 'warning':
      return { topic: event.topic, ...(event.session !== undefined && { session: event.session }) }
    case 'bug':
      return event.session === undefined ? {} : { session: event.session }
    case 'login':
      return { ...fields, user: toText(event.user) }
    case 'transfer':
      return { ...fields, user: toText(event.user), path: toText(event.path) }
    case 'transferStarted': {
      const { session, partner, user, address, verb, path, direction } = event
      return { session, partner, user: toText(user), address, verb, path: toText(path), direction }
    }
    case 'dataConnection': {
      const { missing, ...others } = event
      const { kind: _kind, ...known } = others
      return { ...known, ...missing }
    }
    case 'namesLost':
    case 'transferRecordLost':
      return { ...fields, path: toText(event.path) }
    default:
      return fields
  }
}

/** Who waited for what, how long, and why in vain. */
function missing(
  { mode, advertised }: { readonly mode: string; readonly advertised: string },
  data: MissingData,
): string {
  const { client, seconds, likely } = data
  const what = mode === 'passive' ? `${client} was told ${advertised}` : `${client} named ${advertised}`
  return `No data connection, ${mode}: ${what} and waited ${seconds.toFixed(1)} s; ${likely}`
}

function at({ address, port }: { readonly address: string; readonly port: number }): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}

function because({ reason }: { readonly reason?: string }): string {
  return reason === undefined ? '' : `: ${reason}`
}
