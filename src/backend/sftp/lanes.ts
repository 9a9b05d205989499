import type { Connection } from './connection.ts'
import type { Lease } from './pooled-line.ts'
import type { SftpClient } from './sftp-client.ts'

export interface LanePlan {
  /** Connections that one large file is moved over, with the login's own. */
  readonly count: number
  /** Opens one more for the same account, apart from those that there are. */
  openLane(apartFrom: ReadonlySet<Connection>): Promise<Lease>
}

/** From this size on the logins of further connections may be worth it. */
export const largeFileBytes = 8 * 1024 * 1024

/**
 * The further connections of one login for its large files. OpenSSH takes 2 MiB a round trip on one channel, whatever the
 * network could do; N channels take N times that. They are opened when a file first needs them, and kept for the next.
 */
export class Lanes {
  readonly #plan: LanePlan
  readonly #connections: Set<Connection>
  readonly #opening: Promise<Lease>[] = []
  readonly #more: number
  #over = false

  constructor(own: Lease, plan: LanePlan) {
    this.#plan = plan
    this.#connections = new Set([own.connection])
    this.#more = own.server.can.stripes ? plan.count - 1 : 0
  }

  /** Whether there can be any. */
  get wanted(): boolean {
    return this.#more > 0 && !this.#over
  }

  /** Calls `use` with each of them, as soon as it is there. One that does not come is done without. */
  spread(use: (client: SftpClient) => Promise<void>): void {
    if (this.#over) return
    while (this.#opening.length < this.#more) this.#opening.push(this.#open())
    for (const lane of this.#opening) lane.then(({ client }) => use(client)).catch(() => {})
  }

  /** Ends them, for good: a file that is still being opened gets none any more; idempotent. */
  release(): void {
    this.#over = true
    for (const lane of this.#opening.splice(0)) lane.then((lease) => lease.release()).catch(() => {})
  }

  async #open(): Promise<Lease> {
    const lease = await this.#plan.openLane(this.#connections)
    this.#connections.add(lease.connection)
    return lease
  }
}
