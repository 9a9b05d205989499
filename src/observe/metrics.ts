import { getHeapStatistics } from 'node:v8'
import { Registry } from 'prom-client'
import { defineInstruments, type Instruments } from './instruments.ts'
import * as values from './label-values.ts'
import { LiveTransfers } from './live-transfers.ts'
import type { Event, Observer } from './observer.ts'
import { partnerLabels } from './partner-labels.ts'
import {
  type PartnerStanding,
  type PartnerTimes,
  phaseTeller,
  showPartners,
  showStandings,
  usualPhase,
} from './partner-series.ts'
import { collectProcessMetrics } from './process-metrics.ts'

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
  /** As above, for how far the moves of partners are. */
  watchMoves(read: () => Promise<readonly PartnerStanding[]>): void
  /** All metrics in Prometheus' text format. */
  text(): Promise<string>
  readonly contentType: string
}

export interface MetricsOptions {
  readonly version: string
  readonly revision?: string
  /** Every command by its verb, with its family. */
  readonly commands?: ReadonlyMap<string, string>
  /** false: series of partners are summed up under `all`, for installations with very many of them. */
  readonly perPartner?: boolean
}

/** Metrics in a registry of their own. */
export function createMetrics(options: MetricsOptions): Metrics {
  const registry = new Registry()
  collectProcessMetrics(registry)
  const instruments = defineInstruments(registry)
  initialise(instruments, options.commands ?? new Map())
  const live = new LiveTransfers(instruments)
  const partners = partnerLabels(options.perPartner ?? true)
  const build = { version: options.version, revision: options.revision ?? 'unknown', node_version: process.version }
  const count = counting(instruments, build, live)
  const tellPhase = phaseTeller(instruments, partners.label)
  let partnerTimes: () => readonly PartnerTimes[] = () => []
  let standings: () => Promise<readonly PartnerStanding[]> = async () => []
  return {
    observer(event) {
      if (event.kind === 'phase') tellPhase(event)
      else count('partner' in event ? { ...event, partner: partners.label(event.partner) } : event)
    },
    declare(names) {
      declare(instruments, { ...names, partners: partners.declare(names.partners) })
    },
    watch(read) {
      partnerTimes = read
    },
    watchMoves(read) {
      standings = read
    },
    async text() {
      const moves = await standings()
      live.count()
      showStandings(instruments, moves, partners.label)
      showPartners(instruments, partnerTimes(), partners.label)
      return registry.metrics()
    },
    contentType: registry.contentType,
  }
}

function initialise(m: Instruments, commands: ReadonlyMap<string, string>): void {
  m.draining.set(0)
  m.heapLimit.set(getHeapStatistics().heap_size_limit)
  m.passivePorts.set(0)
  m.passivePortsInUse.set(0)
  m.reloadSuccessful.set(1)
  m.reloadTime.setToCurrentTime()
  for (const outcome of values.loginOutcomes) m.loginSeconds.zero({ outcome })
  for (const channel of ['control', 'data']) {
    for (const version of ['TLSv1.2', 'TLSv1.3']) m.tlsHandshakes.inc({ channel, version, outcome: 'ok' }, 0)
    m.tlsHandshakes.inc({ channel, version: 'none', outcome: 'failed' }, 0)
  }
  for (const mode of ['passive', 'active'] as const) {
    for (const cause of values.missingCauses[mode]) m.dataMissing.inc({ mode, cause }, 0)
    for (const outcome of values.dataOutcomes) m.dataConnections.inc({ mode, outcome }, 0)
  }
  for (const command of [...commands.keys(), 'other']) {
    for (const reply of values.replyClasses) m.commands.inc({ command, reply }, 0)
  }
  for (const family of new Set([...commands.values(), 'other'])) m.commandSeconds.zero({ family })
  for (const direction of values.directions) {
    m.transfersInProgress.set({ direction }, 0)
    m.transferSeconds.zero({ direction })
    m.transferSize.zero({ direction })
  }
}

