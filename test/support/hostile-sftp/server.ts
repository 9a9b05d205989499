import { createHash, generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import ssh2, { type AuthContext, type Connection } from 'ssh2'
import { Tree } from '../memory-tree.ts'
import { serveChannel } from './channel.ts'
import { type Fault, Scenario } from './scenario.ts'
import { TreeService } from './tree-service.ts'

/** Faults below SFTP; all but `passwordAnswer` befall the victim alone, after its login. */
export interface SshFaults {
  readonly passwordAnswer?: { readonly afterMs: number; readonly accept: boolean } | 'silence' | 'disconnect'
  readonly channelOpen?: 'refuse' | 'silence' | 'disconnect'
  readonly subsystem?: 'refuse' | 'silence' | 'disconnect'
  /** What the server says it takes: bytes of one packet, and its window. */
  readonly packetSize?: number
  readonly window?: number
  /** A new key exchange whenever so many bytes have passed in both directions. */
  readonly rekeyEveryBytes?: number
}

export interface Misbehaviour {
  readonly faults?: readonly Fault[]
  readonly ssh?: SshFaults
  /** Extensions in its VERSION. */
  readonly extensions?: readonly string[]
}

/**
 * A small, correct SFTP server over a tree in memory, which does to logins whose name begins with `victim` whatever a test
 * wants. Every other login is served well, on the same server at the same time.
 */
export interface HostileServer {
  readonly host: string
  readonly port: number
  readonly fingerprint: string
  readonly tree: Tree
  /** Everything the victim asked, oldest first. */
  readonly asked: readonly string[]
  readonly connections: number
  /** Channels that are open, with or without SFTP, on all connections; OpenSSH allows ten a connection. */
  readonly channels: number
  /** Handles that were opened and not closed, on channels that are still there. */
  readonly handles: number
  readonly rekeys: number
  /** What befalls the victim from now on; counts start again. */
  misbehave(misbehaviour: Misbehaviour): void
  /** Throws what a scenario threw. */
  stop(): Promise<void>
}

export const victim = 'victim'
export const bystander = 'bystander'
function isVictim(login: string): boolean {
  return login.startsWith(victim)
}

export const allExtensions = [
  'posix-rename@openssh.com',
  'fsync@openssh.com',
  'limits@openssh.com',
  'statvfs@openssh.com',
] as const

const { privateKey: hostKey } = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  privateKeyEncoding: { type: 'sec1', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
})

export async function startHostileServer(first: Misbehaviour = {}): Promise<HostileServer> {
  const server = new Server(first)
  await server.listen()
  return server
}

