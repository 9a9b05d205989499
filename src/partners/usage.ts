import { setTimeout as wait } from 'node:timers/promises'
import { BackendError } from '../backend/backend.ts'
import type { PartnerLimits } from '../config/config.ts'
import { Bandwidth } from './bandwidth.ts'

const minuteMs = 60_000
/** Accounts that nobody uses any more and that are remembered for their last minute. */
const accountsMax = 10_000
const pieceMin = 4096

const unlimited: PartnerLimits = {
  sessions: undefined,
  sessionsPerAddress: undefined,
  loginsPerMinute: undefined,
  bandwidth: { up: undefined, down: undefined },
  readOnly: undefined,
  commands: { allow: [], deny: [] },
  idleMs: undefined,
}

/** See data/pace.ts. */
export interface Pace {
  readonly piece: number
  take(bytes: number, signal: AbortSignal): Promise<void> | undefined
}

/** One session's share of its account. */
export interface Stay {
  readonly upload: Pace | undefined
  readonly download: Pace | undefined
  /** The session is over; idempotent. */
  leave(): void
}

interface Account {
  sessions: number
  readonly byAddress: Map<string, number>
  /** When its newest sessions began, oldest first. */
  loginsAt: number[]
  upload: Bandwidth | undefined
  download: Bandwidth | undefined
}

/**
 * Who is logged in, for limits on that. An account is a partner, or a user of none. It outlives a reload, so that new
 * limits count the sessions that are there. Only logins that proved themselves come here: guesses use up nobody's limit.
 */
export class Usage {
  readonly #accounts = new Map<string, Account>()
  readonly #now: () => number

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  get size(): number {
    return this.#accounts.size
  }

  /** Lets a session in; throws BackendError `limited` when it would be one too many. */
  enter(name: string, address: string, limits: PartnerLimits = unlimited): Stay {
    const account = this.#touch(name)
    const problem = this.#tooMany(account, address, limits)
    if (problem !== undefined) throw new BackendError('limited', `${name}: ${problem}`)
    account.sessions++
    account.byAddress.set(address, (account.byAddress.get(address) ?? 0) + 1)
    if (limits.loginsPerMinute) account.loginsAt.push(this.#now())
    account.upload = bandwidth(account.upload, limits.bandwidth.up)
    account.download = bandwidth(account.download, limits.bandwidth.down)
    const { upload, download } = account
    let here = true
    return {
      upload: upload && this.#pace(upload),
      download: download && this.#pace(download),
      leave: () => {
        if (here) this.#leave(name, address, account)
        here = false
      },
    }
  }

  #tooMany(account: Account, address: string, limits: PartnerLimits): string | undefined {
    const { sessions, sessionsPerAddress, loginsPerMinute } = limits
    account.loginsAt = account.loginsAt.filter((time) => time > this.#now() - minuteMs)
    if (sessions && account.sessions >= sessions) return `${sessions} sessions are open already`
    if (sessionsPerAddress && (account.byAddress.get(address) ?? 0) >= sessionsPerAddress)
      return `${sessionsPerAddress} sessions from ${address} are open already`
    if (loginsPerMinute && account.loginsAt.length >= loginsPerMinute)
      return `${loginsPerMinute} logins within a minute`
    return undefined
  }

  #leave(name: string, address: string, account: Account): void {
    account.sessions--
    const left = (account.byAddress.get(address) ?? 1) - 1
    if (left > 0) account.byAddress.set(address, left)
    else account.byAddress.delete(address)
    if (account.sessions === 0 && account.loginsAt.length === 0) this.#accounts.delete(name)
  }

  /** The account, now the newest; those that nobody uses and that were used longest ago make room. */
  #touch(name: string): Account {
    const account = this.#accounts.get(name) ?? {
      sessions: 0,
      byAddress: new Map(),
      loginsAt: [],
      upload: undefined,
      download: undefined,
    }
    this.#accounts.delete(name)
    this.#accounts.set(name, account)
    for (const [oldest, { sessions }] of this.#accounts) {
      if (this.#accounts.size <= accountsMax) break
      if (sessions === 0 && oldest !== name) this.#accounts.delete(oldest)
    }
    return account
  }

  #pace(shared: Bandwidth): Pace {
    return {
      piece: Math.max(pieceMin, Math.floor(shared.bytesPerSecond / 4)),
      take: (bytes, signal) => {
        const ms = shared.reserve(bytes, this.#now())
        return ms < 1 ? undefined : wait(ms, undefined, { signal })
      },
    }
  }
}

/** The one that there is, with what it has promised, unless the rate is another now. */
function bandwidth(current: Bandwidth | undefined, bytesPerSecond: number | undefined): Bandwidth | undefined {
  if (!bytesPerSecond) return undefined
  return current?.bytesPerSecond === bytesPerSecond ? current : new Bandwidth(bytesPerSecond)
}
