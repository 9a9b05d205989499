import { randomInt } from 'node:crypto'
import type { Observer } from '../observe/observer.ts'
import { DataConnectionError } from './data-error.ts'
import { type LeaseOptions, PortLease } from './port-lease.ts'

/** Ports tried for one PASV before the client is told that there is none. */
const triesMax = 15
/** For so long a port is not given to the same client again, if there is another: NAT devices still know the old connection. */
const restMs = 60_000
const restingMax = 10_000

/** Whom a port is for: both ends of the control connection, numeric, and whether others may come; see LeaseOptions. */
export type LeaseFor = Pick<LeaseOptions, 'localAddress' | 'clientAddress' | 'anyPeer' | 'onStranger'>

/** The range of passive ports. A port is bound when it is leased; which one comes next nobody can guess. */
export class PassivePorts {
  #first = 0
  /** Number of ports; 0 when the system chooses. */
  #size = 0
  readonly #observer: Observer
  readonly #leases = new Set<PortLease>()
  readonly #taken = new Set<number>()
  /** `client port` to the time at which it was freed, oldest first. */
  readonly #resting = new Map<string, number>()
  #closed = false

  /** The range is inclusive; 0-0 means any port that the system has. */
  constructor(range: { readonly first: number; readonly last: number }, observer: Observer) {
    this.#observer = observer
    this.use(range)
  }

  /** Leases come from this range from now on; those of another one stay until they end. */
  use({ first, last }: { readonly first: number; readonly last: number }): void {
    this.#first = first
    this.#size = first === 0 ? 0 : last - first + 1
    this.#tell()
  }

  /** Ports that are listening now. */
  get inUse(): number {
    return this.#leases.size
  }

  /** A port that listens for this client already. Throws DataConnectionError `noPort`. */
  async lease(whom: LeaseFor): Promise<PortLease> {
    let cause: unknown
    for (const port of this.#candidates(whom.clientAddress)) {
      try {
        return await this.#listen(port, whom)
      } catch (error) {
        cause = error
      }
    }
    const why = cause instanceof Error ? `; the last one tried said: ${cause.message}` : ''
    throw new DataConnectionError('noPort', `no passive port is free, ${this.inUse} are in use${why}`, { cause })
  }

  /** Closes every port and leases no more. */
  async close(): Promise<void> {
    this.#closed = true
    for (const lease of this.#leases) lease.close()
  }

  async #listen(port: number, whom: LeaseFor): Promise<PortLease> {
    this.#taken.add(port)
    const options = { ...whom, onFree: () => this.#free(lease, port, whom.clientAddress) }
    let lease: PortLease
    try {
      lease = await PortLease.listen(port, options)
    } catch (error) {
      this.#taken.delete(port)
      throw error
    }
    this.#leases.add(lease)
    this.#tell()
    if (this.#closed) {
      lease.close()
      throw new Error('the gateway is stopping')
    }
    return lease
  }

  #free(lease: PortLease, reserved: number, clientAddress: string): void {
    const now = performance.now()
    const key = `${clientAddress} ${lease.port}`
    this.#resting.delete(key)
    this.#resting.set(key, now)
    for (const [oldest, freedAt] of this.#resting) {
      if (this.#resting.size <= restingMax && now - freedAt < restMs) break
      this.#resting.delete(oldest)
    }
    this.#taken.delete(reserved)
    this.#leases.delete(lease)
    this.#tell()
  }

  /** Free ports from a random one on, those that rest for this client last. */
  *#candidates(clientAddress: string): Generator<number> {
    if (this.#closed) return
    if (this.#size === 0) {
      yield 0
      return
    }
    const now = performance.now()
    const start = randomInt(this.#size)
    let tries = 0
    for (const resting of [false, true]) {
      for (let i = 0; i < this.#size; i++) {
        const port = this.#first + ((start + i) % this.#size)
        if (this.#taken.has(port)) continue
        const freedAt = this.#resting.get(`${clientAddress} ${port}`)
        if ((freedAt !== undefined && now - freedAt < restMs) !== resting) continue
        if (++tries > triesMax) return
        yield port
      }
    }
  }

  #tell(): void {
    this.#observer({ kind: 'passivePorts', inUse: this.inUse, size: this.#size })
  }
}
