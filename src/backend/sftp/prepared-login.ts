import type { Preparation } from '../backend.ts'
import type { Greeted } from './connection.ts'
import type { Release } from './limiter.ts'

/** Clients send PASS at once; people type. A server counts a connection that waits among its handshakes (MaxStartups). */
const holdMs = 10_000

/** A connection made at USER, for the password that PASS brings; it is used once or given up. */
export class PreparedLogin implements Preparation {
  readonly greeted: Promise<Greeted>
  /** Gives the turn among the handshakes back. */
  readonly release: Release
  readonly #onUnused: () => void
  readonly #timer: NodeJS.Timeout
  #over = false

  /** `onUnused` is called once when it is given up. */
  constructor(greeted: Promise<Greeted>, release: Release, onUnused: () => void) {
    this.greeted = greeted
    this.release = release
    this.#onUnused = onUnused
    this.#timer = setTimeout(() => this.cancel(), holdMs)
    greeted.catch(() => {})
  }

  /** Takes the connection; undefined when it was given up before. Whoever takes it calls `release` after the login. */
  use(): PreparedLogin | undefined {
    if (this.#over) return undefined
    this.#over = true
    clearTimeout(this.#timer)
    return this
  }

  cancel(): void {
    if (!this.use()) return
    this.#onUnused()
    this.greeted.then((greeted) => greeted.destroy()).catch(() => {})
    this.release()
  }
}
