import { type Backend, BackendError, type Credentials, type FileSystem, type PrivateKey } from '../backend/backend.ts'
import type { PartnerConfig } from '../config/config.ts'
import { type ByteString, fromText, toText } from '../ftp/bytes.ts'
import { Secret } from '../ftp/secret.ts'
import { createDirectory, type Route } from './directory.ts'
import { createHashingQueue } from './hashing-queue.ts'
import { verifyPassword } from './password-hash.ts'
import { RefusalGuard } from './refusal-guard.ts'
import { rooted } from './rooted.ts'

export interface LogInParts {
  readonly partners: readonly PartnerConfig[]
  readonly backends: ReadonlyMap<string, Backend>
  /** The backend of users who belong to no partner. */
  readonly defaultBackend: string
  /** Throws an Error that does not show the key. */
  readonly parseKey: (text: string, passphrase: string | undefined) => PrivateKey
}

/** Both as the client sent them. */
export interface Attempt {
  readonly username: ByteString
  readonly password: Secret
  /** Numeric address of the client. */
  readonly address: string
}

export interface LoggedIn extends Route {
  readonly files: FileSystem
}

/** Throws BackendError: `loginRefused` for what the client gave, `unavailable` for what the operator has to see to. */
export type LogIn = (attempt: Attempt) => Promise<LoggedIn>

/**
 * Logs clients in to the backend of their partner. Keys are parsed once, here: it takes long for encrypted ones, and a
 * bad one should stop the start and not the first login. Throws an Error that names every partner whose key is bad.
 */
export function createLogIn(parts: LogInParts): {
  readonly logIn: LogIn
  readonly routeOf: (username: ByteString) => Route
} {
  const { partners, backends, defaultBackend } = parts
  const directory = createDirectory(partners, defaultBackend)
  const keys = parseKeys(parts)
  const hashing = createHashingQueue()
  const guard = new RefusalGuard()

  async function passThrough(backend: Backend, username: string, password: Secret): Promise<FileSystem> {
    const credentials: Credentials = { kind: 'password', username, password }
    return guard.run(`${backend.name} ${username}`, () => backend.open(credentials))
  }

  async function enterWithKey(backend: Backend, partner: PartnerConfig, username: string): Promise<FileSystem> {
    const privateKey = keys.get(partner.name)
    if (privateKey === undefined) throw new BackendError('unavailable', `partner ${partner.name} has no key`)
    try {
      return await backend.open({ kind: 'privateKey', username, privateKey })
    } catch (error) {
      if (!(error instanceof BackendError) || error.kind !== 'loginRefused') throw error
      // The client's password was right. Told otherwise, its owner would go looking for a mistake that is not theirs.
      const message = `backend ${backend.name} refuses the key of partner ${partner.name} for user ${username}`
      throw new BackendError('unavailable', message, { cause: error })
    }
  }

  async function open(username: string, password: Secret, backend: Backend, partner: PartnerConfig | undefined) {
    const { auth } = partner ?? {}
    if (partner === undefined || auth?.mode !== 'local')
      return passThrough(backend, auth?.username ?? username, password)
    if (!(await hashing.run(() => verifyPassword(auth.passwordHash, password.reveal())))) {
      throw new BackendError('loginRefused', `wrong password for partner ${partner.name}`)
    }
    return enterWithKey(backend, partner, auth.username)
  }

  return {
    routeOf: directory.routeOf,
    async logIn({ username, password }) {
      // NUL and its kind in a user name have opened doors elsewhere (CVE-2025-47812); no backend needs them.
      if (username === '' || /[\x00-\x1f\x7f]/.test(username)) {
        throw new BackendError('loginRefused', 'the user name is empty or has control characters')
      }
      const partner = directory.find(username)
      const route = directory.routeOf(username)
      const backend = backends.get(route.backend)
      if (backend === undefined) throw new BackendError('unavailable', `there is no backend ${route.backend}`)
      // SSH has user names and passwords in UTF-8 (RFC 4252 sections 5 and 8), whatever charset the client has.
      const files = await open(toText(username), new Secret(toText(password.reveal())), backend, partner)
      return { ...route, files: partner?.root === undefined ? files : rooted(files, fromText(partner.root)) }
    },
  }
}

function parseKeys({ partners, parseKey }: LogInParts): ReadonlyMap<string, PrivateKey> {
  const keys = new Map<string, PrivateKey>()
  const problems: string[] = []
  for (const { name, auth } of partners) {
    if (auth.mode !== 'local') continue
    try {
      keys.set(name, parseKey(auth.privateKey, auth.passphrase))
    } catch (error) {
      problems.push(`partner ${name}: auth.sftp.privateKey: ${error instanceof Error ? error.message : error}`)
    }
  }
  if (problems.length > 0) throw new Error(problems.join('\n'))
  return keys
}
