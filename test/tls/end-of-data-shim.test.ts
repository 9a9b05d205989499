import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { EndOfDataShim } from '../../src/tls/end-of-data-shim.ts'

const open: Socket[] = []
afterEach(() => {
  for (const socket of open.splice(0)) socket.destroy()
})

/** A shim on one end of a TCP connection, and the other end. */
async function connected(): Promise<{ shim: EndOfDataShim; raw: Socket; client: Socket }> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [raw]: Socket[] = await once(server, 'connection')
  server.close()
  if (!raw) throw new Error('no connection')
  open.push(client, raw)
  client.on('error', () => {})
  return { shim: new EndOfDataShim(raw), raw, client }
}

test('the end is released only after every byte has been read, however late that is', async () => {
  const { shim, raw, client } = await connected()
  client.end(Buffer.alloc(200_000, 'x'))
  let read = 0
  for await (const chunk of shim.iterator({ destroyOnReturn: false })) {
    read += chunk.length
    for (let i = 0; i < 20; i++) await turn()
    if (read < 200_000) expect(shim.endReleased).toBe(false)
  }
  expect(read).toBe(200_000)
  expect(shim.endReleased).toBe(true)
  expect(shim.failure).toBeUndefined()
  expect(raw.destroyed).toBe(false)
  shim.destroy()
  expect(raw.destroyed).toBe(true)
})

test('bytes that came before a reset are delivered first, and then the reset is known', async () => {
  const { shim, client } = await connected()
  // More than the shim keeps of its own, so that its reader is what decides how fast it is taken.
  await new Promise((sent) => client.write(Buffer.alloc(70_000, 'x'), sent))
  client.resetAndDestroy()
  await once(client, 'close')
  let read = 0
  for await (const chunk of shim.iterator({ destroyOnReturn: false })) read += chunk.length
  expect(read).toBe(70_000)
  expect(shim.failure).toMatchObject({ code: 'ECONNRESET' })
  shim.destroy()
})

test('a reset that comes together with data is not taken for an end', async () => {
  for (let run = 0; run < 20; run++) {
    const { shim, client } = await connected()
    client.write('data')
    await once(client, 'connect')
    client.resetAndDestroy()
    shim.resume()
    await once(shim, 'end')
    expect(shim.failure).toMatchObject({ code: 'ECONNRESET' })
    shim.destroy()
  }
})

test('writes that fail do not disturb reading', async () => {
  const { shim, raw } = await connected()
  raw.destroy()
  const written = new Promise((resolve) => shim.write('too late', resolve))
  shim.resume()
  await Promise.all([written, once(shim, 'end')])
  expect(shim.pending).toBe(0)
  expect(shim.failure).toBeDefined()
  shim.destroy()
})
