import { oldServerSettings } from '../composition/old-servers.ts'
import type { Config, OldServerConfig, PartnerConfig } from '../config/config.ts'
import { readText } from '../config/files.ts'
import { fromText } from '../ftp/bytes.ts'
import { Secret } from '../ftp/secret.ts'
import { ftpOldServer } from '../legacy/ftp-old-server.ts'
import { oldSide } from '../migration/old-side.ts'
import type { Side } from '../migration/side.ts'
import { parseHost } from './host-key.ts'
import { type Io, UsageError } from './verb.ts'

const timeoutMs = 60_000

/** What the command line says of the old server, and of the login there. */
export interface OldOptions {
  readonly old?: string | undefined
  readonly 'old-user'?: string | undefined
  readonly 'old-password-env'?: string | undefined
  readonly 'old-ca'?: string | undefined
  readonly 'old-root'?: string | undefined
  readonly 'old-implicit': boolean
}

/** Logs in at the old server of a partner. Throws UsageError and BackendError. */
export async function enterOld(config: Config, partner: PartnerConfig, options: OldOptions, io: Io): Promise<Side> {
  const server = options.old === undefined ? configured(config, partner) : await named(options.old, options)
  const user = options['old-user'] ?? partner.users[0]
  if (user === undefined) throw new UsageError('compare needs --old-user NAME: the partner names no user')
  const password = io.env[options['old-password-env'] ?? '']
  if (!password) throw new UsageError('--old-password-env names no variable that is set')
  const settings = await oldServerSettings(server, timeoutMs)
  const session = await ftpOldServer(settings, () => {}).logIn(fromText(user), new Secret(fromText(password)))
  const root = options['old-root']
  try {
    return await oldSide(`${server.host}:${server.port}`, session, root && fromText(root), Date.now())
  } catch (error) {
    session.close()
    throw error
  }
}

/** The one to which the partner is relayed in the phase legacy. */
function configured(
  { oldServers, defaults }: Config,
  { name, legacy = defaults.legacy }: PartnerConfig,
): OldServerConfig {
  const found = oldServers.find((server) => server.name === legacy)
  if (found) return found
  throw new UsageError(`compare needs --old HOST[:PORT]: partner ${name} has no old server in the configuration`)
}

async function named(where: string, options: OldOptions): Promise<OldServerConfig> {
  const implicit = options['old-implicit']
  const { host, port } = parseHost(/:\d+$/.test(where) ? where : `${where}:${implicit ? 990 : 21}`)
  const ca = options['old-ca']
  if (ca !== undefined) await readText(ca).catch(unreadable(ca))
  const mode = implicit ? 'implicit' : 'explicit'
  const times = { connectMs: timeoutMs, loginMs: timeoutMs, requestMs: timeoutMs, closeMs: timeoutMs }
  const tls = { mode, ca, fingerprints: [], verify: true, minVersion: 'TLSv1.2' } as const
  return { name: host, host, port, tls, timeouts: times }
}

function unreadable(file: string): (error: Error) => never {
  return (error) => {
    throw new UsageError(`--old-ca ${file} ${error.message}`)
  }
}
