import { createServer, type Server, type Socket } from 'node:net'
import type { ListenerPolicy } from './session-options.ts'

export interface DoorPlace {
  /** Numeric address; `::` takes IPv4 too. */
  readonly address: string
  /** 0 takes any free port. */
  readonly port: number
  /** A listening socket that somebody else opened and keeps, instead of address and port. */
  readonly descriptor?: number | undefined
}

export interface DoorKeeper {
  enter(socket: Socket, policy: ListenerPolicy): void
  /** Of `accept`, after which others may succeed. */
  trouble(error: Error): void
}

/**
 * A listening socket. Who connects waits until `admit` says under which policy: a configuration that is taken over opens
 * all its doors before anybody comes in through one.
 */
export class Door {
  /** As it is bound. */
  readonly port: number
  readonly #server: Server
  readonly #keeper: DoorKeeper
  readonly #waiting = new Set<Socket>()
  #policy: ListenerPolicy | 'nobody' | undefined

  private constructor(server: Server, keeper: DoorKeeper, port: number) {
    this.#server = server
    this.#keeper = keeper
    const bound = server.address()
    this.port = typeof bound === 'object' && bound ? bound.port : port
    server.on('connection', (socket) => this.#arrived(socket))
    // Running out of file descriptors shows here; the next accept may succeed again.
    server.on('error', (error) => keeper.trouble(error))
  }

  /** Rejects with the error of `listen` (EADDRINUSE, EACCES). */
  static async open({ address: host, port, descriptor }: DoorPlace, keeper: DoorKeeper): Promise<Door> {
    const server = createServer({ allowHalfOpen: true })
    return new Promise<Door>((resolve, reject) => {
      server.once('error', reject)
      // Made within the event: a connection may be accepted in the same turn.
      server.listen(descriptor === undefined ? { host, port } : { fd: descriptor }, () => {
        server.off('error', reject)
        resolve(new Door(server, keeper, port))
      })
    })
  }

  /** From now on connections come in under this policy, those that wait first; `nobody`: they are ended. */
  admit(policy: ListenerPolicy | 'nobody'): void {
    this.#policy = policy
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const socket of waiting) this.#arrived(socket)
  }

  /** No more connections; who came in stays. Resolves when the last of them has gone. */
  close(): Promise<void> {
    for (const socket of this.#waiting) socket.destroy()
    this.#waiting.clear()
    return new Promise((closed) => this.#server.close(() => closed()))
  }

  #arrived(socket: Socket): void {
    if (this.#policy === undefined) {
      // It may be reset while it waits, and nobody else listens yet.
      socket.on('error', () => {})
      this.#waiting.add(socket)
    } else if (this.#policy === 'nobody') socket.destroy()
    else this.#keeper.enter(socket, this.#policy)
  }
}
