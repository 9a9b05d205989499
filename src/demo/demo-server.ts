import { createHash, generateKeyPairSync, randomBytes, randomInt, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import ssh2, { type AuthContext, type Connection, type ServerChannel } from 'ssh2'
import { FileTree } from './file-tree.ts'
import { serveSftp } from './sftp-service.ts'

const connectionsMax = 64
const channelsMax = 10
const passwordsMax = 6
const loginMs = 30_000

export interface DemoOptions {
  /** The folder that is served as `/`; it must exist. */
  readonly directory: string
  /** 0, or left out, takes any free port of 127.0.0.1. */
  readonly port?: number
  readonly username?: string
  /** Left out: made for this run. */
  readonly password?: string
}

/** A running SFTP server for trying things out; on loopback only. */
export interface DemoServer {
  readonly host: string
  readonly port: number
  /** `SHA256:…`, as ssh-keygen prints it. The key is made for this run. */
  readonly hostKey: string
  /** The line of a known_hosts file that pins the key. */
  readonly knownHosts: string
  readonly username: string
  readonly password: string
  /** Cuts every connection and frees the port. */
  close(): Promise<void>
}

/** Starts the server. Rejects when the folder does not exist or the port is taken (`EADDRINUSE`). */
export async function startDemoServer(options: DemoOptions): Promise<DemoServer> {
  const tree = await FileTree.open(options.directory)
  const username = options.username ?? 'demo'
  const password = options.password ?? makePassword()
  const { hostKey, publicBlob } = makeHostKey()
  const host = '127.0.0.1'

  const ssh = new ssh2.Server({ hostKeys: [hostKey], ident: 'ftps-gateway-demo' }, (connection) => {
    // A client that drops the connection is no news here; 'close' follows.
    connection.on('error', () => {})
    logIn(connection, accountCheck(username, password))
    serveChannels(connection, tree)
  })
  const sockets = new Set<Socket>()
  // noDelay: without it each small answer waits for the client's delayed acknowledgement, about 40 ms.
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    ssh.injectSocket(socket)
  })
  server.maxConnections = connectionsMax
  server.listen(options.port ?? 0, host)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo

  return {
    host,
    port,
    hostKey: `SHA256:${createHash('sha256').update(publicBlob).digest('base64').replace(/=+$/, '')}`,
    knownHosts: `[${host}]:${port} ecdsa-sha2-nistp256 ${publicBlob.toString('base64')}`,
    username,
    password,
    async close() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

/** By Node's own means: ssh2's key maker now and then makes an ed25519 key that its parser refuses. */
function makeHostKey(): { readonly hostKey: string; readonly publicBlob: Buffer } {
  const { privateKey: hostKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'sec1', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
  const key = ssh2.utils.parseKey(hostKey)
  if (key instanceof Error) throw key
  return { hostKey, publicBlob: key.getPublicSSH() }
}

function logIn(connection: Connection, isAccount: (username: string, password: string) => boolean): void {
  const tooSlow = setTimeout(() => connection.end(), loginMs)
  connection.on('ready', () => clearTimeout(tooSlow))
  connection.on('close', () => clearTimeout(tooSlow))
  let passwords = 0
  connection.on('authentication', (attempt: AuthContext) => {
    if (attempt.method !== 'password') return attempt.reject(['password'])
    if (isAccount(attempt.username, attempt.password)) return attempt.accept()
    if (++passwords >= passwordsMax) connection.end()
    else attempt.reject(['password'])
  })
}

function serveChannels(connection: Connection, tree: FileTree): void {
  const connectionEnd = new AbortController()
  connection.once('close', () => connectionEnd.abort())
  let open = 0
  connection.on('session', (accept, reject) => {
    if (open >= channelsMax) return reject()
    open++
    const session = accept()
    const sessionEnd = new AbortController()
    session.once('close', () => {
      open--
      sessionEnd.abort()
    })
    // Listening for 'subsystem' and not for 'sftp' makes ssh2 hand over the plain channel.
    session.once('subsystem', (acceptSubsystem, rejectSubsystem, { name }) => {
      if (name !== 'sftp') return rejectSubsystem()
      void serve(acceptSubsystem(), tree, AbortSignal.any([connectionEnd.signal, sessionEnd.signal]))
    })
  })
}

async function serve(channel: ServerChannel, tree: FileTree, ended: AbortSignal): Promise<void> {
  channel.on('error', () => {})
  try {
    await serveSftp(channel, tree, ended)
    channel.exit(0)
    channel.end()
  } catch {
    channel.close()
  }
}

/** Compares digests, so that neither content nor length shows in the time it takes. */
function accountCheck(username: string, password: string): (username: string, password: string) => boolean {
  const salt = randomBytes(16)
  const digest = (name: string, secret: string) => {
    return createHash('sha256')
      .update(salt)
      .update(JSON.stringify([name, secret]))
      .digest()
  }
  const expected = digest(username, password)
  return (name, secret) => timingSafeEqual(digest(name, secret), expected)
}

/** Letters and digits that are not mistaken for each other: 12 of 54, about 69 bits. */
const alphabet = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789'

function makePassword(): string {
  const group = () => Array.from({ length: 4 }, () => alphabet[randomInt(alphabet.length)]).join('')
  return [group(), group(), group()].join('-')
}
