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
import type { LearnedPasswords } from './learned-passwords.ts'
import { verifyPassword } from './password-hash.ts'
import { ProvenPasswords } from './proven-passwords.ts'
import { RefusalGuard } from './refusal-guard.ts'
import { RefusalTimes } from './refusal-times.ts'

export interface EntranceParts {
  readonly partners: readonly PartnerConfig[]
  readonly backends: ReadonlyMap<string, Backend>
  /** Throws an Error that does not show the key. */
  readonly parseKey: (text: string, passphrase: string | undefined) => PrivateKey
  /** Passwords that old servers have accepted; undefined: none are known. */
  readonly learned?: Pick<LearnedPasswords, 'hashOf' | 'learn'> | undefined
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
  prove(partner: PartnerConfig, user: string, password: Secret | undefined): Promise<void>
  /** Enters with what the gateway holds for the partner. */
  openHeld(backend: string, partner: PartnerConfig, user: string): Promise<FileSystem>
  /** Enters with what the client gave. */
  openPassedThrough(backend: string, partner: PartnerConfig | undefined, client: PassedThrough): Promise<FileSystem>
  /** Refuses a login unheard, in the time that a wrong password takes. */
  refuse(reason: string, found: Found, password: Secret | undefined): Promise<never>
}

/** Costs what other hashes cost, and no password has it. */
const hashOfNothing = `$scrypt$ln=15,r=8,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`

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
    async prove({ name, auth }, user, password) {
      if (auth.mode !== 'local' && auth.mode !== 'learn') return
      if (password === undefined) throw new BackendError('loginRefused', 'there is no password')
      const learned = auth.mode === 'learn' ? await parts.learned?.hashOf(name, user) : undefined
      const passwordHash = learned ?? auth.passwordHash
      if (passwordHash === undefined) {
        // In the time that a wrong password takes.
        await verify(hashOfNothing, password.reveal())
        const why = `no old server has ever accepted a password of ${user} while the gateway relayed it (auth.mode: learn)`
        throw new BackendError('loginRefused', `partner ${name}: ${why}`)
      }
      if (proven.has(passwordHash, password)) return
      if (!(await verify(passwordHash, password.reveal()))) {
        throw new BackendError('loginRefused', `wrong password for partner ${name}`)
      }
      proven.add(passwordHash, password)
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
      const { auth } = partner ?? {}
      if (auth?.mode === 'local' || auth?.mode === 'learn')
        await verify(auth.passwordHash ?? hashOfNothing, password?.reveal() ?? '')
      else if (auth?.mode === 'passthrough') await refusalTimes.wait(route.backend)
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
