import { readFile } from 'node:fs/promises'
import { isDeepStrictEqual } from 'node:util'
import type { Backend } from '../backend/backend.ts'
import type { ByteBudget } from '../backend/sftp/byte-budget.ts'
import { createHostKeyPolicy } from '../backend/sftp/host-keys.ts'
import type { GatewayMark } from '../backend/sftp/part-name.ts'
import type { Partials } from '../backend/sftp/partials.ts'
import { SftpBackend } from '../backend/sftp/sftp-backend.ts'
import type { BackendConfig, Config } from '../config/config.ts'
import { fromText } from '../ftp/bytes.ts'
import type { Observer } from '../observe/observer.ts'
import { messageOf, StartError, startError } from './start-error.ts'

/** Logins that may wait for a connection of one partner's account. */
const loginsWaitingMax = 64

/** How old a file without an owner is before another gateway's login goes on with it: their clocks may differ. */
const abandonedAfterMsMin = 600_000

/** What all backends have in common. */
export interface SharedParts {
  readonly budget: ByteBudget
  readonly gateway: GatewayMark
  readonly observer: Observer
}

/** By name, with what each was made of: a reload keeps those for which that has not changed. */
export type Backends = ReadonlyMap<string, { readonly config: unknown; readonly backend: SftpBackend }>

/** One backend per entry of the configuration; those that did not change are taken from `previous`. */
export async function makeBackends(
  config: Config,
  previous: Backends | undefined,
  shared: SharedParts,
): Promise<Backends> {
  const made = new Map<string, { config: unknown; backend: SftpBackend }>()
  const texts = await Promise.all(
    config.backends.map(({ knownHosts }) => knownHosts && readFile(knownHosts, 'utf8')),
  ).catch(startError)
  for (const [i, backend] of config.backends.entries()) {
    const knownHostsText = texts[i]
    const wanted = { backend, knownHostsText, upload: config.upload, limits: config.limits }
    const kept = previous?.get(backend.name)
    if (kept && isDeepStrictEqual(kept.config, wanted)) made.set(backend.name, kept)
    else
      made.set(backend.name, {
        config: wanted,
        backend: makeBackend(backend, knownHostsText, config, shared, kept?.backend.partials),
      })
  }
  return made
}

function makeBackend(
  { name, host, port, hostKeys: fingerprints, timeouts, health, stripe, pool, capabilities }: BackendConfig,
  knownHostsText: string | undefined,
  { upload, limits, timeouts: { dataStallMs } }: Config,
  { budget, gateway, observer }: SharedParts,
  partials: Partials | undefined,
): SftpBackend {
  const hostKeys = createHostKeyPolicy({ host, port, fingerprints, knownHostsText })
  for (const note of hostKeys.notes)
    observer({ kind: 'warning', topic: 'known_hosts', message: `backend ${name}: ${note}` })
  return new SftpBackend({
    name,
    host,
    port,
    hostKeys,
    ...timeouts,
    health,
    stripe,
    pool: { ...pool, waiting: loginsWaitingMax, waitMs: timeouts.loginMs },
    fsync: upload.fsync,
    verify: upload.verify,
    ...uploadPlace(upload),
    keepPartialMs: upload.keepPartialMs,
    gateway,
    partials,
    abandonedAfterMs: Math.max(abandonedAfterMsMin, 2 * dataStallMs + timeouts.closeMs + timeouts.reconnectMs),
    bytesInFlightPerTransfer: limits.bytesInFlightPerTransfer,
    budget,
    observer,
    capabilities,
  })
}

function uploadPlace({ mode, staging }: Config['upload']) {
  if (mode !== 'staging') return { uploadMode: mode }
  return { uploadMode: 'atomic', staging: fromText(staging) } as const
}

export async function closeBackends(backends: Backends, except?: Backends): Promise<void> {
  for (const [name, { backend }] of backends) {
    if (except?.get(name)?.backend !== backend) await backend.close()
  }
}

/** A gateway without any backend is useless, and it is better said at start than to the first partner. */
export async function checkBackends(backends: Backends, observer: Observer): Promise<void> {
  const problems = await Promise.all([...backends.values()].map(({ backend }) => problemOf(backend)))
  const found = problems.filter((problem) => problem !== undefined)
  if (found.length === backends.size && found.length > 0) {
    const advice = 'Check host, port, firewall and hostKeys, and that the SFTP server runs'
    throw new StartError(`no backend can be used: ${found.join('; ')}. ${advice}.`)
  }
  for (const message of found) observer({ kind: 'warning', topic: 'backend_down', message })
}

async function problemOf(backend: Backend): Promise<string | undefined> {
  try {
    await backend.probe()
    return undefined
  } catch (error) {
    return `backend ${backend.name}: ${messageOf(error)}`
  }
}
