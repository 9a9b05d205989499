import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server as NetServer } from 'node:net'
import ssh2, { type AuthContext, type Connection as ServerConnection } from 'ssh2'
import { afterEach, expect, test } from 'vitest'
import { ByteBudget } from '../../../src/backend/sftp/byte-budget.ts'
import { createHostKeyPolicy, fingerprint } from '../../../src/backend/sftp/host-keys.ts'
import { probeHostKey } from '../../../src/backend/sftp/probe.ts'
import { SftpBackend } from '../../../src/backend/sftp/sftp-backend.ts'
import { Secret } from '../../../src/ftp/secret.ts'
import type { Event } from '../../../src/observe/observer.ts'
import { unknownFingerprint } from '../../support/sshd.ts'

const pem = { publicKeyEncoding: { type: 'spki', format: 'pem' } } as const
const { privateKey: ecdsa } = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  ...pem,
  privateKeyEncoding: { type: 'sec1', format: 'pem' },
})
const { privateKey: rsa } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  ...pem,
  privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
})

const pinOf = (key: string) => {
  const parsed = ssh2.utils.parseKey(key)
  if (parsed instanceof Error) throw parsed
  return fingerprint(parsed.getPublicSSH())
}

const closers: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

/** An SSH server that lets a test decide about each login and notes what it was asked. */
async function server(
  onAuth: (context: AuthContext, connection: ServerConnection) => void,
  keys = [ecdsa, rsa],
  port = 0,
) {
  const asked: string[] = []
  const connections = new Set<ServerConnection>()
  const ssh = new ssh2.Server({ hostKeys: keys }, (connection) => {
    connections.add(connection)
    connection.on('error', () => {})
    connection.on('authentication', (context) => {
      asked.push(context.method)
      onAuth(context, connection)
    })
    connection.on('session', (accept) => accept().on('sftp', (open) => void open()))
  })
  ssh.listen(port, '127.0.0.1')
  await once(ssh, 'listening')
  const close = () => {
    for (const connection of connections) connection.end()
    return new Promise((done) => ssh.close(done))
  }
  closers.push(close)
  return { port: (ssh.address() as { port: number }).port, asked, close }
}

function backend(port: number, fingerprints: readonly string[], loginMs = 10_000) {
  const events: Event[] = []
  const made = new SftpBackend({
    name: 'test',
    host: '127.0.0.1',
    port,
    hostKeys: createHostKeyPolicy({ host: '127.0.0.1', port, fingerprints, knownHostsText: undefined }),
    connectMs: 2_000,
    loginMs,
    requestMs: 5_000,
    closeMs: 5_000,
    reconnectMs: 0,
    fsync: 'auto',
    verify: 'size',
    uploadMode: 'atomic',
    keepPartialMs: 0,
    gateway: { instance: '0000', run: '0000' },
    abandonedAfterMs: 600_000,
    bytesInFlightPerTransfer: 1024 * 1024,
    budget: new ByteBudget(1024 * 1024),
    pool: { connections: 4, idleMs: 60_000, waiting: 10, waitMs: 5_000 },
    stripe: 1,
    health: { everyMs: 60_000, timeoutMs: 2_000 },
    observer: (event) => events.push(event),
  })
  closers.push(() => made.close())
  return { backend: made, events }
}

const login = { kind: 'password', username: 'test', password: new Secret('right') } as const

test('a host key that is not pinned is refused before any password is sent, and both fingerprints are told', async () => {
  const { port, asked } = await server((context) => context.accept())
  const pinned = unknownFingerprint()
  const { backend: under, events } = backend(port, [pinned])
  await expect(under.open(login)).rejects.toMatchObject({ kind: 'unavailable' })
  expect(asked).toEqual([])
  const [event] = events.filter((e) => e.kind === 'backendConnection')
  expect(event).toMatchObject({ backend: 'test', outcome: 'host_key' })
  expect(event?.reason).toContain(pinned)
  expect(event?.reason).toMatch(/SHA256:.*SHA256:/)
})

test.each([
  ['the first', ecdsa],
  ['the last', rsa],
])('a pin of %s of the server’s keys is found, whichever key the server prefers', async (_which, key) => {
  const { port } = await server((context) => context.accept())
  const { backend: under } = backend(port, [pinOf(key)])
  await under.probe()
  expect(under.up).toBe(true)
})

test('a wrong password is asked once: not again by keyboard-interactive where the server has both', async () => {
  const { port, asked } = await server((context) => context.reject(['password', 'keyboard-interactive']))
  const { backend: under } = backend(port, [pinOf(ecdsa)])
  await expect(under.open(login)).rejects.toMatchObject({ kind: 'loginRefused' })
  expect(asked).toEqual(['password'])
})

test('a server with keyboard-interactive only gets the password as the answer to its one hidden prompt', async () => {
  const answers: string[][] = []
  const { port, asked } = await server((context, connection) => {
    if (context.method !== 'keyboard-interactive') return context.reject(['keyboard-interactive'])
    context.prompt([{ prompt: 'Password: ', echo: false }], (given) => {
      answers.push(given)
      context.reject(['keyboard-interactive'])
      connection.end()
    })
  })
  const { backend: under } = backend(port, [pinOf(ecdsa)])
  await expect(under.open(login)).rejects.toThrow()
  expect(asked).toEqual(['password', 'keyboard-interactive'])
  expect(answers).toEqual([['right']])
})

