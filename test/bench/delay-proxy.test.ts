import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { resolve } from 'node:path'
import { afterEach, expect, test } from 'vitest'

const mib = 1024 * 1024
let server: Server
let proxy: ChildProcess

/** A server that does this with each connection, and the port of a proxy in front of it. */
async function behindProxy(rttMs: number, serve: (socket: Socket) => void): Promise<number> {
  server = createServer({ allowHalfOpen: true }, serve).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const target = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const args = [resolve('test/bench/delay-proxy.mjs'), '--target', target, '--rtt', String(rttMs)]
  proxy = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  if (!proxy.stdout) throw new Error('no output of the proxy')
  const [line] = await once(proxy.stdout, 'data')
  return Number(String(line))
}

afterEach(() => {
  proxy.kill()
  server.close()
})

test('The delay proxy carries bytes and a FIN each way, and an answer takes the round trip at least', async () => {
  const port = await behindProxy(400, (socket) => socket.pipe(socket))
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  await once(client, 'connect')
  const sent = Buffer.from(Array.from({ length: mib }, (_, i) => (i * 7 + (i >> 8)) & 255))
  const sentAt = performance.now()
  client.end(sent)
  const [first] = await once(client, 'data')
  expect(performance.now() - sentAt).toBeGreaterThanOrEqual(398)
  const received: Buffer[] = [first]
  for await (const chunk of client) received.push(chunk)
  expect(Buffer.concat(received).equals(sent)).toBe(true)
})

test('The delay proxy passes a reset on', async () => {
  const port = await behindProxy(0, (socket) => socket.on('error', () => undefined).resetAndDestroy())
  const client = connect({ port, host: '127.0.0.1' })
  const [error] = await once(client, 'error')
  expect(error.code).toBe('ECONNRESET')
})

test('The delay proxy takes 64 MiB for a server that does not read, and then holds the client back', async () => {
  const port = await behindProxy(0, (socket) => socket.on('error', () => undefined).pause())
  const client = connect({ port, host: '127.0.0.1' })
  client.on('error', () => undefined)
  const chunk = Buffer.alloc(mib)
  const taken = () =>
    new Promise<boolean>((done) => {
      // Nothing has moved for a long time: the client is held back.
      const timer = setTimeout(() => done(false), 3_000)
      client.write(chunk, () => {
        clearTimeout(timer)
        done(true)
      })
    })
  let count = 0
  while (count < 256 && (await taken())) count++
  client.destroy()
  expect(count).toBeGreaterThanOrEqual(64)
  // What the system keeps in its own socket buffers comes on top.
  expect(count).toBeLessThan(128)
})
