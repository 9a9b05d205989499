import { dirname, isAbsolute, join } from 'node:path'
import { Secret } from '../ftp/secret.ts'
import { backendFault } from './backends.ts'
import type { Checks } from './checks.ts'
import type { BackendProof, PartnerAuth, PartnerConfig } from './config.ts'
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
  /** Whether any listener asks its clients for certificates. */
  readonly certificatesAsked: boolean
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
  for (const [i, certificate] of match.certificates.entries()) {
    if (certificate !== undefined) claims.take('certificate', certificate, source, ['match', 'certificates', i])
  }
  checkCertificates(values, source, parts)
  const fault = values.backend === undefined ? undefined : backendFault(values.backend, globals)
  if (fault !== undefined) problems.add(source, ['backend'], fault)
  const auth = await checkAuth(values.auth, source, problems, checks)
  if (auth === undefined) return undefined
  const users = match.users.filter((user) => user !== undefined)
  const dialect = dialectChangesOf(values)
  const certificates = match.certificates.filter((certificate) => certificate !== undefined)
  return { name, users, certificates, auth, backend: values.backend ?? defaultBackend, root, dialect }
}

/** A login that waits for a certificate which nobody is asked for, or which nobody has named, would never come. */
function checkCertificates({ match, auth }: PartnerValues, source: Source, parts: PartnerParts): void {
  const key = ['match', 'certificates']
  const none = match.certificates.length === 0
  if (none && auth.mode === 'certificate') {
    parts.problems.add(source, key, "is missing; mode certificate needs the names of the partner's certificates")
  } else if (!none && !parts.certificatesAsked) {
    parts.problems.add(source, key, 'needs a listener with clientCertificates: request or require')
  }
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

  take(what: 'partner' | 'user' | 'certificate', name: string, source: Source, path: Path): void {
    const id = `${what} ${name}`
    const earlier = this.#taken.get(id)
    if (earlier === undefined) this.#taken.set(id, place(source, path))
    else this.#problems.add(source, path, `${what} "${name}" is in ${earlier} already`)
  }
}

const onlyHeld: readonly Path[] = [
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
  const { mode, passwordHash, username } = auth
  if (problems.has(source, ['auth', 'mode'])) return undefined
  if (mode === 'passthrough') {
    for (const path of onlyHeld) {
      if (textAt(source, path) !== undefined)
        problems.add(source, path, 'needs auth.mode: local; with passthrough it does nothing')
    }
    return { mode, username }
  }
  if (username !== undefined) {
    problems.add(source, ['auth', 'username'], 'needs auth.mode: passthrough (did you mean "auth.sftp.username"?)')
  }
  const hashed = ['auth', 'passwordHash']
  if (mode === 'local' && passwordHash === undefined) {
    problems.add(source, hashed, 'is missing; mode local needs what `ftps-gateway hash-password` prints')
  }
  if (mode === 'certificate' && textAt(source, hashed) !== undefined) {
    problems.add(source, hashed, 'needs auth.mode: local; with certificate nobody is asked for a password')
  }
  const account = await checkAccount(auth, source, problems, checks)
  if (account === undefined) return undefined
  if (mode === 'certificate') return { mode, ...account }
  return passwordHash === undefined ? undefined : { mode, passwordHash, ...account }
}

/** The account that the gateway itself has on the backend. */
async function checkAccount(
  { mode, sftp }: PartnerValues['auth'],
  source: Source,
  problems: Problems,
  checks: Checks | undefined,
): Promise<{ readonly username: string; readonly proof: BackendProof } | undefined> {
  const { username, privateKey: keyFile, passphrase, password } = sftp
  const missing = (path: Path, what: string): void =>
    problems.add(source, path, `is missing; mode ${mode} needs ${what}`)
  if (username === undefined) missing(['auth', 'sftp', 'username'], 'the user name on the backend')
  const key = ['auth', 'sftp', 'privateKey']
  if (password !== undefined) {
    for (const other of ['privateKey', 'passphrase'] as const) {
      if (sftp[other] === undefined) continue
      problems.add(source, ['auth', 'sftp', other], 'and password exclude each other; the backend is entered with one')
    }
    return username === undefined
      ? undefined
      : { username, proof: { kind: 'password', password: new Secret(password) } }
  }
  if (keyFile === undefined) missing(key, 'the file of the private key for the backend, or auth.sftp.password')
  const privateKey = keyFile && (await readNamed(source, key, resolveFrom(source, keyFile), problems))
  if (username === undefined || privateKey === undefined || privateKey === '') return undefined
  const fault = checks?.privateKey(privateKey, passphrase)
  if (fault !== undefined) problems.add(source, key, fault)
  return { username, proof: { kind: 'privateKey', privateKey, passphrase } }
}
