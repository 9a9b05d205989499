import { ByteBudget } from './backend/sftp/byte-budget.ts'
import { parsePrivateKey } from './backend/sftp/private-key.ts'
import { type Backends, checkBackends, closeBackends, makeBackends } from './composition/backends.ts'
import { CertificateWatch } from './composition/certificate-watch.ts'
import {
  announceTls,
  certificateFiles,
  clientAuthoritiesOf,
  type LoadedTls,
  loadTls,
  showSame,
} from './composition/certificates.ts'
import { changesBetween } from './composition/changes.ts'
import { gatewayMark } from './composition/gateway-mark.ts'
import { learnedPasswords } from './composition/learned.ts'
import { type Bound, Listening, type Prepared } from './composition/listening.ts'
import { Migration } from './composition/migration.ts'
import { makeOldServers } from './composition/old-servers.ts'
import { type Metrics, openAdmin, type PassedSockets, warnOfUnused } from './composition/openings.ts'
import { Preflights } from './composition/preflights.ts'
import { messageOf, StartError, startError } from './composition/start-error.ts'
import { oneAfterAnother } from './composition/turns.ts'
import { warnOfRestart, warnOfSettings } from './composition/warnings.ts'
import type { Config } from './config/config.ts'
import { inWords } from './config/files.ts'
import { FtpServer } from './control/ftp-server.ts'
import { lastWordsMs } from './control/session.ts'
import type { SessionOptions } from './control/session-options.ts'
import { advertised } from './data/advertised-address.ts'
import { PassivePorts } from './data/passive-ports.ts'
import { sliceOf } from './data/port-slice.ts'
import { SourcePorts } from './data/source-ports.ts'
import type { OldServer } from './legacy/old-server.ts'
import type { Gate, Standing } from './migration/gate.ts'
import type { Observer } from './observe/observer.ts'
import { TransferLog } from './observe/transfer-log.ts'
import type { LearnedPasswords } from './partners/learned-passwords.ts'
import { createLogIn } from './partners/log-in.ts'
import { Usage } from './partners/usage.ts'
import type { Tls } from './tls/session-tls.ts'

/** A running gateway. */
export interface Gateway {
  readonly listeners: readonly Bound[]
  readonly admin: { readonly address: string; readonly port: number } | undefined
  /** How far the moves of the partners are. */
  standings(): Promise<readonly Standing[]>
  /**
   * Takes over a new configuration for new sessions; running ones keep theirs. Says what is different now; throws when it
   * cannot be used, and then all is as before.
   */
  reload(config: Config): Promise<readonly string[]>
  /** Drains for so long, then resolves; a second call with 0 cuts at once. */
  stop(drainMs: number): Promise<void>
}

/** Puts the parts together and opens the listeners last. Throws StartError; then nothing is left open. */
export async function startGateway(
  config: Config,
  observer: Observer,
  metrics: Metrics,
  now: () => number = Date.now,
  passed: PassedSockets = new Map(),
): Promise<Gateway> {
  const closers: Closer[] = []
  try {
    return await start(config, observer, metrics, now, closers, passed)
  } catch (error) {
    await closeAll(closers)
    throw error
  }
}

type Closer = () => Promise<void>

async function closeAll(closers: Closer[]): Promise<void> {
  for (const close of closers.splice(0).reverse()) await close()
}