test('a prompt for something else than the password never gets the password', async () => {
  const answers: string[][] = []
  const { port } = await server((context) => {
    if (context.method !== 'keyboard-interactive') return context.reject(['keyboard-interactive'])
    context.prompt(
      [
        { prompt: 'Code: ', echo: true },
        { prompt: 'PIN: ', echo: false },
      ],
      (given) => {
        answers.push(given)
        context.reject([])
      },
    )
  })
  const { backend: under } = backend(port, [pinOf(ecdsa)])
  await expect(under.open(login)).rejects.toMatchObject({ kind: 'loginRefused' })
  expect(answers).toEqual([['', '']])
})

test('a server that hangs up before the key exchange is tried three times, one that does not answer once', async () => {
  let connections = 0
  const rude = createServer((socket) => {
    connections++
    socket.destroy()
  })
  const { backend: under } = backend(await listen(rude), [pinOf(ecdsa)])
  await expect(under.open(login)).rejects.toMatchObject({ kind: 'unavailable' })
  expect(connections).toBe(3)

  connections = 0
  const silent = createServer((socket) => {
    connections++
    socket.on('error', () => {})
    socket.resume()
  })
  const { backend: waiting, events } = backend(await listen(silent), [pinOf(ecdsa)], 300)
  await expect(waiting.open(login)).rejects.toMatchObject({ kind: 'unavailable' })
  expect(connections).toBe(1)
  expect(events).toContainEqual(expect.objectContaining({ kind: 'backendConnection', outcome: 'timeout' }))
})

test('a port where nobody listens is told as refused', async () => {
  const gone = createServer()
  const port = await listen(gone)
  await new Promise((done) => gone.close(done))
  const { backend: under, events } = backend(port, [pinOf(ecdsa)])
  await expect(under.open(login)).rejects.toMatchObject({ kind: 'unavailable' })
  expect(events).toContainEqual(expect.objectContaining({ kind: 'backendConnection', outcome: 'refused' }))
  expect(under.up).toBe(false)
})

test('a server without the SFTP subsystem is unavailable, not a wrong password', async () => {
  const { port } = await server((context) => context.accept())
  const noSftp = new ssh2.Server({ hostKeys: [ecdsa] }, (connection) => {
    connection.on('error', () => {})
    connection.on('authentication', (context) => context.accept())
    connection.on('session', (accept) => void accept())
  })
  noSftp.listen(0, '127.0.0.1')
  await once(noSftp, 'listening')
  closers.push(() => new Promise((done) => noSftp.close(done)))
  const { backend: under } = backend((noSftp.address() as { port: number }).port, [pinOf(ecdsa)])
  await expect(under.open(login)).rejects.toMatchObject({ kind: 'unavailable' })
  expect(port).toBeGreaterThan(0)
})

test('after the server has changed to another of its pinned keys, it is found without a restart', async () => {
  const { privateKey: next } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    ...pem,
    privateKeyEncoding: { type: 'sec1', format: 'pem' },
  })
  const old = await server((context) => context.reject(['password']), [ecdsa, rsa])
  const { backend: under } = backend(old.port, [pinOf(rsa), pinOf(next)])
  await under.probe()
  await old.close()
  await server((context) => context.reject(['password']), [next], old.port)
  await expect(under.open(login)).rejects.toMatchObject({ kind: 'loginRefused' })
})

test('closing a backend ends a login that is under way', async () => {
  let asked = () => {}
  const waiting = new Promise<void>((resolve) => {
    asked = resolve
  })
  const { port } = await server(() => asked())
  const { backend: under } = backend(port, [pinOf(ecdsa)], 30_000)
  const opening = under.open(login).catch((error) => error.kind)
  await waiting
  await under.close()
  expect(await opening).toBe('unavailable')
})

test('no more than eight handshakes run at a time', async () => {
  let running = 0
  let most = 0
  const { port } = await server((context) => {
    running++
    most = Math.max(most, running)
    setTimeout(() => {
      running--
      context.reject(['password'])
    }, 20)
  })
  const { backend: under } = backend(port, [pinOf(ecdsa)])
  const attempts = Array.from({ length: 24 }, () => under.open(login).catch((error) => error.kind))
  expect(new Set(await Promise.all(attempts))).toEqual(new Set(['loginRefused']))
  expect(most).toBeLessThanOrEqual(8)
  expect(most).toBeGreaterThan(1)
})

test('the host keys of a server are shown, one of each kind, without a login', async () => {
  const { port, asked } = await server((context) => context.accept())
  const found = await probeHostKey('127.0.0.1', port, 5_000)
  expect(found.map((key) => key.fingerprint).sort()).toEqual([pinOf(ecdsa), pinOf(rsa)].sort())
  expect(asked).toEqual([])
})

async function listen(tcp: NetServer): Promise<number> {
  tcp.listen(0, '127.0.0.1')
  await once(tcp, 'listening')
  closers.push(() => new Promise((done) => tcp.close(done)))
  return (tcp.address() as { port: number }).port
}
