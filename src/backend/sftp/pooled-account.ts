import { BackendError, type Credentials } from '../backend.ts'
import type { Connection } from './connection.ts'
import { type Lease, Line, type LineOptions } from './pooled-line.ts'
import { ChannelRefused } from './sftp-channel.ts'

export interface PoolLimits {
  /** Connections of one account. */
  readonly connections: number
  /** A connection that nobody uses is kept warm for so long. */
  readonly idleMs: number
  /** Logins that may wait for a channel, and for how long each. */
  readonly waiting: number
  readonly waitMs: number
}

export interface AccountOptions extends Omit<LineOptions, 'idleMs'> {
  readonly limits: PoolLimits
  connect(credentials: Credentials, onLost: (error: BackendError) => void): Promise<Connection>
}

interface Waiter {
  readonly wake: () => void
  readonly timer: NodeJS.Timeout
}

/** The connections of one account: channels are opened on what is there, then new connections, then logins wait. */
export class Account {
  readonly #credentials: Credentials
  readonly #options: AccountOptions
  readonly #onEmpty: () => void
  readonly #lines = new Set<Line>()
  readonly #waiting: Waiter[] = []

  /** `onEmpty` is called when the last connection has gone and nobody waits. */
  constructor(credentials: Credentials, options: AccountOptions, onEmpty: () => void) {
    this.#credentials = credentials
    this.#options = options
    this.#onEmpty = onEmpty
  }

  /**
   * A session that nobody uses, on a connection with room, on a new one, or when one comes free. With `apartFrom` rather
   * on a connection of its own, and on one of those only when there is no other way. Throws BackendError.
   */
  async lease(apartFrom?: ReadonlySet<Connection>): Promise<Lease> {
    const deadline = performance.now() + this.#options.limits.waitMs
    for (let turns = 0; ; ) {
      const line = apartFrom
        ? (this.#unusedLine() ?? this.#newLine() ?? this.#lineWithRoom(apartFrom) ?? this.#lineWithRoom())
        : (this.#lineWithRoom() ?? this.#newLine())
      if (!line) {
        await this.#turn(deadline, turns++ > 0)
        continue
      }
      const leased = line.lease()
      // One event wakes one login, and a new connection has room for several: each passes it on.
      if (this.#lineWithRoom()) this.#waiting.shift()?.wake()
      try {
        return await leased
      } catch (error) {
        // The connection has learned its limit; there is room elsewhere, or a turn to wait for.
        if (!(error instanceof ChannelRefused) || !line.open) throw error
      }
    }
  }

  retire(): void {
    for (const line of [...this.#lines]) line.retire()
  }

  close(): void {
    for (const line of [...this.#lines]) line.close()
  }

  /** The one with a warm session, else the fullest that has room, so that the others can be given up. */
  #lineWithRoom(apartFrom?: ReadonlySet<Connection>): Line | undefined {
    const lines = [...this.#lines].filter(
      (line) => line.hasRoom && !(line.connection && apartFrom?.has(line.connection)),
    )
    return lines.find((line) => line.hasIdle) ?? lines.toSorted((a, b) => b.used - a.used)[0]
  }

  #unusedLine(): Line | undefined {
    return [...this.#lines].find((line) => line.open && line.unused)
  }

  #newLine(): Line | undefined {
    const { limits, connect } = this.#options
    // A retired connection takes no logins, and goes with its last one; waiting for that could take a day.
    const open = [...this.#lines].filter((line) => line.open).length
    if (open >= limits.connections || this.#lines.size >= 2 * limits.connections) return undefined
    const line = new Line(
      (onLost) => connect(this.#credentials, onLost),
      { ...this.#options, idleMs: limits.idleMs },
      {
        onRoom: () => this.#waiting.shift()?.wake(),
        onGone: () => this.#forget(line),
      },
    )
    this.#lines.add(line)
    return line
  }

  #forget(line: Line): void {
    this.#lines.delete(line)
    this.#waiting.shift()?.wake()
    if (this.#lines.size === 0 && this.#waiting.length === 0) this.#onEmpty()
  }

  /** Resolves when it is worth trying again; who has tried before goes first. */
  #turn(deadline: number, before: boolean): Promise<void> {
    const { waiting, waitMs, connections } = this.#options.limits
    if (this.#waiting.length >= waiting) {
      return Promise.reject(new BackendError('unavailable', `${waiting} logins of this account wait already`))
    }
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        wake: () => {
          clearTimeout(waiter.timer)
          resolve()
        },
        timer: setTimeout(() => {
          this.#waiting.splice(this.#waiting.indexOf(waiter), 1)
          const message = `all ${connections} connections of the account are in use, none came free in ${waitMs / 1000} s`
          reject(new BackendError('unavailable', message))
        }, deadline - performance.now()),
      }
      if (before) this.#waiting.unshift(waiter)
      else this.#waiting.push(waiter)
    })
  }
}
