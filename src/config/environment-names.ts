import { gatewaySchema } from './schema.ts'
import { suggest } from './suggest.ts'
import { type Entries, environmentName } from './table.ts'

const prefix = 'FTPS_GATEWAY_'
/** Not from the tables: what was built. */
const others: readonly string[] = [`${prefix}REVISION`]

/**
 * Variables that look like settings and are none: mistyped, or of another version. It is no fault, because Kubernetes
 * describes services in variables that begin so as well; those are left out. Values may be secrets and are not shown.
 */
export function strangeNames(env: NodeJS.ProcessEnv): readonly string[] {
  const known = [...settable(gatewaySchema, []), ...others]
  const strange = Object.keys(env).filter((name) => name.startsWith(prefix) && !known.includes(name))
  return strange
    .filter((name) => !isOfKubernetes(name, env[name] ?? ''))
    .map((name) => `the environment variable ${name} is no setting${suggest(name, known)}`)
}

/** Lists are set in the file alone. */
function settable(entries: Entries, path: readonly string[]): readonly string[] {
  return Object.entries(entries).flatMap(([key, entry]) => {
    const inner = [...path, key]
    if (entry.shape === 'table') return settable(entry.entries, inner)
    return entry.shape === 'value' ? [environmentName(inner)] : []
  })
}

function isOfKubernetes(name: string, value: string): boolean {
  return /^(tcp|udp|sctp):\/\//.test(value) || /_(SERVICE_(HOST|PORT(_\w+)?)|PORT_\d+_(TCP|UDP|SCTP)_\w+)$/.test(name)
}
