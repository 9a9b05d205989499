import { createHmac, randomBytes } from 'node:crypto'
import type { Secret } from '../ftp/secret.ts'

/** A right password is good for so long without being hashed again. */
const lifeMs = 5 * 60_000
const countMax = 1000

/**
 * Passwords that were right a moment ago. scrypt takes a core a tenth of a second by design, against whoever steals the
 * hashes; a client that logs in for every file would pay that each time. Kept is only a keyed hash, in memory, with a key
 * that nobody else has; a changed password hash forgets what was proved against the old one.
 */
export class ProvenPasswords {
  readonly #key = randomBytes(32)
  readonly #provenAt = new Map<string, number>()
  readonly #now: () => number

  constructor(now: () => number = Date.now) {
    this.#now = now
  }

  has(passwordHash: string, password: Secret): boolean {
    const provenAt = this.#provenAt.get(this.#digest(passwordHash, password))
    return provenAt !== undefined && this.#now() - provenAt < lifeMs
  }

  add(passwordHash: string, password: Secret): void {
    const digest = this.#digest(passwordHash, password)
    this.#provenAt.delete(digest)
    this.#provenAt.set(digest, this.#now())
    for (const oldest of this.#provenAt.keys()) {
      if (this.#provenAt.size <= countMax) break
      this.#provenAt.delete(oldest)
    }
  }

  #digest(passwordHash: string, password: Secret): string {
    return createHmac('sha256', this.#key).update(`${passwordHash}\0${password.reveal()}`).digest('base64')
  }
}
