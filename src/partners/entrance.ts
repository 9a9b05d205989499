import {
  type Backend,
  BackendError,
  type Credentials,
  type FileSystem,
  type Preparation,
  type PrivateKey,
} from '../backend/backend.ts'
import type { PartnerConfig } from '../config/config.ts'
import type { Secret } from '../ftp/secret.ts'
import type { Found } from './directory.ts'
import { createHashingQueue } from './hashing-queue.ts'
import { credentialsOf } from './held-credentials.ts'
import { verifyPassword } from './password-hash.ts'
import { ProvenPasswords } from './proven-passwords.ts'
import { RefusalGuard } from './refusal-guard.ts'
import { RefusalTimes } from './refusal-times.ts'

export interface EntranceParts {
  readonly partners: readonly PartnerConfig[]
  readonly backends: ReadonlyMap<string, Backend>
  /** Throws an Error that does not show the key. */
  readonly parseKey: (text: string, passphrase: string | undefined) => PrivateKey
}

/** What a client gives for a backend that checks it. */
export interface PassedThrough {
  readonly user: string
  readonly password: Secret | undefined
  readonly preparation: Preparation | undefined
}

/** Checks what clients give, and enters backends. All throw BackendError, `loginRefused` for what the client gave. */
export interface Entrance {
  /** Checks the password of a partner that the gateway checks itself; nothing where a certificate has proved it. */
  prove(partner: PartnerConfig, password: Secret | undefined): Promise<void>
  /** Enters with what the gateway holds for the partner. */
  openHeld(backend: string, partner: PartnerConfig, user: string): Promise<FileSystem>
  /** Enters with what the client gave. */
  openPassedThrough(backend: string, partner: PartnerConfig | undefined, client: PassedThrough): Promise<FileSystem>
  /** Refuses a login unheard, in the time that a wrong password takes. */
  refuse(reason: string, found: Found, password: Secret | undefined): Promise<never>
}

/** Throws an Error that names every partner whose key is bad. */
export function createEntrance(parts: EntranceParts): Entrance {
  const held = heldCredentials(parts)
  const hashing = createHashingQueue()
  const guard = new RefusalGuard()
  const proven = new ProvenPasswords()
  const refusalTimes = new RefusalTimes()

  function backendNamed(name: string): Backend {
    const backend = parts.backends.get(name)
    if (backend === undefined) throw new BackendError('unavailable', `there is no backend ${name}`)
    return backend
  }

  const verify = (passwordHash: string, password: string) => hashing.run(() => verifyPassword(passwordHash, password))

  return {
    async prove({ name, auth }, password) {
      if (auth.mode !== 'local') return
      if (password === undefined) throw new BackendError('loginRefused', 'there is no password')
      if (proven.has(auth.passwordHash, password)) return
      if (!(await verify(auth.passwordHash, password.reveal()))) {
        throw new BackendError('loginRefused', `wrong password for partner ${name}`)
      }
      proven.add(auth.passwordHash, password)
    },

    async openHeld(backendName, { name }, user) {
      const backend = backendNamed(backendName)
      const credentials = held.get(name)
      if (credentials === undefined) throw new BackendError('unavailable', `partner ${name} has no credentials`)
      try {
        return await backend.open(credentials, undefined, user)
      } catch (error) {
        if (!(error instanceof BackendError) || error.kind !== 'loginRefused') throw error
        // What the client gave was right. Told otherwise, its owner would go looking for a mistake that is not theirs.
        const proof = { privateKey: 'key', agent: 'agent', password: 'password' }[credentials.kind]
        const message = `backend ${backend.name} refuses the ${proof} of partner ${name} for user ${credentials.username}`
        throw new BackendError('unavailable', message, { cause: error })
      }
    },

    async openPassedThrough(backendName, partner, { user, password, preparation }) {
      const backend = backendNamed(backendName)
      if (password === undefined) throw new BackendError('loginRefused', 'there is no password')
      const username = partner?.auth.username ?? user
      const credentials: Credentials = { kind: 'password', username, password }
      const open = () => backend.open(credentials, preparation, user)
      return guard.run(`${backend.name} ${username}`, () => refusalTimes.measure(backend.name, open))
    },

    async refuse(reason, { partner, route }, password) {
      if (partner?.auth.mode === 'local') await verify(partner.auth.passwordHash, password?.reveal() ?? '')
      else if (partner?.auth.mode === 'passthrough') await refusalTimes.wait(route.backend)
      throw new BackendError('loginRefused', reason)
    },
  }
}

/** One object for each partner, and always the same one: by it the backend knows logins that may share connections. */
function heldCredentials({ partners, parseKey }: EntranceParts): ReadonlyMap<string, Credentials> {
  const held = new Map<string, Credentials>()
  const parse = once(parseKey)
  const problems: string[] = []
  for (const { name, auth } of partners) {
    if (auth.mode === 'passthrough') continue
    try {
      held.set(name, credentialsOf(auth, parse))
    } catch (error) {
      problems.push(`partner ${name}: auth.sftp.privateKey: ${error instanceof Error ? error.message : error}`)
    }
  }
  if (problems.length > 0) throw new Error(problems.join('\n'))
  return held
}

/** Partners often share a key, and an encrypted one takes long. */
function once(parseKey: EntranceParts['parseKey']): EntranceParts['parseKey'] {
  const parsed = new Map<string, PrivateKey>()
  return (text, passphrase) => {
    const id = `${passphrase ?? ''}\0${text}`
    const key = parsed.get(id) ?? parseKey(text, passphrase)
    parsed.set(id, key)
    return key
  }
}