async function start(
  config: Config,
  observer: Observer,
  metrics: Metrics,
  now: () => number,
  closers: Closer[],
  passed: PassedSockets,
): Promise<Gateway> {
  const budget = new ByteBudget(config.limits.bytesInFlight)
  const shared = { budget, gateway: gatewayMark(config), observer }
  let current = config
  let backends = await makeBackends(config, undefined, shared)
  closers.push(() => closeBackends(backends))
  await checkBackends(backends, observer)
  const preflights = new Preflights(observer)
  closers.push(() => preflights.stop())

  const records = new TransferLog(observer)
  closers.push(() => records.close())
  await openRecords(records, config)

  const ports = new PassivePorts(sliceOf(config.passive.ports, config.passive.slice), observer)
  closers.push(() => ports.close())
  const migration = new Migration(config, observer, now)
  closers.push(() => migration.stop())
  const learned = learnedPasswords(config, observer, now)
  closers.push(async () => learned?.settled())
  const lasting = { ports, records, usage: new Usage(), migration, learned, observer }
  let shown = await loadTls(config)
  const server = new FtpServer(await sessionOptions(config, shown.tls, backends, lasting), config.limits)
  closers.push(() => server.stop(0))
  announceTls(shown, config, observer)
  warnOfSettings(config, observer)

  const inTurn = oneAfterAnother()
  const watch = new CertificateWatch(certificateFiles(config), () => void inTurn(takeCertificates))
  closers.push(async () => watch.close())
  /** New sessions have the new ones. Half a pair, or one that does not fit, leaves things as they are. */
  const takeCertificates = async () => {
    try {
      const loaded = await loadTls(current)
      if (!showSame(loaded, shown)) announceTls(loaded, current, observer)
      shown = loaded
      server.options = { ...server.options, tls: loaded.tls }
    } catch (error) {
      const message = `the certificates on disk have changed and cannot be used, the old ones stay: ${messageOf(error)}`
      observer({ kind: 'warning', topic: 'certificate', message })
    }
  }

  const state = { listening: false, draining: false }
  const status = () => ({
    ...state,
    backends: [...backends.values()].map(({ backend: { name, up } }) => ({ name, up })),
  })
  const admin = config.admin && (await openAdmin(config.admin, metrics, status))
  if (admin) closers.push(() => admin.close())

  const listening = new Listening(server, passed, observer)
  ;(await listening.prepare(config)).take()
  warnOfUnused(passed, config, observer)
  state.listening = true
  await migration.start(config)
  preflights.run(config, backends)

  const reload = async (next: Config) => {
    const fresh = await makeBackends(next, backends, shared)
    let doors: Prepared | undefined
    let loaded: LoadedTls
    let options: SessionOptions
    try {
      // Before they are read: what changes from then on is seen.
      await watch.watch(certificateFiles(next))
      loaded = await loadTls(next)
      options = await sessionOptions(next, loaded.tls, fresh, lasting)
      doors = await listening.prepare(next)
      await openRecords(records, next)
      if (state.draining) throw new StartError('the gateway is stopping')
    } catch (error) {
      await doors?.undo()
      await watch.watch(certificateFiles(current))
      await closeBackends(fresh, backends)
      throw error
    }
    // From here on nothing can fail, and nobody comes in between.
    const changes = changesBetween({ config: current, tls: shown }, { config: next, tls: loaded })
    server.options = options
    server.limits = next.limits
    ports.use(sliceOf(next.passive.ports, next.passive.slice))
    doors.take()
    for (const [name, { backend }] of backends) if (fresh.get(name)?.backend !== backend) backend.retire()
    current = next
    backends = fresh
    shown = loaded
    announceTls(loaded, next, observer)
    warnOfSettings(next, observer)
    warnOfUnused(passed, next, observer)
    warnOfRestart(config, next, observer)
    migration.reload(next)
    preflights.run(next, backends)
    return changes
  }

  return {
    get listeners() {
      return listening.bound
    },
    admin: config.admin && admin && { address: config.admin.address, port: admin.port },
    standings: () => migration.standings(),
    reload: (next) => inTurn(() => reload(next)),
    async stop(drainMs) {
      state.draining = true
      // What waits for a backend when the time is up would otherwise wait for the backend's own time-outs.
      const timer = setTimeout(() => void closeBackends(backends), drainMs + lastWordsMs)
      await server.stop(drainMs)
      await closeAll(closers)
      clearTimeout(timer)
    },
  }
}

/** What outlives a reload. */
interface Lasting {
  readonly ports: PassivePorts
  readonly records: TransferLog
  readonly usage: Usage
  readonly migration: Migration
  readonly learned: LearnedPasswords | undefined
  readonly observer: Observer
}

/** What new sessions are made of. Throws StartError for certificates and keys that cannot be used. */
async function sessionOptions(config: Config, tls: Tls, backends: Backends, lasting: Lasting): Promise<SessionOptions> {
  const { ports, records, migration, observer } = lasting
  const gate = migration.gate(config)
  const clientAuthorities = await clientAuthoritiesOf(config)
  const oldServers = await makeOldServers(config, observer)
  const { logIn, prepare, routeOf, certificateSuffices } = logInOf(config, backends, oldServers, gate, lasting)
  return {
    tls,
    clientAuthorities,
    ports,
    advertise: advertised(config.passive, observer),
    sourcePorts: new SourcePorts(config.active.sourcePort, observer),
    logIn,
    prepare,
    routeOf,
    certificateSuffices,
    greeting: gate.greeting,
    loginAttempts: config.limits.loginAttempts,
    dialect: config.dialect,
    timeouts: config.timeouts,
    observer,
    records,
  }
}

/** Opens the transfer log, or the file that has its name by now. Throws StartError; then all stays as it was. */
async function openRecords(records: TransferLog, { logging: { transferLog } }: Config): Promise<void> {
  await records.use(transferLog).catch((error: unknown) => {
    throw new StartError(`logging.transferLog.file: ${transferLog?.file} ${inWords(error)}`, { cause: error })
  })
}

/** Throws StartError for a key that cannot be used; a checked configuration has none. */
function logInOf(
  config: Config,
  backends: Backends,
  oldServers: ReadonlyMap<string, OldServer>,
  gate: Gate,
  { usage, learned }: Lasting,
): ReturnType<typeof createLogIn> {
  try {
    return createLogIn({
      partners: config.partners,
      backends: new Map([...backends].map(([name, { backend }]) => [name, backend])),
      defaultBackend: config.defaults.backend,
      relaying: { oldServers, usual: config.defaults.legacy },
      defaultLimits: config.defaults.limits,
      usage,
      backendCharset: config.dialect.names.backendCharset,
      parseKey: parsePrivateKey,
      gate,
      learned,
    })
  } catch (error) {
    return startError(error)
  }
}
