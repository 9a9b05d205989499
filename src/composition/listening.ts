import type { Config, ListenerConfig } from '../config/config.ts'
import type { Door } from '../control/door.ts'
import type { FtpServer } from '../control/ftp-server.ts'
import type { Observer } from '../observe/observer.ts'
import { type PassedSockets, portProblem } from './openings.ts'
import { messageOf, StartError } from './start-error.ts'

/** A listener as clients see it. */
export interface Bound {
  readonly name: string
  readonly address: string
  readonly port: number
  readonly tls: ListenerConfig['tls']
}

/** What is prepared and has not happened yet; one of both is to be called. */
export interface Prepared {
  take(): void
  undo(): Promise<void>
}

/** A socket, by the listener that it is for, or was for. */
interface Opened {
  readonly listener: ListenerConfig
  readonly descriptor: number | undefined
  readonly door: Door
}

type Wanted = Omit<Opened, 'door'>

/** The listeners of the configuration in force. Sockets that stay the same stay open whatever changes about their listeners. */
export class Listening {
  readonly #server: FtpServer
  readonly #passed: PassedSockets
  readonly #observer: Observer
  #opened: readonly Opened[] = []
  /** Passed sockets without a listener: the service manager would go on to take connections for them. */
  #unused: readonly Opened[] = []

  constructor(server: FtpServer, passed: PassedSockets, observer: Observer) {
    this.#server = server
    this.#passed = passed
    this.#observer = observer
  }

  get bound(): readonly Bound[] {
    return this.#opened.map(({ listener, door }) => boundOf(listener, door))
  }

  /** Opens what is to be open and is not. Throws StartError for what cannot be; then all is as before. */
  async prepare({ listeners }: Pick<Config, 'listeners'>): Promise<Prepared> {
    const left = [...this.#opened, ...this.#unused]
    const kept: Opened[] = []
    const missing: Wanted[] = []
    for (const wanted of listeners.flatMap((listener) => this.#socketsOf(listener))) {
      const at = left.findIndex((opened) => isFor(opened, wanted))
      const [found] = at < 0 ? [] : left.splice(at, 1)
      if (found) kept.push({ ...wanted, door: found.door })
      else missing.push(wanted)
    }
    const fresh = new Fresh(this.#server, left)
    const undo = async () => this.#restored(await fresh.undo())
    try {
      for (const wanted of missing) await fresh.open(wanted)
    } catch (error) {
      await undo()
      throw error
    }
    return { take: () => this.#take(kept, fresh.opened, left, listeners), undo }
  }

  #take(kept: readonly Opened[], fresh: readonly Opened[], left: readonly Opened[], order: readonly ListenerConfig[]) {
    const opened = [...kept, ...fresh]
    const before = this.bound
    for (const each of kept) this.#warnOfPassed(each)
    this.#opened = order.flatMap((listener) => opened.filter((each) => each.listener === listener))
    this.#unused = left.filter(({ descriptor }) => descriptor !== undefined)
    for (const { door, descriptor } of left) if (descriptor === undefined) this.#server.close(door)
    for (const { door } of this.#unused) door.admit('nobody')
    for (const { door, listener } of this.#opened) door.admit(listener)
    for (const { listener, door } of fresh) {
      const { name, address, port } = boundOf(listener, door)
      this.#observer({ kind: 'listening', listener: name, address, port })
    }
    for (const { name, address, port } of before) {
      const stays = this.bound.some((each) => each.name === name && each.address === address && each.port === port)
      if (!stays) this.#observer({ kind: 'listenerClosed', listener: name, address, port })
    }
  }

  #warnOfPassed({ listener, descriptor }: Opened): void {
    if (descriptor === undefined) return
    const before = this.#opened.find((opened) => opened.descriptor === descriptor)?.listener
    if (!before || (before.address === listener.address && before.port === listener.port)) return
    const message = `listener ${listener.name}: its socket is the service manager's and stays as it is; address and port are said in its socket unit`
    this.#observer({ kind: 'warning', topic: 'passed_socket', message })
  }

  /** Doors that had to be closed for a moment are other ones now. */
  #restored(doors: ReadonlyMap<Door, Door | string>): void {
    this.#opened = this.#opened.flatMap((opened) => {
      const door = doors.get(opened.door) ?? opened.door
      if (typeof door !== 'string') {
        if (door !== opened.door) door.admit(opened.listener)
        return [{ ...opened, door }]
      }
      const message = `listener ${opened.listener.name} is closed: it made room for the new configuration, and now ${door}`
      this.#observer({ kind: 'warning', topic: 'listener_lost', message })
      return []
    })
  }

  #socketsOf(listener: ListenerConfig): readonly Wanted[] {
    const descriptors = this.#passed.get(listener.name) ?? [undefined]
    return descriptors.map((descriptor) => ({ listener, descriptor }))
  }
}

/** What a new configuration opens, and what it closes for that. */
class Fresh {
  readonly opened: Opened[] = []
  readonly #server: FtpServer
  /** Not wanted any more, and still open. */
  readonly #left: Opened[]
  readonly #madeRoom: Opened[] = []

  /** `left` loses what had to make room. */
  constructor(server: FtpServer, left: Opened[]) {
    this.#server = server
    this.#left = left
  }

  async open(wanted: Wanted): Promise<void> {
    const { listener, descriptor } = wanted
    const { address } = listener
    const place = { address, port: listener.port, descriptor }
    const door = await this.#server.open(place).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE' || !this.#makeRoom(listener.port)) throw startErrorOf(listener, error)
      return this.#server.open(place).catch((again) => Promise.reject(startErrorOf(listener, again)))
    })
    this.opened.push({ ...wanted, door })
  }

  /** Closes everything again; what made room, by what it is now, or why it is no more. */
  async undo(): Promise<ReadonlyMap<Door, Door | string>> {
    for (const { door } of this.opened) this.#server.close(door)
    const restored = new Map<Door, Door | string>()
    for (const { listener, door } of this.#madeRoom) {
      const { address } = listener
      const again = await this.#server.open({ address, port: door.port }).catch((error) => {
        return messageOf(startErrorOf(listener, error))
      })
      restored.set(door, again)
    }
    return restored
  }

  /** The system lets nobody bind an address to a port of which another one, or all together, are taken, by whomever. */
  #makeRoom(port: number): boolean {
    const inTheWay = this.#left.filter(({ door, descriptor }) => descriptor === undefined && door.port === port)
    for (const opened of inTheWay) {
      this.#left.splice(this.#left.indexOf(opened), 1)
      this.#madeRoom.push(opened)
      this.#server.close(opened.door)
    }
    return inTheWay.length > 0
  }
}

/** Whether a socket can stay for this listener. One on a free port of the system's choice stays with its name. */
function isFor(opened: Opened, { listener, descriptor }: Wanted): boolean {
  if (opened.descriptor !== undefined || descriptor !== undefined) return opened.descriptor === descriptor
  if (opened.listener.address !== listener.address) return false
  if (listener.port === 0) return opened.listener.port === 0 && opened.listener.name === listener.name
  return opened.door.port === listener.port
}

function boundOf({ name, address, tls }: ListenerConfig, { port }: Door): Bound {
  return { name, address, port, tls }
}

function startErrorOf({ name, address, port }: ListenerConfig, error: NodeJS.ErrnoException): StartError {
  return new StartError(`listener ${name}: ${portProblem(error, address, port)}`, { cause: error })
}
