import type { OldServerConfig } from './config.ts'
import { readNamed, resolveFrom } from './files.ts'
import type { Problems } from './problems.ts'
import type { gatewaySchema } from './schema.ts'
import { nodeAt, type Path, type Source } from './source.ts'
import type { Values } from './table.ts'

type BackendValues = NonNullable<Values<typeof gatewaySchema>['backends'][number]>

/** What means nothing for a server of the other kind. */
const onlySftp: readonly Path[] = [
  ['hostKeys'],
  ['knownHosts'],
  ['timeouts', 'reconnect'],
  ['health'],
  ['stripe'],
  ['preflight'],
  ['pool'],
  ['capabilities'],
]
const onlyFtps: readonly Path[] = [['tls']]

/** A backend has a type; what is written for the other one would do nothing. */
export function checkType({ type }: BackendValues, i: number, source: Source, problems: Problems): void {
  const [idle, other] = type === 'ftps' ? [onlySftp, 'sftp'] : [onlyFtps, 'ftps']
  for (const path of idle) {
    const key = ['backends', i, ...path]
    if (nodeAt(source, key) !== undefined)
      problems.add(source, key, `needs type: ${other}; with ${type} it does nothing`)
  }
}

/** A backend of type ftps. */
export async function checkOldServer(
  { name, host, port, tls, timeouts }: BackendValues,
  i: number,
  source: Source,
  problems: Problems,
): Promise<OldServerConfig> {
  const { mode, verify, minVersion } = tls
  const fingerprints = tls.fingerprints.filter((pin) => pin !== undefined)
  const ca = tls.ca === undefined ? undefined : resolveFrom(source, tls.ca)
  if (ca !== undefined) await readNamed(source, ['backends', i, 'tls', 'ca'], ca, problems)
  const known = fingerprints.length > 0 ? 'fingerprints' : ca === undefined ? undefined : 'ca'
  if (known !== undefined && verify === 'off') {
    problems.add(source, ['backends', i, 'tls', 'verify'], `off and ${known} exclude each other`)
  }
  return {
    name,
    host,
    port: port ?? (mode === 'implicit' ? 990 : 21),
    tls: { mode, ca, fingerprints, verify: verify === 'on', minVersion },
    timeouts: {
      connectMs: timeouts.connect,
      loginMs: timeouts.login,
      requestMs: timeouts.request,
      closeMs: timeouts.close,
    },
  }
}
