import { stringify } from 'yaml'
import type {
  BackendCapabilities,
  BackendProof,
  Config,
  ListenerConfig,
  OldServerConfig,
  PartnerConfig,
  PartnerLimits,
  PathConfig,
} from './config.ts'
import { describeMigration, describePartnerMigration } from './describe-migration.ts'
import { size, time } from './describe-units.ts'

/**
 * The configuration for people, complete with defaults, in the notation of the files. Secrets are not in it. Partners
 * stand below the globals, each as its file would read.
 */
export function describeConfig(config: Config): string {
  const globals = {
    version: 1,
    backends: [
      ...config.backends.map(({ timeouts, health, pool, hostKeys, knownHosts, capabilities, ...backend }) => ({
        ...backend,
        ...(hostKeys.length > 0 && { hostKeys }),
        ...(knownHosts !== undefined && { knownHosts }),
        timeouts: {
          connect: time(timeouts.connectMs),
          login: time(timeouts.loginMs),
          request: time(timeouts.requestMs),
          close: time(timeouts.closeMs),
          reconnect: time(timeouts.reconnectMs),
        },
        health: { every: time(health.everyMs), timeout: time(health.timeoutMs) },
        pool: { connections: pool.connections, idle: time(pool.idleMs) },
        ...(Object.keys(capabilities).length > 0 && { capabilities: describeCapabilities(capabilities) }),
      })),
      ...config.oldServers.map(describeOldServer),
    ],
    defaults: {
      backend: config.defaults.backend || undefined,
      phase: config.defaults.phase,
      legacy: config.defaults.legacy,
      ...describeLimits(config.defaults.limits),
    },
    listeners: config.listeners.map(describeListener),
    passive: { ...config.passive, ports: range(config.passive.ports), ...config.dialect.passive },
    active: { ...config.dialect.active, sourcePort: sourcePort(config.active.sourcePort) },
    tls: { ...config.tls, ...config.dialect.tls },
    upload: {
      ...config.dialect.upload,
      mode: config.upload.mode,
      ...(config.upload.mode === 'staging' && { staging: config.upload.staging }),
      fsync: config.upload.fsync,
      verify: config.upload.verify,
      keepPartial: time(config.upload.keepPartialMs),
    },
    commands: config.dialect.commands,
    hash: { ...config.dialect.hash, maxBytes: size(config.dialect.hash.maxBytes) },
    listing: config.dialect.listing,
    ascii: config.dialect.ascii,
    names: config.dialect.names,
    limits: {
      ...config.limits,
      bytesInFlightPerTransfer: size(config.limits.bytesInFlightPerTransfer),
      bytesInFlight: size(config.limits.bytesInFlight),
    },
    timeouts: {
      login: time(config.timeouts.loginMs),
      idle: time(config.timeouts.idleMs),
      idleMax: time(config.timeouts.idleMaxMs),
      handshake: time(config.timeouts.handshakeMs),
      dataConnect: time(config.timeouts.dataConnectMs),
      dataStall: time(config.timeouts.dataStallMs),
    },
    admin: config.admin ?? 'off',
    metrics: config.metrics,
    logging: describeLogging(config.logging),
    ...(config.state.directory !== undefined && { state: config.state }),
    shutdown: { drain: time(config.shutdown.drainMs) },
    migration: describeMigration(config.migration),
  }
  const partners = config.partners.map(
    (partner) => `\n# Partner ${partner.name}\n${comment(yaml(describePartner(partner)))}`,
  )
  return yaml(globals) + partners.join('')
}

function describeLogging({ transferLog, audit, ...log }: Config['logging']): object {
  return { ...log, ...(transferLog && { transferLog }), ...(audit !== undefined && { audit: { path: audit } }) }
}

function describeOldServer({ tls, timeouts, ...server }: OldServerConfig) {
  return {
    ...server,
    type: 'ftps',
    tls: { ...tls, verify: tls.verify ? 'on' : 'off' },
    timeouts: {
      connect: time(timeouts.connectMs),
      login: time(timeouts.loginMs),
      request: time(timeouts.requestMs),
      close: time(timeouts.closeMs),
    },
  }
}

