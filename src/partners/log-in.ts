import {
  type Backend,
  BackendError,
  type Credentials,
  type FileSystem,
  type Preparation,
  type PrivateKey,
} from '../backend/backend.ts'
import type { PartnerConfig } from '../config/config.ts'
import { type ByteString, fromText, toText } from '../ftp/bytes.ts'
import type { CharsetName } from '../ftp/charset.ts'
import type { DialectChanges } from '../ftp/dialect.ts'
import { Secret } from '../ftp/secret.ts'
import { createDirectory, type Route } from './directory.ts'
import { createHashingQueue } from './hashing-queue.ts'
import { verifyPassword } from './password-hash.ts'
import { ProvenPasswords } from './proven-passwords.ts'
import { RefusalGuard } from './refusal-guard.ts'
import { rooted } from './rooted.ts'
import { storedIn } from './stored-names.ts'

export interface LogInParts {
  readonly partners: readonly PartnerConfig[]
  readonly backends: ReadonlyMap<string, Backend>
  /** The backend of users who belong to no partner. */
  readonly defaultBackend: string
  /** What names on a backend are written in, unless a partner says otherwise. */
  readonly backendCharset: CharsetName
  /** Throws an Error that does not show the key. */
  readonly parseKey: (text: string, passphrase: string | undefined) => PrivateKey
}

/** Both as the client sent them. */
export interface Attempt {
  readonly username: ByteString
  readonly password: Secret
  /** Numeric address of the client. */
  readonly address: string
  /** What `prepare` began for it. */
  readonly preparation: Preparation | undefined
}

export interface LoggedIn extends Route {
  readonly files: FileSystem
  readonly dialect: DialectChanges
}

/** Throws BackendError: `loginRefused` for what the client gave, `unavailable` for what the operator has to see to. */
export type LogIn = (attempt: Attempt) => Promise<LoggedIn>

/**
 * Logs clients in to the backend of their partner. Keys are parsed once, here: it takes long for encrypted ones, and a
 * bad one should stop the start and not the first login. Throws an Error that names every partner whose key is bad.
 */
export function createLogIn(parts: LogInParts): {
  readonly logIn: LogIn
  /** Begins a login before its password is here; undefined where there is nothing to begin. */
  readonly prepare: (username: ByteString) => Preparation | undefined
  readonly routeOf: (username: ByteString) => Route
} {
  const { partners, backends, defaultBackend, backendCharset } = parts
  const directory = createDirectory(partners, defaultBackend)
  const held = heldCredentials(parts)
  const hashing = createHashingQueue()
  const guard = new RefusalGuard()
  const proven = new ProvenPasswords()

  async function passThrough(
    backend: Backend,
    username: string,
    password: Secret,
    preparation: Preparation | undefined,
  ): Promise<FileSystem> {
    const credentials: Credentials = { kind: 'password', username, password }
    return guard.run(`${backend.name} ${username}`, () => backend.open(credentials, preparation))
  }

  async function enterAsPartner(backend: Backend, partner: PartnerConfig): Promise<FileSystem> {
    const credentials = held.get(partner.name)
    if (credentials === undefined) throw new BackendError('unavailable', `partner ${partner.name} has no credentials`)
    try {
      return await backend.open(credentials)
    } catch (error) {
      if (!(error instanceof BackendError) || error.kind !== 'loginRefused') throw error
      // The client's password was right. Told otherwise, its owner would go looking for a mistake that is not theirs.
      const proof = credentials.kind === 'privateKey' ? 'key' : 'password'
      const message = `backend ${backend.name} refuses the ${proof} of partner ${partner.name} for user ${credentials.username}`
      throw new BackendError('unavailable', message, { cause: error })
    }
  }

  async function checkPassword(partner: string, passwordHash: string, password: Secret): Promise<void> {
    if (proven.has(passwordHash, password)) return
    if (!(await hashing.run(() => verifyPassword(passwordHash, password.reveal())))) {
      throw new BackendError('loginRefused', `wrong password for partner ${partner}`)
    }
    proven.add(passwordHash, password)
  }

  async function open(
    username: string,
    password: Secret,
    backend: Backend,
    partner: PartnerConfig | undefined,
    preparation: Preparation | undefined,
  ): Promise<FileSystem> {
    const { auth } = partner ?? {}
    if (partner === undefined || auth?.mode !== 'local') {
      return passThrough(backend, auth?.username ?? username, password, preparation)
    }
    await checkPassword(partner.name, auth.passwordHash, password)
    return enterAsPartner(backend, partner)
  }

  return {
    routeOf: directory.routeOf,
    prepare(username) {
      // Where the gateway holds the credentials nothing is begun before the client has proved itself.
      if (!isUserName(username) || directory.find(username)?.auth.mode === 'local') return undefined
      return backends.get(directory.routeOf(username).backend)?.prepare()
    },
    async logIn({ username, password, preparation }) {
      if (!isUserName(username)) {
        throw new BackendError('loginRefused', 'the user name is empty or has control characters')
      }
      const partner = directory.find(username)
      const route = directory.routeOf(username)
      const backend = backends.get(route.backend)
      if (backend === undefined) throw new BackendError('unavailable', `there is no backend ${route.backend}`)
      // SSH has user names and passwords in UTF-8 (RFC 4252 sections 5 and 8), whatever charset the client has.
      const files = await open(toText(username), new Secret(toText(password.reveal())), backend, partner, preparation)
      const { root = '/', dialect = {} } = partner ?? {}
      const named = storedIn(files, dialect.names?.backendCharset ?? backendCharset)
      return { ...route, dialect, files: rooted(named, fromText(root)) }
    },
  }
}

/** NUL and its kind in a user name have opened doors elsewhere (CVE-2025-47812); no backend needs them. */
function isUserName(username: ByteString): boolean {
  return username !== '' && !/[\x00-\x1f\x7f]/.test(username)
}

/** One object for each partner, and always the same one: by it the backend knows logins that may share connections. */
function heldCredentials({ partners, parseKey }: LogInParts): ReadonlyMap<string, Credentials> {
  const held = new Map<string, Credentials>()
  const problems: string[] = []
  for (const { name, auth } of partners) {
    if (auth.mode !== 'local') continue
    const { username, proof } = auth
    if (proof.kind === 'password') {
      held.set(name, { kind: 'password', username, password: proof.password, held: true })
      continue
    }
    try {
      held.set(name, { kind: 'privateKey', username, privateKey: parseKey(proof.privateKey, proof.passphrase) })
    } catch (error) {
      problems.push(`partner ${name}: auth.sftp.privateKey: ${error instanceof Error ? error.message : error}`)
    }
  }
  if (problems.length > 0) throw new Error(problems.join('\n'))
  return held
}
