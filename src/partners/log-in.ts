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
import { isNamed, type ShownCertificate } from './certificate-names.ts'
import { type Caller, createDirectory, type Route } from './directory.ts'
import { createHashingQueue } from './hashing-queue.ts'
import { credentialsOf } from './held-credentials.ts'
import { verifyPassword } from './password-hash.ts'
import { ProvenPasswords } from './proven-passwords.ts'
import { RefusalGuard } from './refusal-guard.ts'
import { RefusalTimes } from './refusal-times.ts'
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

/** Name and password as the client sent them. */
export interface Attempt extends Caller {
  /** Undefined for a login by certificate alone. */
  readonly password: Secret | undefined
  /** What the client has shown, and is valid. */
  readonly certificate: ShownCertificate | undefined
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
  readonly prepare: (caller: Caller) => Preparation | undefined
  readonly routeOf: (caller: Caller) => Route
  /** Whether a caller needs no password with this certificate. */
  readonly certificateSuffices: (caller: Caller, certificate: ShownCertificate | undefined) => boolean
} {
  const { partners, backends, defaultBackend, backendCharset } = parts
  const directory = createDirectory(partners, defaultBackend)
  const held = heldCredentials(parts)
  const hashing = createHashingQueue()
  const guard = new RefusalGuard()
  const proven = new ProvenPasswords()
  const refusalTimes = new RefusalTimes()

  async function passThrough(
    backend: Backend,
    username: string,
    password: Secret,
    preparation: Preparation | undefined,
    owner: string,
  ): Promise<FileSystem> {
    const credentials: Credentials = { kind: 'password', username, password }
    const open = () => backend.open(credentials, preparation, owner)
    return guard.run(`${backend.name} ${username}`, () => refusalTimes.measure(backend.name, open))
  }

  async function enterAsPartner(backend: Backend, partner: PartnerConfig, owner: string): Promise<FileSystem> {
    const credentials = held.get(partner.name)
    if (credentials === undefined) throw new BackendError('unavailable', `partner ${partner.name} has no credentials`)
    try {
      return await backend.open(credentials, undefined, owner)
    } catch (error) {
      if (!(error instanceof BackendError) || error.kind !== 'loginRefused') throw error
      // What the client gave was right. Told otherwise, its owner would go looking for a mistake that is not theirs.
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

  /** Refuses who came in at the wrong place, in the time that a wrong password takes. */
  async function refuse(
    reason: string,
    route: Route,
    partner: PartnerConfig | undefined,
    password: Secret | undefined,
  ) {
    if (partner?.auth.mode === 'local') {
      const { passwordHash } = partner.auth
      await hashing.run(() => verifyPassword(passwordHash, password?.reveal() ?? ''))
    } else if (partner?.auth.mode === 'passthrough') await refusalTimes.wait(route.backend)
    throw new BackendError('loginRefused', reason)
  }

  function certificateSuffices(caller: Caller, certificate: ShownCertificate | undefined): boolean {
    if (!isUserName(caller.username)) return false
    const { partner, elsewhere } = directory.find(caller)
    if (elsewhere !== undefined) return false
    return partner?.auth.mode === 'certificate' && isNamed(partner.certificates, certificate)
  }

  async function open(
    username: string,
    password: Secret | undefined,
    backend: Backend,
    partner: PartnerConfig | undefined,
    preparation: Preparation | undefined,
  ): Promise<FileSystem> {
    if (partner?.auth.mode === 'certificate') return enterAsPartner(backend, partner, username)
    if (password === undefined) throw new BackendError('loginRefused', 'there is no password')
    if (partner?.auth.mode !== 'local') {
      return passThrough(backend, partner?.auth.username ?? username, password, preparation, username)
    }
    await checkPassword(partner.name, partner.auth.passwordHash, password)
    return enterAsPartner(backend, partner, username)
  }

  return {
    routeOf: (caller) => directory.find(caller).route,
    certificateSuffices,
    prepare(caller) {
      // Where the gateway holds the credentials, or wants a certificate, nothing is begun before the client has proved itself.
      const { partner, elsewhere, route } = directory.find(caller)
      const { auth, certificates = [] } = partner ?? {}
      const proofNeeded = (auth !== undefined && auth.mode !== 'passthrough') || certificates.length > 0
      if (!isUserName(caller.username) || proofNeeded || elsewhere !== undefined) return undefined
      return backends.get(route.backend)?.prepare()
    },
    async logIn(attempt) {
      const { username, password, certificate, preparation } = attempt
      if (!isUserName(username)) {
        throw new BackendError('loginRefused', 'the user name is empty or has control characters')
      }
      const { partner, elsewhere, route } = directory.find(attempt)
      const backend = backends.get(route.backend)
      if (backend === undefined) throw new BackendError('unavailable', `there is no backend ${route.backend}`)
      // Before the password, so that nobody without the certificate can try passwords out.
      if (partner && mustShow(partner) && !isNamed(partner.certificates, certificate)) {
        throw new BackendError('loginRefused', `no certificate of partner ${partner.name}`)
      }
      // SSH has user names and passwords in UTF-8 (RFC 4252 sections 5 and 8), whatever charset the client has.
      const passwordInUtf8 = password && new Secret(toText(password.reveal()))
      if (elsewhere !== undefined) await refuse(elsewhere, route, partner, passwordInUtf8)
      const files = await open(toText(username), passwordInUtf8, backend, partner, preparation)
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

function mustShow({ auth, certificates }: PartnerConfig): boolean {
  return auth.mode === 'certificate' || certificates.length > 0
}

/** One object for each partner, and always the same one: by it the backend knows logins that may share connections. */
function heldCredentials({ partners, parseKey }: LogInParts): ReadonlyMap<string, Credentials> {
  const held = new Map<string, Credentials>()
  const problems: string[] = []
  for (const { name, auth } of partners) {
    if (auth.mode === 'passthrough') continue
    try {
      held.set(name, credentialsOf(auth, parseKey))
    } catch (error) {
      problems.push(`partner ${name}: auth.sftp.privateKey: ${error instanceof Error ? error.message : error}`)
    }
  }
  if (problems.length > 0) throw new Error(problems.join('\n'))
  return held
}