function describeListener(listener: ListenerConfig): object {
  const { sessionReuse, active, greetingDelayMs, minTls, clientCa, clientCrl, ...always } = listener
  return {
    ...always,
    ...(sessionReuse !== undefined && { sessionReuse }),
    ...(active !== undefined && { active }),
    ...(minTls !== undefined && { minTls }),
    ...(greetingDelayMs !== undefined && { greetingDelay: time(greetingDelayMs) }),
    ...(clientCa !== undefined && { clientCa }),
    ...(clientCrl !== undefined && { clientCrl }),
  }
}

function describeCapabilities({ readBytes, writeBytes, ...others }: BackendCapabilities): object {
  return {
    ...(readBytes !== undefined && { readBytes: size(readBytes) }),
    ...(writeBytes !== undefined && { writeBytes: size(writeBytes) }),
    ...others,
  }
}

const hidden = '[secret]'

function describePartner({ name, users, sources, listeners, certificates, auth, ...partner }: PartnerConfig): object {
  const { backend, backends = [], legacy, migration, root, paths, symlinks, dialect, limits, expect } = partner
  const { username } = auth
  return {
    name,
    match: {
      ...(users.length > 0 && { users }),
      ...(sources && { sources }),
      ...(listeners && { listeners }),
      ...(certificates.length > 0 && { certificates }),
    },
    auth:
      auth.mode === 'passthrough'
        ? { mode: auth.mode, ...(username !== undefined && { username }) }
        : {
            mode: auth.mode,
            ...((auth.mode === 'local' || (auth.mode === 'learn' && auth.passwordHash !== undefined)) && {
              passwordHash: hidden,
            }),
            sftp: { username, ...describeProof(auth.proof) },
          },
    ...(backends.length > 1 ? { backends } : { backend }),
    ...(legacy !== undefined && { legacy }),
    ...(migration && describePartnerMigration(migration)),
    ...(paths ? { paths: describePaths(paths, backends) } : root !== undefined && { root }),
    ...(symlinks && { symlinks }),
    ...(expect && { expect: { upload: { every: time(expect.everyMs), weekdays: expect.weekdays } } }),
    ...toldOnly(dialect),
    ...(limits && describeLimits(limits)),
  }
}

/** A path on what is tried in turn names no backend. */
function describePaths(paths: readonly PathConfig[], tried: readonly string[]): readonly object[] {
  return paths.map(({ backend, ...path }) => (tried.includes(backend) ? path : { ...path, backend }))
}

/** Nothing where there are none. */
function describeLimits({ bandwidth, idleMs, commands, ...counts }: PartnerLimits): object {
  const { up, down } = bandwidth
  const rates = told({ up: up && size(up), down: down && size(down) })
  const limits = {
    ...told(counts),
    ...(Object.keys(rates).length > 0 && { bandwidth: rates }),
    ...(commands.allow.length + commands.deny.length > 0 && { commands }),
    ...(idleMs !== undefined && { idle: time(idleMs) }),
  }
  return Object.keys(limits).length > 0 ? { limits } : {}
}

function told(values: object): object {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))
}

/** The groups of a partner's dialect in which something is said. */
function toldOnly(dialect: PartnerConfig['dialect']): object {
  const groups = Object.entries(dialect).map(([group, keys]) => {
    const told = Object.entries(keys).filter(([, value]) => value !== undefined)
    const shown = told.map(([key, value]) => [key, key === 'maxBytes' ? size(value) : value])
    return [group, Object.fromEntries(shown)] as const
  })
  return Object.fromEntries(groups.filter(([, keys]) => Object.keys(keys).length > 0))
}

function describeProof(proof: BackendProof): object {
  if (proof.kind === 'agent') return { agent: proof.socket }
  if (proof.kind === 'password') return { password: hidden }
  return { privateKey: hidden, ...(proof.passphrase !== undefined && { passphrase: hidden }) }
}

function yaml(value: object): string {
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false })
}

function comment(text: string): string {
  return text.replace(/^(?=.)/gm, '#')
}

function range({ first, last }: Config['passive']['ports']): string {
  return first === 0 ? '0' : `${first}-${last}`
}

function sourcePort({ first, last }: Config['active']['sourcePort']): string {
  if (first === 0) return 'any'
  return first === last ? String(first) : `${first}-${last}`
}
