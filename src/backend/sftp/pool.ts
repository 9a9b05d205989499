import { BackendError, type Credentials } from '../backend.ts'
import type { Connection } from './connection.ts'
import { Account, type AccountOptions } from './pooled-account.ts'
import type { Lease } from './pooled-line.ts'

/**
 * The connections of one backend that logins share. Two logins share one when they bring the very same credentials
 * object: whoever makes those makes one for each secret that the gateway holds.
 */
export class Pool {
  readonly #options: AccountOptions
  readonly #accounts = new Map<Credentials, Account>()
  #over = false

  constructor(options: AccountOptions) {
    this.#options = options
  }

  /** An SFTP session that nobody else uses until it is released; see Account.lease. Throws BackendError. */
  async lease(credentials: Credentials, apartFrom?: ReadonlySet<Connection>): Promise<Lease> {
    if (this.#over) throw new BackendError('unavailable', 'the backend is no longer used')
    let account = this.#accounts.get(credentials)
    if (!account) {
      account = new Account(credentials, this.#options, () => this.#accounts.delete(credentials))
      this.#accounts.set(credentials, account)
    }
    return account.lease(apartFrom)
  }

  /** Lets unused connections go now, and used ones when they are released. */
  retire(): void {
    for (const account of [...this.#accounts.values()]) account.retire()
  }

  /** Ends every connection, used or not. */
  close(): void {
    this.#over = true
    for (const account of [...this.#accounts.values()]) account.close()
  }
}
