import type { Checks } from './checks.ts'
import type { BackendConfig, OldServerConfig, PartnerConfig } from './config.ts'
import { readNamed, resolveFrom } from './files.ts'
import { checkOldServer, checkType } from './old-servers.ts'
import type { Problems } from './problems.ts'
import { reportDuplicates } from './references.ts'
import type { gatewaySchema } from './schema.ts'
import { nodeAt, type Source, textAt } from './source.ts'
import { suggest } from './suggest.ts'
import type { Values } from './table.ts'

type Globals = Values<typeof gatewaySchema>
type BackendValues = NonNullable<Globals['backends'][number]>

/** The backends, each with a pin: a server that anybody can play is no place for passwords and files. */
export async function checkBackends(
  globals: Globals,
  source: Source,
  problems: Problems,
  checks: Checks | undefined,
): Promise<{ readonly backends: BackendConfig[]; readonly oldServers: OldServerConfig[] }> {
  if (globals.backends.length === 0)
    problems.add(source, ['backends'], 'is missing; it must name at least one SFTP server')
  reportDuplicates(source, backendNames(source), problems)
  const backends: BackendConfig[] = []
  const oldServers: OldServerConfig[] = []
  for (const [i, values] of globals.backends.entries()) {
    if (values === undefined) continue
    checkType(values, i, source, problems)
    if (values.type === 'ftps') oldServers.push(await checkOldServer(values, i, source, problems))
    else backends.push(await checkBackend(values, i, source, problems, checks))
  }
  return { backends, oldServers }
}

async function checkBackend(
  values: BackendValues,
  i: number,
  source: Source,
  problems: Problems,
  checks: Checks | undefined,
): Promise<BackendConfig> {
  const { name, host, port = 22, hostKeys, timeouts, health, stripe, pool, preflight } = values
  const knownHosts = values.knownHosts === undefined ? undefined : resolveFrom(source, values.knownHosts)
  const key = ['backends', i, 'knownHosts']
  if (knownHosts !== undefined) {
    const text = await readNamed(source, key, knownHosts, problems)
    const fault = text === undefined || hostKeys.length > 0 ? undefined : checks?.knownHosts(text, host, port)
    if (fault !== undefined) problems.add(source, key, fault)
  } else if (hostKeys.length === 0 && !problems.has(source, key) && !problems.has(source, ['backends', i, 'type'])) {
    const advice = `\`ftps-gateway host-key ${host}\` prints the fingerprint to compare and to write here`
    problems.add(source, ['backends', i, 'hostKeys'], `is missing, and knownHosts too: no pin, no start; ${advice}`)
  }
  return {
    name,
    host,
    port,
    hostKeys: hostKeys.filter((pin) => pin !== undefined),
    knownHosts,
    timeouts: {
      connectMs: timeouts.connect,
      loginMs: timeouts.login,
      requestMs: timeouts.request,
      closeMs: timeouts.close,
      reconnectMs: timeouts.reconnect,
    },
    health: { everyMs: health.every, timeoutMs: health.timeout },
    stripe,
    ...(preflight !== undefined && { preflight }),
    pool: { connections: pool.connections, idleMs: pool.idle },
    capabilities: given(values.capabilities),
  }
}

type Given<V> = { [K in keyof V]?: Exclude<V[K], undefined> }

/** Only what was written: a key with the value undefined would hide what the gateway finds out. */
function given<V extends object>(values: V): Given<V> {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as Given<V>
}

/** A backend is tried out with the account of a partner of its own, whose secret the gateway holds. */
export function checkPreflights(
  backends: readonly BackendConfig[],
  partners: readonly PartnerConfig[],
  source: Source,
  problems: Problems,
): void {
  for (const [i, { name, preflight }] of backends.entries()) {
    if (preflight === undefined) continue
    const partner = partners.find((each) => each.name === preflight)
    const fault =
      partner === undefined
        ? `there is no partner "${preflight}"`
        : partner.backend !== name
          ? `partner "${preflight}" has backend ${partner.backend}`
          : partner.auth.mode === 'passthrough'
            ? `partner "${preflight}" is passed through, so the gateway has no account to try with; needs auth.mode: local`
            : undefined
    if (fault !== undefined) problems.add(source, ['backends', i, 'preflight'], fault)
  }
}

/** Where each backend is named, also of those that are faulty otherwise: a reference to them is no second fault. */
function backendNames(
  source: Source,
  type?: 'sftp' | 'ftps',
): { readonly path: readonly (string | number)[]; readonly text: string }[] {
  const node = nodeAt(source, ['backends'])
  const items = node?.type === 'list' ? node.items : []
  return items.flatMap((_, i) => {
    const path = ['backends', i, 'name']
    const text = textAt(source, path)
    const other = type !== undefined && (textAt(source, ['backends', i, 'type']) ?? 'sftp') !== type
    return text === undefined || other ? [] : [{ path, text }]
  })
}

/** What is wrong with the name of a backend that something refers to; undefined when it exists. */
export function backendFault(name: string, globalsSource: Source, type: 'sftp' | 'ftps' = 'sftp'): string | undefined {
  const names = backendNames(globalsSource, type).map(({ text }) => text)
  const known = backendNames(globalsSource).some(({ text }) => text === name)
  if (known && !names.includes(name)) return `backend "${name}" is not of type ${type}`
  return names.includes(name) ? undefined : `no backend is named "${name}"${suggest(name, names)}`
}

/** The backend of logins that match no partner: with several to choose from, somebody has to choose. */
export function checkDefaultBackend(globals: Globals, source: Source, problems: Problems): string {
  const key = ['defaults', 'backend']
  const name = globals.defaults.backend
  const [first, ...others] = backendNames(source, 'sftp')
  if (name === undefined && others.length > 0) {
    problems.add(source, key, 'is missing; with several backends it must name the one for logins that match no partner')
  }
  const fault = name === undefined ? undefined : backendFault(name, source)
  if (fault !== undefined) problems.add(source, key, fault)
  return name ?? first?.text ?? ''
}

/** The old server of logins in the phase `legacy` whose partner names no other. */
export function checkDefaultLegacy(globals: Globals, source: Source, problems: Problems): string | undefined {
  const { legacy, phase } = globals.defaults
  const key = ['defaults', 'legacy']
  const fault = legacy === undefined ? undefined : backendFault(legacy, source, 'ftps')
  if (fault !== undefined) problems.add(source, key, fault)
  if (legacy === undefined && phase === 'legacy') {
    problems.add(source, key, 'is missing; defaults.phase: legacy needs a backend of type ftps, by its name')
  }
  const sftp = backendNames(source, 'sftp').length > 0 || globals.backends.length === 0
  if (!sftp && phase !== 'legacy' && !problems.has(source, ['defaults', 'phase'])) {
    problems.add(source, ['backends'], 'names no SFTP server, which everybody needs who is not in the phase legacy')
  }
  return legacy
}
