import { collectDefaultMetrics, Registry } from 'prom-client'
import { defineInstruments, type Instruments } from './instruments.ts'
import type {
  BackendFailure,
  DataOutcome,
  Event,
  LoginOutcome,
  MissingCause,
  Observer,
  TransferEvent,
} from './observer.ts'

/** Names from the configuration that are labels; what has not happened to them yet is shown as 0. */
export interface Names {
  readonly listeners: readonly string[]
  readonly partners: readonly string[]
  readonly backends: readonly string[]
}

export interface Metrics {
  readonly observer: Observer
  /** Introduces names, at start and after a reload. A rate over a counter that begins at 1 would miss its first event. */
  declare(names: Names): void
  /** Asks for these times whenever the metrics are asked for. */
  watch(read: () => readonly PartnerTimes[]): void
  /** All metrics in Prometheus' text format. */
  text(): Promise<string>
  readonly contentType: string
}

/** Of a partner of the configuration, in milliseconds; undefined: not within what is remembered. */
export interface PartnerTimes {
  readonly partner: string
  readonly lastLogin: number | undefined
  readonly lastTransfer: number | undefined
  readonly lastUpload: number | undefined
  /** Where an upload is expected from time to time. */
  readonly expected: { readonly everyMs: number; readonly overdue: boolean } | undefined
}

const loginOutcomes: readonly LoginOutcome[] = ['ok', 'bad_password', 'limit', 'backend', 'brownout', 'retired']
const connectionOutcomes = ['accepted', 'limit', 'logins', 'draining']
const dataOutcomes: readonly DataOutcome[] = ['ok', 'timeout', 'wrong_peer', 'tls', 'no_port', 'refused', 'closed']
const missingCauses: Readonly<Record<'passive' | 'active', readonly MissingCause[]>> = {
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
const directions: readonly TransferEvent['direction'][] = ['upload', 'download', 'listing']
const transferOutcomes: readonly TransferEvent['outcome'][] = [
  'ok',
  'client_abort',
  'truncated',
  'data_error',
  'backend_error',
  'gateway_error',
]
const backendFailures: readonly BackendFailure[] = ['dns', 'refused', 'timeout', 'host_key', 'auth', 'kex', 'lost']
/** Of partners that are not on the move. */
const usualPhase = 'gateway'

/** Metrics in a registry of their own. */
export function createMetrics(options: { readonly version: string; readonly revision?: string }): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const instruments = defineInstruments(registry)
  initialise(instruments)
  const build = { version: options.version, revision: options.revision ?? 'unknown', node_version: process.version }
  let partnerTimes: () => readonly PartnerTimes[] = () => []
  return {
    observer: counting(instruments, build),
    declare: (names) => declare(instruments, names),
    watch(read) {
      partnerTimes = read
    },
    text() {
      showPartners(instruments, partnerTimes())
      return registry.metrics()
    },
    contentType: registry.contentType,
  }
}

/** A partner that is no longer in the configuration is gone from here as well. */
function showPartners(m: Instruments, partners: readonly PartnerTimes[]): void {
  const { partnerLastLogin, partnerLastTransfer, partnerLastUpload, partnerExpected, partnerOverdue } = m
  for (const gauge of [partnerLastLogin, partnerLastTransfer, partnerLastUpload, partnerExpected, partnerOverdue])
    gauge.reset()
  for (const { partner, lastLogin, lastTransfer, lastUpload, expected } of partners) {
    if (lastLogin !== undefined) partnerLastLogin.set({ partner }, lastLogin / 1000)
    if (lastTransfer !== undefined) partnerLastTransfer.set({ partner }, lastTransfer / 1000)
    if (lastUpload !== undefined) partnerLastUpload.set({ partner }, lastUpload / 1000)
    if (!expected) continue
    partnerExpected.set({ partner }, expected.everyMs / 1000)
    partnerOverdue.set({ partner }, expected.overdue ? 1 : 0)
  }
}

function initialise(m: Instruments): void {
  m.draining.set(0)
  m.passivePorts.set(0)
  m.passivePortsInUse.set(0)
  m.reloadSuccessful.set(1)
  m.reloadTime.setToCurrentTime()
  for (const outcome of loginOutcomes) m.loginSeconds.zero({ outcome })
  for (const channel of ['control', 'data']) {
    for (const version of ['TLSv1.2', 'TLSv1.3']) m.tlsHandshakes.inc({ channel, version, outcome: 'ok' }, 0)
    m.tlsHandshakes.inc({ channel, version: 'none', outcome: 'failed' }, 0)
  }
  for (const mode of ['passive', 'active'] as const) {
    for (const cause of missingCauses[mode]) m.dataMissing.inc({ mode, cause }, 0)
    for (const outcome of dataOutcomes) m.dataConnections.inc({ mode, outcome }, 0)
  }
  for (const direction of directions) {
    m.transferSeconds.zero({ direction })
    m.transferSize.zero({ direction })
  }
}