function declare(m: Instruments, { listeners, partners, backends }: Names): void {
  for (const listener of listeners) {
    m.controlConnections.inc({ listener }, 0)
    for (const outcome of values.connectionOutcomes) m.controlConnectionsTotal.inc({ listener, outcome }, 0)
  }
  for (const partner of partners) {
    m.sessions.inc({ partner }, 0)
    m.namesLost.inc({ partner }, 0)
    m.recordsLost.inc({ partner }, 0)
    m.brownoutRefusals.inc({ partner }, 0)
    for (const outcome of values.loginOutcomes) m.logins.inc({ partner, outcome }, 0)
    for (const direction of values.directions) {
      m.transferBytes.inc({ partner, direction }, 0)
      for (const outcome of values.transferOutcomes)
        m.transfers.inc({ partner, direction, phase: usualPhase, outcome }, 0)
    }
  }
  for (const backend of backends) {
    for (const reason of values.backendFailures) m.backendFailures.inc({ backend, reason }, 0)
    for (const outcome of values.reconnectOutcomes) m.backendReconnects.inc({ backend, outcome }, 0)
    for (const state of values.connectionUses) m.backendConnections.inc({ backend, state }, 0)
    m.backendSeconds.zero({ backend })
    for (const operation of values.sftpOperations) {
      m.sftpSeconds.zero({ backend, operation })
      for (const status of values.sftpStatuses) m.sftpRequests.inc({ backend, operation, status }, 0)
    }
  }
}

/** What each event adds. Events without a case are for the log alone. */
function counting(
  m: Instruments,
  build: { version: string; revision: string; node_version: string },
  live: LiveTransfers,
): Observer {
  /** Who is logged in, by session; what it began with stays its phase. */
  const logins = new Map<string, { readonly partner: string; readonly phase: string }>()
  const loggedOut = (session: string) => {
    const login = logins.get(session)
    if (login !== undefined) m.sessions.dec({ partner: login.partner })
    logins.delete(session)
  }

  return (event: Event) => {
    switch (event.kind) {
      case 'started':
        m.buildInfo.reset()
        return m.buildInfo.set({ ...build, ssh_crypto: event.sshCrypto }, 1)
      case 'draining':
        return m.draining.set(1)
      case 'listenerClosed':
        // Where it only moved, its certificate is told again behind this.
        return m.certificateNotAfter.remove({ listener: event.listener })
      case 'reloaded':
        m.reloadSuccessful.set(event.ok ? 1 : 0)
        if (event.ok) m.reloadTime.setToCurrentTime()
        return
      case 'bug':
        return m.unexpectedErrors.inc()
      case 'certificate':
        if (event.later) return
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
        return m.commandSeconds.observe({ family: event.family ?? 'other' }, event.seconds)
      }

      case 'dataConnection':
        m.dataConnections.inc({ mode: event.mode, outcome: event.outcome })
        if (event.missing) m.dataMissing.inc({ mode: event.mode, cause: event.missing.cause })
        return
      case 'passivePorts':
        m.passivePorts.set(event.size)
        return m.passivePortsInUse.set(event.inUse)
      case 'transferStarted':
        return live.start(event)
      case 'transfer': {
        const { session, partner, direction, outcome, bytes, seconds } = event
        live.end(event)
        const { phase } = logins.get(session) ?? { phase: usualPhase }
        m.transfers.inc({ partner, direction, phase, outcome })
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
      case 'backendConnectionUse': {
        const { backend, before, after } = event
        if (before) m.backendConnections.dec({ backend, state: before })
        if (after) m.backendConnections.inc({ backend, state: after })
        return
      }
      case 'sftpRequest': {
        const { backend, status, seconds } = event
        const operation = event.operation.replace('@openssh.com', '')
        m.sftpRequests.inc({ backend, operation, status })
        return m.sftpSeconds.observe({ backend, operation }, seconds)
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
