import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { ByteBudget } from '../../src/backend/sftp/byte-budget.ts'
import { Secret } from '../../src/ftp/secret.ts'
import { backendFor, fetch, held, inArena, noise, outcome, store } from '../support/hostile-sftp/arena.ts'
import { startHostileServer } from '../support/hostile-sftp/server.ts'

const credentials = { kind: 'password', username: 'victim', password: new Secret('x') } as const
interface Port {
  readonly port: number
  close(): Promise<void>
}

/** A port at which this is done to everybody who connects. */
async function portWhere(befall: (socket: Socket) => void): Promise<Port> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    befall(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Sends again and again until the other side has had enough. */
function forever(socket: Socket, bytes: Buffer, everyMs: number): void {
  const timer = setInterval(() => socket.write(bytes), everyMs)
  socket.once('close', () => clearInterval(timer))
}

const ident = Buffer.from('SSH-2.0-hostile\r\n')

/** An unencrypted SSH packet. */
function sshPacket(payload: Buffer): Buffer {
  const padding = 8 - ((payload.length + 5) % 8) + 8
  const packet = Buffer.alloc(5 + payload.length + padding)
  packet.writeUInt32BE(packet.length - 4, 0)
  packet[4] = padding
  payload.copy(packet, 5)
  return packet
}

describe('A login fails within its time where the server', () => {
  test.concurrent.each<[string, (socket: Socket) => void]>([
    ['says nothing', () => {}],
    ['sends a banner of 100 KiB', (socket) => socket.write(Buffer.alloc(100 * 1024, 'x'))],
    ['sends banner lines without end', (socket) => forever(socket, Buffer.from('welcome\r\n'.repeat(100)), 1)],
    ['drips its banner', (socket) => forever(socket, Buffer.from('S'), 50)],
    ['speaks HTTP', (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['speaks FTP', (socket) => socket.write('220 FTP server ready\r\n')],
    ['speaks SSH 1', (socket) => socket.write('SSH-1.5-old\r\n')],
    ['is silent after its banner', (socket) => socket.write(ident)],
    ['sends noise after its banner', (socket) => socket.write(Buffer.concat([ident, noise(100_000)]))],
    ['sends a packet of 2^32-1 bytes', (socket) => socket.write(Buffer.concat([ident, Buffer.alloc(64, 0xff)]))],
    ['sends a packet of 0 bytes', (socket) => socket.write(Buffer.concat([ident, Buffer.alloc(64)]))],
    ['sends a KEXINIT without lists', (socket) => socket.write(Buffer.concat([ident, sshPacket(Buffer.of(20))]))],
    [
      'sends a KEXINIT of empty lists',
      (socket) => socket.write(Buffer.concat([ident, sshPacket(Buffer.concat([Buffer.of(20), Buffer.alloc(61)]))])),
    ],
    [
      'sends a KEXINIT with lists of 2^32-1 bytes',
      (socket) =>
        socket.write(Buffer.concat([ident, sshPacket(Buffer.concat([Buffer.of(20), Buffer.alloc(64, 255)]))])),
    ],
    [
      'sends DISCONNECT in place of KEXINIT',
      (socket) => socket.write(Buffer.concat([ident, sshPacket(Buffer.of(1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0))])),
    ],
    [
      'sends USERAUTH_SUCCESS in place of KEXINIT',
      (socket) => socket.write(Buffer.concat([ident, sshPacket(Buffer.of(52))])),
    ],
    ['hangs up after its banner', (socket) => socket.end(ident)],
    ['resets the connection', (socket) => socket.resetAndDestroy()],
  ])('%s', async (_what, befall) => {
    const { port, close } = await portWhere(befall)
    const server = { host: '127.0.0.1', port, fingerprint: `SHA256:${'A'.repeat(43)}` }
    const backend = backendFor(server, { budget: new ByteBudget(0), loginMs: 500 })
    expect(await outcome(backend.open(credentials))).toBe('unavailable')
    expect(backend.up).toBe(false)
    await backend.close()
    await close()
  })
})

test.each([
  ['cut', (bytes: Buffer) => bytes.subarray(0, bytes.length / 2)],
  [
    'changed in one bit',
    (bytes: Buffer) => Buffer.concat([bytes.subarray(0, 50), Buffer.of((bytes[50] ?? 0) ^ 1), bytes.subarray(51)]),
  ],
  ['sent twice', (bytes: Buffer) => Buffer.concat([bytes, bytes])],
])('SSH traffic that is %s on its way ends the session, and no file is changed by it', async (_how, spoil) => {
  const server = await startHostileServer()
  server.tree.addFile('/old', 'old content')
  let spoiling = false
  const { port, close } = await portWhere((socket) => {
    const onward = connect(server.port, server.host)
    onward.on('error', () => {})
    onward.on('data', (bytes) => socket.write(spoiling ? spoil(bytes) : bytes))
    socket.on('data', (bytes) => onward.write(bytes))
    onward.on('close', () => socket.destroy())
    socket.on('close', () => onward.destroy())
  })
  const { host, fingerprint } = server
  const backend = backendFor({ host, port, fingerprint }, { budget: new ByteBudget(8_000_000), deadlineMs: 1_200 })
  const files = await backend.open(credentials)
  spoiling = true
  expect(await outcome(store(files, '/old', noise(600_000)))).toBe('unavailable')
  expect(held(server, '/old')).toBe('old content')
  await backend.close()
  await close()
  await server.stop()
})

test('F33 keys are exchanged again after every megabyte, in both directions and under load: no byte is changed', async () => {
  const content = noise(12_000_000)
  await inArena({ ssh: { rekeyEveryBytes: 1_000_000 } }, async ({ open, server }) => {
    const [files, other] = [await open(), await open('victim-2')]
    server.tree.addFile('/huge', content)
    const downloads = [fetch(files, '/huge'), fetch(other, '/huge')]
    await Promise.all([store(files, '/old', content), store(other, '/folder/a', content)])
    for (const downloaded of await Promise.all(downloads)) expect(downloaded.equals(content)).toBe(true)
    expect(held(server, '/old')).toBe(content.toString('latin1'))
    expect(held(server, '/folder/a')).toBe(content.toString('latin1'))
    expect(server.rekeys).toBeGreaterThan(5)
  })
})
