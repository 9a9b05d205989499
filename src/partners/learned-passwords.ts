import { createHash, randomBytes } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { BackendError } from '../backend/backend.ts'
import type { Secret } from '../ftp/secret.ts'
import { createHashingQueue } from './hashing-queue.ts'
import { hashPassword, verifyPassword } from './password-hash.ts'
import { ProvenPasswords } from './proven-passwords.ts'

/** What is kept of a password that an old server has accepted: a scrypt verifier, and whose it is. */
export interface Learned {
  readonly partner: string
  readonly user: string
  /** ISO 8601. */
  readonly at: string
  readonly passwordHash: string
}

export interface LearnedParts {
  /** `state.directory`. */
  readonly directory: string
  readonly now: () => number
  readonly onLearned: (partner: string, user: string) => void
  readonly warn: (message: string) => void
}

/** Below the state directory: a file for each user, so that gateways that share the directory do not undo each other's. */
const folderName = 'passwords'
/** These take any password. */
const nobodys = ['anonymous', 'ftp']
/** Hashing for nobody who waits must not hold up those who do; what finds no room is learned at the next login. */
const waitingMax = 50

/**
 * The passwords of partners with `auth.mode: learn`. In the phase `legacy` the old server says whether one is right, and its
 * verifier is kept; from the next phase on the gateway asks for the same one. It follows changes of the password as long as
 * the old server is asked. The password itself is never written down.
 */
export class LearnedPasswords {
  readonly #parts: LearnedParts
  readonly #hashing = createHashingQueue(1, waitingMax)
  readonly #proven = new ProvenPasswords()
  readonly #underWay = new Map<string, Promise<void>>()

  constructor(parts: LearnedParts) {
    this.#parts = parts
  }

  /** The verifier of a user; undefined: its password is not known yet. Throws BackendError `unavailable`. */
  async hashOf(partner: string, user: string): Promise<string | undefined> {
    try {
      return (await readOne(this.#fileOf(partner, user)))?.passwordHash
    } catch (error) {
      throw new BackendError('unavailable', `the learned passwords cannot be read: ${codeOf(error)}`, { cause: error })
    }
  }

  /** Keeps what an old server has just accepted, while its login goes on. */
  learn(partner: string, user: string, password: Secret): void {
    if (password.reveal() === '' || nobodys.includes(user.toLowerCase())) return
    const file = this.#fileOf(partner, user)
    // Of two at once either is right.
    if (this.#underWay.has(file)) return
    const done = this.#hashing
      .run(() => this.#keep(file, { partner, user }, password))
      .catch((error: unknown) => {
        const full = error instanceof BackendError
        if (!full) this.#parts.warn(`the password of ${user} (${partner}) cannot be kept: ${codeOf(error)}`)
      })
      .finally(() => this.#underWay.delete(file))
    this.#underWay.set(file, done)
  }

  /** Resolves when nothing is being written any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#underWay.values())
  }

  async #keep(file: string, whose: Pick<Learned, 'partner' | 'user'>, password: Secret): Promise<void> {
    const known = (await readOne(file))?.passwordHash
    if (known !== undefined && (await this.#fits(known, password))) return
    const passwordHash = await hashPassword(password.reveal())
    await write(this.#parts.directory, file, {
      ...whose,
      at: new Date(this.#parts.now()).toISOString(),
      passwordHash,
    })
    this.#proven.add(passwordHash, password)
    this.#parts.onLearned(whose.partner, whose.user)
  }

  /** A client that logs in for every file would have its password hashed each time. */
  async #fits(passwordHash: string, password: Secret): Promise<boolean> {
    if (this.#proven.has(passwordHash, password)) return true
    const fits = await verifyPassword(passwordHash, password.reveal())
    if (fits) this.#proven.add(passwordHash, password)
    return fits
  }

  #fileOf(partner: string, user: string): string {
    // A user's name may hold anything; a partner's has no blank.
    const id = createHash('sha256').update(`${partner} ${user}`).digest('hex')
    return join(this.#parts.directory, folderName, `${id}.json`)
  }
}

/** Of whom a password is known, in a state directory; files that cannot be read tell of nobody. */
export async function learnedIn(directory: string): Promise<readonly Pick<Learned, 'partner' | 'user' | 'at'>[]> {
  const folder = join(directory, folderName)
  const names = await readdir(folder).catch(() => [])
  const files = names.filter((name) => /^[0-9a-f]{64}\.json$/.test(name))
  const found: Pick<Learned, 'partner' | 'user' | 'at'>[] = []
  for (const name of files) {
    const one = await readOne(join(folder, name)).catch(() => undefined)
    if (one) found.push({ partner: one.partner, user: one.user, at: one.at })
  }
  return found
}

/** Undefined where there is none, or half of one. Throws where it cannot be read. */
async function readOne(file: string): Promise<Learned | undefined> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return ''
    throw error
  })
  try {
    const value: unknown = JSON.parse(text)
    return isLearned(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isLearned(value: unknown): value is Learned {
  if (typeof value !== 'object' || value === null) return false
  const found = new Map<string, unknown>(Object.entries(value))
  return ['partner', 'user', 'at', 'passwordHash'].every((key) => typeof found.get(key) === 'string')
}

/** Whole or not at all, on disk before it has its name, and for nobody else to read. */
async function write(directory: string, file: string, learned: Learned): Promise<void> {
  await mkdir(join(directory, folderName), { recursive: true, mode: 0o700 })
  const fresh = `${file}.${randomBytes(4).toString('hex')}`
  const handle = await open(fresh, 'wx', 0o600)
  try {
    await handle.writeFile(`${JSON.stringify(learned)}\n`)
    await handle.sync()
    await handle.close()
    await rename(fresh, file)
  } catch (error) {
    await handle.close().catch(() => {})
    await rm(fresh, { force: true }).catch(() => {})
    throw error
  }
}

function codeOf(error: unknown): string {
  if (error instanceof Error && 'code' in error) return String(error.code)
  return error instanceof Error ? error.message : String(error)
}
