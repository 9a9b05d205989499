import { BackendError } from '../backend/backend.ts'

const refusalsMax = 2
const windowMs = 60_000

interface Account {
  /** When the backend refused it, newest last. */
  refusedAt: number[]
  /** Attempts that the backend has not decided yet. */
  undecided: number
  /** Attempts in progress here, waiting ones too; while there are any the record must not go. */
  attempts: number
  readonly waiting: (() => void)[]
}

/**
 * Keeps guesses away from a backend. It sees every login come from one address, the gateway's, and after a few wrong
 * passwords it locks out that address (OpenSSH PerSourcePenalties, fail2ban) or the account, and so partners who did
 * nothing wrong. After two refusals of one account within a minute the third attempt is refused here, unasked.
 *
 * That can keep the rightful user out for up to a minute while somebody guesses, but it is only this user. A refusal
 * from here does not prolong the minute: a client that tries again and again with the right password gets in.
 */
export class RefusalGuard {
  readonly #accounts = new Map<string, Account>()
  readonly #now: () => number
  readonly #accountsMax: number

  constructor(now: () => number = Date.now, accountsMax = 10_000) {
    this.#now = now
    this.#accountsMax = accountsMax
  }

  /**
   * Runs an attempt of an account, or throws `loginRefused` in its place. Undecided attempts count as refusals until
   * they are decided, else many at once would all get through; what comes meanwhile waits and is not refused, because
   * clients do open several sessions at once with a right password.
   */
  async run<T>(name: string, attempt: () => Promise<T>): Promise<T> {
    const account = this.#touch(name)
    account.attempts++
    try {
      await this.#turn(account)
      return await this.#decide(account, attempt)
    } finally {
      account.attempts--
      if (account.attempts === 0 && account.refusedAt.length === 0) this.#accounts.delete(name)
    }
  }

  /** Waits until the backend may be asked, and claims the attempt in the same step; throws when it may not for now. */
  async #turn(account: Account): Promise<void> {
    while (this.#refusals(account) + account.undecided >= refusalsMax) {
      if (account.undecided === 0) {
        throw new BackendError('loginRefused', 'refused two times within a minute; the backend was not asked again')
      }
      await new Promise<void>((resolve) => account.waiting.push(resolve))
    }
    account.undecided++
  }

  async #decide<T>(account: Account, attempt: () => Promise<T>): Promise<T> {
    try {
      const result = await attempt()
      account.refusedAt = []
      return result
    } catch (error) {
      if (error instanceof BackendError && error.kind === 'loginRefused') account.refusedAt.push(this.#now())
      throw error
    } finally {
      account.undecided--
      for (const wake of account.waiting.splice(0)) wake()
    }
  }

  #refusals(account: Account): number {
    const since = this.#now() - windowMs
    account.refusedAt = account.refusedAt.filter((time) => time > since)
    return account.refusedAt.length
  }

  /** The account's record, now the newest; the one that was used longest ago makes room. */
  #touch(name: string): Account {
    const account = this.#accounts.get(name) ?? { refusedAt: [], undecided: 0, attempts: 0, waiting: [] }
    this.#accounts.delete(name)
    this.#accounts.set(name, account)
    for (const [oldest, { attempts }] of this.#accounts) {
      if (this.#accounts.size <= this.#accountsMax) break
      if (attempts === 0 && oldest !== name) this.#accounts.delete(oldest)
    }
    return account
  }
}
