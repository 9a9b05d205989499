import { randomInt } from 'node:crypto'
import type { Observer } from '../observe/observer.ts'

/** Ports of the range tried for one connection, before the system may choose. */
const triesMax = 3
/** What connecting from a port of our choice fails with, when only the port is to blame. */
const portFailures: ReadonlySet<string | undefined> = new Set(['EADDRINUSE', 'EADDRNOTAVAIL', 'EACCES'])

/**
 * The ports that active data connections come from. One port serves any number of connections at a time as long as no
 * two go to the same address and port; where the chosen one is in the way, the connection is made from any port.
 */
export class SourcePorts {
  readonly #first: number
  readonly #size: number
  readonly #observer: Observer
  #warned = false

  /** The range is inclusive; 0-0 leaves the choice to the system. */
  constructor({ first, last }: { readonly first: number; readonly last: number }, observer: Observer) {
    this.#first = first
    this.#size = first === 0 ? 0 : last - first + 1
    this.#observer = observer
  }

  /** Ports to connect from, in the order to try them; 0 is any. */
  candidates(): readonly number[] {
    const tries = Math.min(this.#size, triesMax)
    const start = this.#size > 0 ? randomInt(this.#size) : 0
    return [...Array.from({ length: tries }, (_, i) => this.#first + ((start + i) % this.#size)), 0]
  }

  /** Whether the failure is the port's, so that the next candidate may work. */
  isToBlame(port: number, code: string | undefined): boolean {
    if (port === 0 || !portFailures.has(code)) return false
    if (code === 'EACCES' && !this.#warned) {
      this.#warned = true
      const how = 'give the process CAP_NET_BIND_SERVICE or choose ports from 1024'
      const message = `active.sourcePort: port ${port} may not be used, active connections come from any port; ${how}`
      this.#observer({ kind: 'warning', topic: 'active_source_port', message })
    }
    return true
  }
}