class Server implements HostileServer {
  readonly host = '127.0.0.1'
  port = 0
  readonly fingerprint = fingerprintOf(hostKey)
  readonly tree = new Tree()
  readonly asked: string[] = []
  rekeys = 0
  readonly #sockets = new Set<Socket>()
  readonly #mistakes: unknown[] = []
  readonly #services = new Set<TreeService>()
  #misbehaviour: Misbehaviour
  #scenario: Scenario
  readonly #ssh = new ssh2.Server({ hostKeys: [hostKey] }, (connection) => this.#onConnection(connection))
  readonly #server = createServer({ noDelay: true }, (socket) => {
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    this.#ssh.injectSocket(socket)
  })

  constructor(misbehaviour: Misbehaviour) {
    this.#misbehaviour = misbehaviour
    this.#scenario = new Scenario(misbehaviour.faults ?? [])
  }

  async listen(): Promise<void> {
    this.#server.listen(0, this.host)
    await once(this.#server, 'listening')
    this.port = (this.#server.address() as AddressInfo).port
  }

  get connections(): number {
    return this.#sockets.size
  }
  get channels(): number {
    return this.#services.size
  }
  get handles(): number {
    let sum = 0
    for (const { handles } of this.#services) sum += handles.size
    return sum
  }

  misbehave(misbehaviour: Misbehaviour): void {
    this.#misbehaviour = misbehaviour
    this.#scenario = new Scenario(misbehaviour.faults ?? [])
    this.asked.length = 0
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
    await closed
    if (this.#mistakes.length > 0) throw new AggregateError(this.#mistakes, 'the scenario threw')
  }

  #onConnection(connection: Connection): void {
    const login = { username: '', channels: 0 }
    const socket = socketOf(connection)
    connection.on('error', () => {})
    connection.on('authentication', (attempt) => {
      login.username = attempt.username
      this.#logIn(attempt, () => socket.destroy())
    })
    connection.on('rekey', () => this.rekeys++)
    connection.on('session', (accept, reject) => {
      const { ssh = {} } = isVictim(login.username) ? this.#misbehaviour : {}
      if (ssh.channelOpen === 'silence') return
      if (ssh.channelOpen === 'disconnect') return void socket.destroy()
      if (ssh.channelOpen === 'refuse') return reject()
      const number = ++login.channels
      lieAboutChannels(connection, ssh)
      const session = accept()
      const service = new TreeService(this.tree, this.#misbehaviour.extensions ?? allExtensions)
      this.#services.add(service)
      const ended = new AbortController()
      const onEnd = () => {
        this.#services.delete(service)
        ended.abort()
      }
      session.on('close', onEnd)
      connection.once('close', onEnd)
      session.once('subsystem', (acceptSubsystem, refuse) => {
        if (ssh.subsystem === 'silence') return
        if (ssh.subsystem === 'disconnect') return void socket.destroy()
        if (ssh.subsystem === 'refuse') return refuse()
        const rekeyWhenDue = rekeyer(connection, socket, ssh.rekeyEveryBytes)
        serveChannel(acceptSubsystem(), {
          service,
          ended: ended.signal,
          disconnect: () => socket.destroy(),
          farewell: () => connection.end(),
          onMistake: (error) => this.#mistakes.push(error),
          befalling: (operation) => {
            rekeyWhenDue()
            if (!isVictim(login.username)) return undefined
            this.asked.push(operation)
            return this.#scenario.befalling(operation, login.username, number)
          },
        })
      })
    })
  }

  #logIn(attempt: AuthContext, disconnect: () => void): void {
    const answer = this.#misbehaviour.ssh?.passwordAnswer
    if (attempt.method !== 'password') attempt.reject(['password'])
    else if (!isVictim(attempt.username) || answer === undefined) attempt.accept()
    else if (answer === 'disconnect') disconnect()
    else if (answer !== 'silence') {
      setTimeout(() => (answer.accept ? attempt.accept() : attempt.reject(['password'])), answer.afterMs)
    }
  }
}

/** ssh2 tells every channel the same; these are put in their place in its CHANNEL_OPEN_CONFIRMATION. */
function lieAboutChannels(connection: Connection, { packetSize, window }: SshFaults): void {
  if (packetSize === undefined && window === undefined) return
  const { _protocol: protocol } = connection as unknown as {
    readonly _protocol: { channelOpenConfirm(...numbers: number[]): void }
  }
  const confirm = protocol.channelOpenConfirm.bind(protocol)
  protocol.channelOpenConfirm = (to, from, windowBytes, packetBytes) =>
    confirm(to, from, window ?? windowBytes ?? 0, packetSize ?? packetBytes ?? 0)
}

function rekeyer(connection: Connection, socket: Socket, everyBytes = Number.POSITIVE_INFINITY): () => void {
  let due = everyBytes
  return () => {
    const passed = socket.bytesRead + socket.bytesWritten
    if (passed < due) return
    due = passed + everyBytes
    connection.rekey()
  }
}

function socketOf(connection: Connection): Socket {
  return (connection as unknown as { readonly _sock: Socket })._sock
}

function fingerprintOf(pem: string): string {
  const key = ssh2.utils.parseKey(pem)
  if (key instanceof Error) throw key
  return `SHA256:${createHash('sha256').update(key.getPublicSSH()).digest('base64').replace(/=+$/, '')}`
}
