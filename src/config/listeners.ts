import { isIPv4 } from 'node:net'
import type { ListenerConfig } from './config.ts'
import { readNamed, resolveFrom } from './files.ts'
import type { Problems } from './problems.ts'
import { reportDuplicates } from './references.ts'
import type { gatewaySchema } from './schema.ts'
import { nodeAt, type Path, type Source } from './source.ts'
import type { Values } from './table.ts'

type Globals = Values<typeof gatewaySchema>
type ListenerValues = NonNullable<Globals['listeners'][number]>

/** What a listener says in place of the globals: nothing. */
const asGlobals = { sessionReuse: undefined, active: undefined, greetingDelayMs: undefined, minTls: undefined } as const
const noCertificates = { clientCertificates: 'off', clientCa: undefined, clientCrl: undefined } as const
const usually = { ...asGlobals, ...noCertificates, requireTls: true, ccc: false } as const

/** Without a word about listeners there are the two that FTPS clients know (RFC 4217; port 990 by IANA). */
const usual: readonly ListenerConfig[] = [
  { name: 'explicit', address: '::', port: 21, tls: 'explicit', ...usually },
  { name: 'implicit', address: '::', port: 990, tls: 'implicit', ...usually },
]

/** The listeners; every two sockets of the gateway that cannot both be opened are a fault here, not at start. */
export function checkListeners(globals: Globals, source: Source, problems: Problems): readonly ListenerConfig[] {
  const key = ['listeners']
  const given = nodeAt(source, key) !== undefined
  if (given && globals.listeners.length === 0) problems.add(source, key, 'must have at least one listener')
  const sockets: Socket[] = []
  const listeners: ListenerConfig[] = given ? [] : [...usual]
  for (const [i, values] of globals.listeners.entries()) {
    if (values === undefined) continue
    const listener = checkListener(values, [...key, i], source, problems)
    listeners.push(listener)
    const path = [...key, i, 'port']
    // A port that could not be read stands for nothing that another socket could be in the way of.
    const port = problems.has(source, path) ? 0 : listener.port
    sockets.push({ ...listener, port, what: `listener ${listener.name}`, path })
  }
  const names = sockets.map(({ name, path }) => ({ text: name, path: [...path.slice(0, -1), 'name'] }))
  reportDuplicates(source, names, problems)
  if (!given) sockets.push(...usual.map((listener) => ({ ...listener, what: `listener ${listener.name}`, path: key })))
  if (globals.admin !== 'off') {
    sockets.push({ ...globals.admin, name: 'admin', what: 'admin', path: ['admin', 'port'] })
  }
  reportCollisions(sockets, globals.passive.ports, source, problems)
  return listeners
}

function checkListener(values: ListenerValues, path: Path, source: Source, problems: Problems): ListenerConfig {
  const { name, address, tls, requireTls, sessionReuse, active, greetingDelay: greetingDelayMs } = values
  const minTls = tls === 'off' ? undefined : values.minTls
  if (tls === 'off' && values.minTls !== undefined) {
    problems.add(source, [...path, 'minTls'], 'does nothing with tls: off')
  }
  if (greetingDelayMs !== undefined && tls !== 'implicit') {
    problems.add(source, [...path, 'greetingDelay'], 'needs tls: implicit; elsewhere the greeting comes first anyway')
  }
  if (tls === 'off' && requireTls === true) {
    problems.add(source, [...path, 'requireTls'], 'cannot be true with tls: off')
  }
  const port = values.port ?? (tls === 'implicit' ? 990 : 21)
  const policy = {
    tls,
    requireTls: tls !== 'off' && requireTls !== false,
    sessionReuse,
    active,
    greetingDelayMs,
    minTls,
  }
  if (tls === 'off' && values.ccc) problems.add(source, [...path, 'ccc'], 'does nothing with tls: off')
  return { name, address, port, ...policy, ccc: values.ccc, ...certificatesOf(values, path, source, problems) }
}

type CertificateSettings = Pick<ListenerConfig, 'clientCertificates' | 'clientCa' | 'clientCrl'>

function certificatesOf(values: ListenerValues, path: Path, source: Source, problems: Problems): CertificateSettings {
  const { tls, clientCertificates } = values
  for (const key of ['clientCa', 'clientCrl'] as const) {
    if (values[key] === undefined || clientCertificates !== 'off') continue
    problems.add(source, [...path, key], 'needs clientCertificates: request or require')
  }
  if (clientCertificates !== 'off' && tls === 'off') {
    problems.add(source, [...path, 'clientCertificates'], 'needs TLS; this listener has tls: off')
  }
  if (clientCertificates !== 'off' && values.clientCa === undefined) {
    problems.add(source, [...path, 'clientCa'], 'is missing; it names the file of those who issue the certificates')
  }
  const clientCa = values.clientCa && resolveFrom(source, values.clientCa)
  const clientCrl = values.clientCrl && resolveFrom(source, values.clientCrl)
  return { clientCertificates, clientCa, clientCrl }
}

/** What is in the files is looked at when they are used; here they only have to be there. */
export async function checkClientCertificates(
  listeners: readonly ListenerConfig[],
  source: Source,
  problems: Problems,
): Promise<void> {
  for (const [i, listener] of listeners.entries()) {
    for (const key of ['clientCa', 'clientCrl'] as const) {
      const file = listener[key]
      if (file !== undefined) await readNamed(source, ['listeners', i, key], file, problems)
    }
  }
}

interface Socket {
  readonly name: string
  readonly address: string
  readonly port: number
  readonly what: string
  readonly path: Path
}

function reportCollisions(
  sockets: readonly Socket[],
  passive: { readonly first: number; readonly last: number },
  source: Source,
  problems: Problems,
): void {
  for (const [i, socket] of sockets.entries()) {
    if (socket.port === 0) continue
    const other = sockets.slice(0, i).find((earlier) => collide(earlier, socket))
    if (other !== undefined) {
      problems.add(source, socket.path, `${socket.port} on ${socket.address} is the port of ${other.what} already`)
    } else if (socket.port >= passive.first && socket.port <= passive.last) {
      const range = `${passive.first}-${passive.last}`
      problems.add(
        source,
        socket.path,
        `${socket.port} is one of passive.ports ${range}, which belong to data connections`,
      )
    }
  }
}

/** Whether two sockets cannot listen at once; `::` takes IPv4 too. */
function collide(a: Socket, b: Socket): boolean {
  if (a.port !== b.port) return false
  if (a.address === b.address || a.address === '::' || b.address === '::') return true
  return isIPv4(a.address) && isIPv4(b.address) && (a.address === '0.0.0.0' || b.address === '0.0.0.0')
}
