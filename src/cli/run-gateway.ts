import type { Config } from '../config/config.ts'
import { ConfigError } from '../config/problems.ts'
import { type Gateway, startGateway } from '../gateway.ts'
import type { Metrics, Names } from '../observe/metrics.ts'
import type { Observer } from '../observe/observer.ts'
import { calmCollector } from './collector.ts'
import { passedSockets } from './passed-sockets.ts'
import { serviceManager } from './service-manager.ts'
import type { Io } from './verb.ts'
import { sshCrypto, version } from './version.ts'

export interface GatewayRun {
  readonly config: Config
  readonly observer: Observer
  readonly metrics: Metrics
  /** Reads the configuration anew, for SIGHUP; throws ConfigError. */
  readonly load: () => Promise<Config>
  /** Called once the gateway takes connections. */
  readonly started?: (gateway: Gateway) => void
  /** Told what is in force, at start and after each reload. */
  readonly inForce?: (config: Config) => void
  /** Writes the log out at once. */
  readonly lastWords: () => void
}

/**
 * Runs a gateway until SIGTERM or SIGINT: transfers may finish within `shutdown.drain`, a second signal cuts them.
 * SIGHUP takes over a changed configuration. Throws StartError when the gateway cannot start.
 * The service manager that started us hears of all this, and its sockets are used for the listeners of their names.
 */
export async function runGateway(run: GatewayRun, { signals, env }: Io): Promise<void> {
  calmCollector()
  const { observer, metrics } = run
  let { config } = run
  let gateway: Gateway | undefined
  let early = false
  const [stopped, cut] = [new AbortController(), new AbortController()]
  const onStop = () => (stopped.signal.aborted ? cut : stopped).abort()
  const manager = serviceManager(env, (message) => observer({ kind: 'warning', topic: 'service_manager', message }))
  const onReload = oneAtATime(async () => {
    // One that came during the start is made up for: files may have changed since they were read.
    if (!gateway) {
      early = true
      return
    }
    if (stopped.signal.aborted) return tooLate(observer)
    manager.reloading()
    config = await reload(gateway, config, run)
    if (!stopped.signal.aborted) manager.ready(inService(gateway))
  })
  // The process ends after this, as Node has it; the log should tell why.
  const onUncaught = (error: unknown) => {
    observer({ kind: 'bug', error })
    run.lastWords()
  }

  // Before the start: a signal that arrives meanwhile must not end the process half-way.
  const listeners = { SIGTERM: onStop, SIGINT: onStop, SIGHUP: onReload, uncaughtExceptionMonitor: onUncaught }
  for (const [name, listener] of Object.entries(listeners)) signals.on(name, listener)
  try {
    metrics.declare(namesOf(config))
    run.inForce?.(config)
    observer({ kind: 'started', version, sshCrypto: sshCrypto() })
    const passed = passedSockets(env, process.pid)
    gateway = await startGateway(config, observer, metrics, Date.now, passed)
    run.started?.(gateway)
    manager.ready(inService(gateway))
    if (early) void onReload()
    await aborted(stopped.signal)
    manager.stopping('no new logins; transfers may finish')
    await stop(gateway, config.shutdown.drainMs, cut.signal)
    observer({ kind: 'stopped' })
  } finally {
    await manager.close()
    for (const [name, listener] of Object.entries(listeners)) signals.off(name, listener)
  }
}

/** For `systemctl status`. */
function inService({ listeners }: Gateway): string {
  return `serving ${listeners.map(({ name, port }) => `${name} on port ${port}`).join(', ')}`
}

async function stop(gateway: Gateway, drainMs: number, cut: AbortSignal): Promise<void> {
  const drained = gateway.stop(drainMs)
  await Promise.race([drained, aborted(cut).then(() => gateway.stop(0))])
  await drained
}

/** Takes over what the files say now, or says why not; returns the configuration that is in force afterwards. */
async function reload(gateway: Gateway, current: Config, run: GatewayRun): Promise<Config> {
  const { load, observer, metrics } = run
  try {
    const next = await load()
    // Before anything happens under the new names.
    metrics.declare(namesOf(next))
    const changes = await gateway.reload(next)
    run.inForce?.(next)
    if (next.logging.format !== run.config.logging.format) {
      observer({ kind: 'warning', topic: 'restart_needed', message: 'the change of logging.format needs a restart' })
    }
    observer({ kind: 'reloaded', ok: true, problems: [], changes })
    return next
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    const problems = error instanceof ConfigError ? message.split('\n') : [message]
    const more = problems.length > problemsMax ? [`… ${problems.length - problemsMax} more`] : []
    observer({ kind: 'reloaded', ok: false, problems: [...problems.slice(0, problemsMax), ...more] })
    return current
  }
}

/** Faults of a configuration that the log names; `check` shows them all. */
const problemsMax = 50

function tooLate(observer: Observer): void {
  const message = 'SIGHUP came while the gateway stops; the configuration stays as it is'
  observer({ kind: 'warning', topic: 'reload_too_late', message })
}

/** Partners as they appear in events: logins that match none are counted under `default`. */
function namesOf({ listeners, partners, backends, oldServers }: Config): Names {
  const name = (named: { readonly name: string }) => named.name
  return {
    listeners: listeners.map(name),
    partners: ['default', ...partners.map(name)],
    backends: [...backends, ...oldServers].map(name),
  }
}

/** Runs a job when called; calls that come while it runs make it run once more afterwards. */
function oneAtATime(job: () => Promise<void>): () => Promise<void> {
  let state: 'idle' | 'running' | 'wanted' = 'idle'
  return async () => {
    const idle = state === 'idle'
    state = 'wanted'
    if (!idle) return
    while (state === 'wanted') {
      state = 'running'
      await job()
    }
    state = 'idle'
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
