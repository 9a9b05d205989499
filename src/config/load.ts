import { checkBackends, checkDefaultBackend, checkDefaultLegacy, checkPreflights } from './backends.ts'
import type { Checks } from './checks.ts'
import type { Config } from './config.ts'
import { dialectOf } from './dialect.ts'
import { checkDirectory, inWords, makeDirectory, readNamed, resolveFrom } from './files.ts'
import { limitsOf, noLimits } from './limits.ts'
import { checkClientCertificates, checkListeners } from './listeners.ts'
import { checkMigration } from './migration.ts'
import { loadPartners, readSource } from './partners.ts'
import { Problems } from './problems.ts'
import { readTable } from './read.ts'
import { gatewaySchema } from './schema.ts'
import type { Source } from './source.ts'
import type { Values } from './table.ts'

type Globals = Values<typeof gatewaySchema>

/**
 * Loads the configuration file and the partner files it names; `env` overrides globals (FTPS_GATEWAY_…) and fills
 * `${NAME}` in. Throws ConfigError with every fault of all files. When there is none, the state directory is made.
 */
export async function loadConfig(file: string, env: NodeJS.ProcessEnv, checks?: Checks): Promise<Config> {
  const problems = new Problems()
  const source = await readSource(file, env, problems)
  if (source === undefined) throw problems.error()
  const globals = readTable(gatewaySchema, [], { source, problems, env })
  if (globals === undefined) throw problems.error()
  if (globals.version === undefined) problems.add(source, ['version'], 'is missing; write "version: 1"')

  const { backends, oldServers } = await checkBackends(globals, source, problems, checks)
  const defaultBackend = checkDefaultBackend(globals, source, problems)
  const defaultLegacy = checkDefaultLegacy(globals, source, problems)
  const listeners = checkListeners(globals, source, problems)
  await checkClientCertificates(listeners, source, problems)
  const certificates = await checkCertificates(globals, source, problems)
  const migration = checkMigration(globals, source, problems)
  const { partners: pattern } = globals
  const usualLimits = limitsOf(globals.defaults.limits, noLimits, {
    source,
    path: ['defaults', 'limits'],
    problems,
    checks,
  })
  const remembers = globals.state.directory !== undefined
  const common = { globals: source, env, problems, checks, migration, remembers, loginMs: globals.timeouts.login }
  const partners = await loadPartners({
    ...common,
    pattern,
    defaultBackend,
    defaultLegacy,
    listeners,
    limits: usualLimits,
  })
  checkLimits(globals, source, problems)
  checkReuse(globals, source, problems)
  const passive = checkPassive(globals, source, problems)
  const directory = await checkState(globals, source, problems)
  // A partner file with a fault of its own is no partner here, and that would be told twice.
  if (problems.none) checkPreflights(backends, partners, source, problems)
  problems.throwIfAny()

  const { active, tls, admin, metrics, logging, limits, timeouts, upload, shutdown } = globals
  return freeze({
    listeners,
    passive,
    active: { sourcePort: active.sourcePort },
    tls: { certificates, minVersion: tls.minVersion },
    backends,
    oldServers,
    defaults: {
      backend: defaultBackend,
      phase: globals.defaults.phase,
      legacy: defaultLegacy,
      limits: usualLimits,
    },
    migration,
    partners,
    admin: admin === 'off' ? undefined : admin,
    metrics,
    logging: {
      ...logging,
      transferLog: transferLogOf(globals, source),
      audit: logging.audit.path && resolveFrom(source, logging.audit.path),
    },
    state: { directory },
    limits,
    timeouts: {
      loginMs: timeouts.login,
      idleMs: timeouts.idle,
      idleMaxMs: timeouts.idleMax,
      handshakeMs: timeouts.handshake,
      dataConnectMs: timeouts.dataConnect,
      dataStallMs: timeouts.dataStall,
    },
    upload: {
      mode: upload.mode,
      staging: upload.staging,
      fsync: upload.fsync,
      verify: upload.verify,
      keepPartialMs: upload.keepPartial,
    },
    dialect: dialectOf(globals),
    shutdown: { drainMs: shutdown.drain },
  })
}

async function checkCertificates(
  globals: Globals,
  source: Source,
  problems: Problems,
): Promise<Config['tls']['certificates']> {
  const certificates: { readonly cert: string; readonly key: string }[] = []
  for (const [i, pair] of globals.tls.certificates.entries()) {
    if (pair === undefined) continue
    const [cert, key] = [resolveFrom(source, pair.cert), resolveFrom(source, pair.key)]
    await readNamed(source, ['tls', 'certificates', i, 'cert'], cert, problems)
    await readNamed(source, ['tls', 'certificates', i, 'key'], key, problems)
    certificates.push({ cert, key })
  }
  return certificates
}

function checkLimits({ limits }: Globals, source: Source, problems: Problems): void {
  if (limits.bytesInFlightPerTransfer <= limits.bytesInFlight) return
  const key = ['limits', 'bytesInFlightPerTransfer']
  problems.add(source, key, 'is more than limits.bytesInFlight, which all transfers share')
}

/** Clients use a TLS 1.3 ticket once, so that `require` would fail their second transfer: it needs TLS 1.2. */
function checkReuse({ tls, listeners }: Globals, source: Source, problems: Problems): void {
  if (tls.minVersion !== 'TLSv1.3') return
  const message = 'cannot be "require" with tls.minVersion TLSv1.3: clients use a ticket of TLS 1.3 once'
  if (tls.sessionReuse === 'require') problems.add(source, ['tls', 'sessionReuse'], message)
  for (const [i, listener] of listeners.entries()) {
    if (listener?.sessionReuse === 'require' && listener.minTls === undefined)
      problems.add(source, ['listeners', i, 'sessionReuse'], message)
  }
}

/** Each instance needs a port of its own, and the system's free ports have no shares. */
function checkPassive({ passive }: Globals, source: Source, problems: Problems): Config['passive'] {
  const { ports, advertise, slice } = passive
  const size = ports.first === 0 ? 0 : ports.last - ports.first + 1
  if (slice.index >= slice.count) {
    problems.add(source, ['passive', 'slice', 'index'], `must be below slice.count, ${slice.count}; the first one is 0`)
  } else if (slice.count > 1 && slice.count > size) {
    const why = size === 0 ? 'with ports: 0 there is nothing to share' : `passive.ports are only ${size}`
    problems.add(source, ['passive', 'slice', 'count'], `is ${slice.count}, but ${why}`)
  }
  const advertiseFor = passive.advertiseFor.filter((rule) => rule !== undefined)
  return { ports, advertise, advertiseFor, slice }
}

function transferLogOf({ logging }: Globals, source: Source): Config['logging']['transferLog'] {
  const { file, format } = logging.transferLog
  return file === undefined ? undefined : { file: resolveFrom(source, file), format }
}

/** The state directory, which is made when it is missing, and only when all else is well. */
async function checkState({ state }: Globals, source: Source, problems: Problems): Promise<string | undefined> {
  if (state.directory === undefined) return undefined
  const directory = resolveFrom(source, state.directory)
  try {
    if (!(await checkDirectory(directory)) && problems.none) await makeDirectory(directory)
  } catch (error) {
    problems.add(source, ['state', 'directory'], `${directory} ${inWords(error)}`)
  }
  return directory
}

/** Freezes plain values through and through: a running session keeps what it started with, whoever else holds it. */
function freeze<V>(value: V): V {
  if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) freeze(inner)
    Object.freeze(value)
  }
  return value
}
