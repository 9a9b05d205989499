import type { Credentials } from '../backend/backend.ts'
import { parsePrivateKey } from '../backend/sftp/private-key.ts'
import type { BackendConfig, Config, PartnerConfig } from '../config/config.ts'
import { suggest } from '../config/suggest.ts'
import { type ByteString, fromText } from '../ftp/bytes.ts'
import { resolve } from '../ftp/pathname.ts'
import { Secret } from '../ftp/secret.ts'
import { credentialsOf } from '../partners/held-credentials.ts'
import { readPassword } from './read-password.ts'
import { type Io, UsageError } from './verb.ts'

/** What the command line says of the account. */
export interface AccountOptions {
  readonly backend?: string | undefined
  readonly partner?: string | undefined
  readonly user?: string | undefined
  readonly 'password-env'?: string | undefined
}

/** An account of a backend, as whoever uses it through the gateway has it. */
export interface Account {
  readonly backend: BackendConfig
  readonly partner: PartnerConfig | undefined
  readonly credentials: Credentials
}

/** Which account is meant; asks for its password where the gateway does not hold what it is entered with. Throws UsageError. */
export async function accountOf(config: Config, options: AccountOptions, io: Io): Promise<Account> {
  if (options.partner !== undefined && options.backend !== undefined)
    throw new UsageError('test takes a partner or a backend, not both: a partner has one backend')
  const partner = options.partner === undefined ? undefined : named('partner', options.partner, config.partners)
  const backend = named('backend', partner?.backend ?? options.backend ?? config.defaults.backend, config.backends)
  return { backend, partner, credentials: await credentialsFor(config, backend, partner, options, io) }
}

/** Whether the word of a command line is a partner or a backend. Throws UsageError. */
export function meantBy(word: string | undefined, { backends, partners }: Config): AccountOptions {
  if (word === undefined) return {}
  const has = (all: readonly { readonly name: string }[]) => all.some(({ name }) => name === word)
  if (has(backends) && has(partners))
    throw new UsageError(`"${word}" is a backend and a partner: say --backend ${word} or --partner ${word}`)
  if (has(partners)) return { partner: word }
  if (has(backends)) return { backend: word }
  const names = [...partners, ...backends].map(({ name }) => name)
  throw new UsageError(`there is no partner or backend "${word}"${suggest(word, names)}`)
}

async function credentialsFor(
  { partners }: Config,
  backend: BackendConfig,
  partner: PartnerConfig | undefined,
  options: AccountOptions,
  io: Io,
): Promise<Credentials> {
  const auth = partner?.auth
  if (auth && auth.mode !== 'passthrough') {
    if (options.user !== undefined || options['password-env'] !== undefined)
      throw new UsageError(`the gateway holds what partner ${partner.name} enters its backend with: leave out --user`)
    return credentialsOf(auth, parsePrivateKey)
  }
  const username = auth?.username ?? options.user
  if (username === undefined) {
    const held = partners.filter((one) => one.backend === backend.name && one.auth.mode !== 'passthrough')
    const ways = ['--user NAME', ...(partner ? [] : held.map(({ name }) => `--partner ${name}`))]
    throw new UsageError(`with which account of backend ${backend.name}? Say ${ways.join(' or ')}`)
  }
  return { kind: 'password', username, password: new Secret(await passwordOf(options['password-env'], io)) }
}

/** From a variable of the environment, or from standard input. Throws UsageError. */
export async function passwordOf(variable: string | undefined, { stdin, stderr, env }: Io): Promise<string> {
  if (variable === undefined) return readPassword(stdin, stderr, 'known')
  const password = env[variable]
  if (!password) throw new UsageError(`--password-env names a variable that is not set: ${variable}`)
  return password
}

function named<T extends { readonly name: string }>(kind: string, name: string, all: readonly T[]): T {
  const found = all.find((one) => one.name === name)
  if (found) return found
  const names = all.map((one) => one.name)
  throw new UsageError(`there is no ${kind} "${name}"${suggest(name, names)}`)
}

/** The backend's name for a directory that is given as the account's user sees it; default: where the login starts. */
export function directoryOn(home: ByteString, root: string | undefined, wanted: string | undefined): ByteString {
  const base = fromText(root ?? '/').replace(/\/+$/, '')
  const start = home === base || home.startsWith(`${base}/`) ? home.slice(base.length) || '/' : '/'
  const inside = wanted === undefined ? start : resolve(start, fromText(wanted).replace(/^~/, './~'), start)
  if (inside === undefined) throw new UsageError('--directory takes a path without line breaks')
  return inside === '/' ? base || '/' : base + inside
}
