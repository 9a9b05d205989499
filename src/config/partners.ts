import { dirname, isAbsolute, join } from 'node:path'
import { Secret } from '../ftp/secret.ts'
import { backendFault } from './backends.ts'
import type { Checks } from './checks.ts'
import type { PartnerAuth, PartnerConfig } from './config.ts'
import { dialectChangesOf } from './dialect.ts'
import { findFiles, inWords, readNamed, readText, resolveFrom } from './files.ts'
import type { Problems } from './problems.ts'
import { readTable } from './read.ts'
import { place } from './references.ts'
import { partnerSchema } from './schema.ts'
import { type Path, type Source, textAt } from './source.ts'
import type { Values } from './table.ts'
import { parseYaml } from './yaml.ts'

type PartnerValues = Values<typeof partnerSchema>

export interface PartnerParts {
  /** The file with the globals. */
  readonly globals: Source
  /** The pattern of partner files, as written there. */
  readonly pattern: string | undefined
  readonly defaultBackend: string
  readonly env: NodeJS.ProcessEnv
  readonly problems: Problems
  readonly checks: Checks | undefined
}

/** Reads every partner file; what is wrong between the files is reported as well. */
export async function loadPartners(parts: PartnerParts): Promise<readonly PartnerConfig[]> {
  const { globals, pattern, problems } = parts
  if (pattern === undefined) return []
  let files: readonly string[] = []
  try {
    files = await findFiles(besides(globals, pattern))
  } catch (error) {
    problems.add(globals, ['partners'], inWords(error))
  }
  const partners: PartnerConfig[] = []
  const claims = new Claims(problems)
  for (const file of files) {
    const partner = await loadPartner(file, claims, parts)
    if (partner !== undefined) partners.push(partner)
  }
  return partners
}

/** The pattern from where the gateway runs, kept relative when the configuration file is, for short messages. */
function besides(source: Source, pattern: string): string {
  const folder = dirname(source.file)
  return isAbsolute(pattern) ? pattern : join(folder, pattern)
}

async function loadPartner(file: string, claims: Claims, parts: PartnerParts): Promise<PartnerConfig | undefined> {
  const { problems, globals, env, defaultBackend, checks } = parts
  const source = await readSource(file, env, problems)
  if (source === undefined) return undefined
  const values = readTable(partnerSchema, [], { source, problems })
  if (values === undefined) return undefined
  const { name, match, root } = values
  claims.take('partner', name, source, ['name'])
  if (name === 'default') problems.add(source, ['name'], '"default" means logins that match no partner; choose another')
  if (match.users.length === 0)
    problems.add(source, ['match', 'users'], 'is missing; it must list at least one user name')
  for (const [i, user] of match.users.entries()) {
    if (user !== undefined) claims.take('user', user, source, ['match', 'users', i])
  }
  const fault = values.backend === undefined ? undefined : backendFault(values.backend, globals)
  if (fault !== undefined) problems.add(source, ['backend'], fault)
  const auth = await checkAuth(values.auth, source, problems, checks)
  if (auth === undefined) return undefined
  const users = match.users.filter((user) => user !== undefined)
  const dialect = dialectChangesOf(values)
  return { name, users, auth, backend: values.backend ?? defaultBackend, root, dialect }
}

/** A file as a tree; undefined, and a fault, when it cannot be read or is not YAML. */
export async function readSource(
  file: string,
  env: NodeJS.ProcessEnv,
  problems: Problems,
): Promise<Source | undefined> {
  try {
    const source = parseYaml(file, await readText(file), env, problems)
    return source.root.type === 'broken' ? undefined : source
  } catch (error) {
    problems.addAt({ file, line: 1, column: 1, key: 'file', message: inWords(error) })
    return undefined
  }
}

/** Names that only one partner may have. */
class Claims {
  readonly #problems: Problems
  readonly #taken = new Map<string, string>()
  constructor(problems: Problems) {
    this.#problems = problems
  }

  take(what: 'partner' | 'user', name: string, source: Source, path: Path): void {
    const id = `${what} ${name}`
    const earlier = this.#taken.get(id)
    if (earlier === undefined) this.#taken.set(id, place(source, path))
    else this.#problems.add(source, path, `${what} "${name}" is in ${earlier} already`)
  }
}

const onlyLocal: readonly Path[] = [
  ['auth', 'passwordHash'],
  ['auth', 'sftp', 'username'],
  ['auth', 'sftp', 'privateKey'],
  ['auth', 'sftp', 'passphrase'],
  ['auth', 'sftp', 'password'],
]

async function checkAuth(
  auth: PartnerValues['auth'],
  source: Source,
  problems: Problems,
  checks: Checks | undefined,
): Promise<PartnerAuth | undefined> {
  if (problems.has(source, ['auth', 'mode'])) return undefined
  if (auth.mode === 'local') return checkLocal(auth, source, problems, checks)
  for (const path of onlyLocal) {
    if (textAt(source, path) !== undefined)
      problems.add(source, path, 'needs auth.mode: local; with passthrough it does nothing')
  }
  return { mode: 'passthrough', username: auth.username }
}

async function checkLocal(
  auth: PartnerValues['auth'],
  source: Source,
  problems: Problems,
  checks: Checks | undefined,
): Promise<PartnerAuth | undefined> {
  const { passwordHash } = auth
  const { username, privateKey: keyFile, passphrase, password } = auth.sftp
  if (auth.username !== undefined) {
    problems.add(source, ['auth', 'username'], 'needs auth.mode: passthrough (did you mean "auth.sftp.username"?)')
  }
  const missing = (path: Path, what: string): void => problems.add(source, path, `is missing; mode local needs ${what}`)
  if (passwordHash === undefined) missing(['auth', 'passwordHash'], 'what `ftps-gateway hash-password` prints')
  if (username === undefined) missing(['auth', 'sftp', 'username'], 'the user name on the backend')
  const key = ['auth', 'sftp', 'privateKey']
  if (password !== undefined) {
    for (const other of ['privateKey', 'passphrase'] as const) {
      if (auth.sftp[other] === undefined) continue
      problems.add(source, ['auth', 'sftp', other], 'and password exclude each other; the backend is entered with one')
    }
    if (passwordHash === undefined || username === undefined) return undefined
    return { mode: 'local', passwordHash, username, proof: { kind: 'password', password: new Secret(password) } }
  }
  if (keyFile === undefined) missing(key, 'the file of the private key for the backend, or auth.sftp.password')
  const privateKey = keyFile && (await readNamed(source, key, resolveFrom(source, keyFile), problems))
  if (passwordHash === undefined || username === undefined || privateKey === undefined) return undefined
  const fault = checks?.privateKey(privateKey, passphrase)
  if (fault !== undefined) problems.add(source, key, fault)
  return { mode: 'local', passwordHash, username, proof: { kind: 'privateKey', privateKey, passphrase } }
}