function declare(m: Instruments, { listeners, partners, backends }: Names): void {
  for (const listener of listeners) {
    m.controlConnections.inc({ listener }, 0)
    for (const outcome of connectionOutcomes) m.controlConnectionsTotal.inc({ listener, outcome }, 0)
  }
  for (const partner of partners) {
    m.sessions.inc({ partner }, 0)
    m.namesLost.inc({ partner }, 0)
    m.recordsLost.inc({ partner }, 0)
    m.brownoutRefusals.inc({ partner }, 0)
    for (const outcome of loginOutcomes) m.logins.inc({ partner, outcome }, 0)
    for (const direction of directions) {
      m.transferBytes.inc({ partner, direction }, 0)
      for (const outcome of transferOutcomes) m.transfers.inc({ partner, direction, phase: usualPhase, outcome }, 0)
    }
  }
  for (const backend of backends) {
    for (const reason of backendFailures) m.backendFailures.inc({ backend, reason }, 0)
  }
}

/** What each event adds. Events without a case are for the log alone. */
function counting(m: Instruments, build: { version: string; revision: string; node_version: string }): Observer {
  /** Who is logged in, by session; what it began with stays its phase. */
  const logins = new Map<string, { readonly partner: string; readonly phase: string }>()
  const loggedOut = (session: string) => {
    const login = logins.get(session)
    if (login !== undefined) m.sessions.dec({ partner: login.partner })
    logins.delete(session)
  }
  const tellPhase = phaseTeller(m)

  return (event: Event) => {
    switch (event.kind) {
      case 'started':
        m.buildInfo.reset()
        return m.buildInfo.set({ ...build, ssh_crypto: event.sshCrypto }, 1)
      case 'draining':
        return m.draining.set(1)
      case 'reloaded':
        m.reloadSuccessful.set(event.ok ? 1 : 0)
        if (event.ok) m.reloadTime.setToCurrentTime()
        return
      case 'phase':
        return tellPhase(event)
      case 'certificate':
        return m.certificateNotAfter.set({ listener: event.listener }, event.notAfter.getTime() / 1000)

      case 'connectionRefused':
        return m.controlConnectionsTotal.inc({ listener: event.listener, outcome: event.reason })
      case 'sessionOpened':
        m.controlConnections.inc({ listener: event.listener })
        return m.controlConnectionsTotal.inc({ listener: event.listener, outcome: 'accepted' })
      case 'sessionClosed':
        loggedOut(event.session)
        return m.controlConnections.dec({ listener: event.listener })
      case 'tls': {
        const { channel, outcome, version = 'none' } = event
        return m.tlsHandshakes.inc({ channel, version, outcome })
      }
      case 'login': {
        const { session, partner, outcome, seconds, phase = usualPhase } = event
        m.logins.inc({ partner, outcome })
        if (outcome === 'brownout') m.brownoutRefusals.inc({ partner })
        m.loginSeconds.observe({ outcome }, seconds)
        if (outcome !== 'ok') return
        loggedOut(session)
        logins.set(session, { partner, phase })
        return m.sessions.inc({ partner })
      }
      case 'command': {
        const command = event.known ? event.verb : 'other'
        m.commands.inc({ command, reply: `${Math.floor(event.code / 100)}xx` })
        return m.commandSeconds.observe({ command }, event.seconds)
      }

      case 'dataConnection':
        m.dataConnections.inc({ mode: event.mode, outcome: event.outcome })
        if (event.missing) m.dataMissing.inc({ mode: event.mode, cause: event.missing.cause })
        return
      case 'passivePorts':
        m.passivePorts.set(event.size)
        return m.passivePortsInUse.set(event.inUse)
      case 'transfer': {
        const { session, partner, direction, outcome, bytes, seconds } = event
        const { phase } = logins.get(session) ?? { phase: usualPhase }
        m.transfers.inc({ partner, direction, phase, outcome })
        m.transferBytes.inc({ partner, direction }, bytes)
        m.transferSeconds.observe({ direction }, seconds)
        return m.transferSize.observe({ direction }, bytes)
      }

      case 'transferRecordLost':
        return m.recordsLost.inc({ partner: event.partner })
      case 'namesLost':
        return m.namesLost.inc({ partner: event.partner }, event.names)

      case 'backendConnection': {
        const { backend, outcome, seconds } = event
        if (outcome === 'ok') return m.backendSeconds.observe({ backend }, seconds)
        return m.backendFailures.inc({ backend, reason: outcome })
      }
      case 'backendRenewed':
        return m.backendReconnects.inc({ backend: event.backend, outcome: event.outcome })
      case 'preflight':
        return m.backendPreflight.set({ backend: event.backend }, event.outcome === 'works' ? 1 : 0)
      case 'backendUp':
        return m.backendUp.set({ backend: event.backend }, event.up ? 1 : 0)
    }
  }
}

/** A partner is in one phase: what it was in before is taken away. */
function phaseTeller(m: Instruments): (event: Extract<Event, { kind: 'phase' }>) => void {
  const told = new Map<string, { partner: string; phase: string; wave: string }>()
  return ({ partner, phase, wave }) => {
    const before = told.get(partner)
    if (before !== undefined) m.partnerInfo.remove(before)
    told.delete(partner)
    if (phase === undefined) return
    const labels = { partner, phase, wave: wave === undefined ? '' : String(wave) }
    told.set(partner, labels)
    m.partnerInfo.set(labels, 1)
    for (const direction of directions) {
      for (const outcome of transferOutcomes) m.transfers.inc({ partner, direction, phase, outcome }, 0)
    }
  }
}
