import { once } from 'node:events'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { BackendError } from '../../src/backend/backend.ts'
import { sendContent } from '../../src/data/transfer.ts'
import type { Tls } from '../../src/tls/session-tls.ts'
import { testTls, until } from '../support/data-channel.ts'
import { channelFor, closeAll, connected, never, pieces, readAll, request } from '../support/data-connections.ts'
import { RawTlsClient } from '../support/raw-tls.ts'

let tls: Tls
let reader: RawTlsClient
beforeAll(async () => {
  tls = await testTls()
  reader = new RawTlsClient()
})
afterAll(() => reader.close())
afterEach(closeAll)

const patient = { stallMs: 10_000, signal: never }

/** Chunks without end. */
async function* endless(size = 262_144): AsyncGenerator<Buffer> {
  const chunk = Buffer.alloc(size, 'x')
  for (;;) yield chunk
}

describe.each(['C', 'P'] as const)('with PROT %s, sending', (protection) => {
  test.each([
    ['nothing', []],
    ['empty chunks', ['', '']],
    ['a byte', ['x']],
    ['chunks of all sizes', ['a', '', Buffer.alloc(262_144, 'b'), 'c', Buffer.alloc(3_000_000, 'd')]],
  ])('%s arrives as it is', async (_what, chunks) => {
    const { connection, client } = await connected(tls.newSession({ reuse: 'prefer' }), 'download', protection)
    const received = readAll(client)
    await sendContent(connection, pieces(...chunks), patient)
    const expected = Buffer.concat(chunks.map((chunk) => Buffer.from(chunk)))
    expect((await received).equals(expected)).toBe(true)
    expect(connection.bytes).toBe(expected.length)
    client.end()
    await once(connection.stream, 'close')
  })

  test('many small chunks leave no listeners behind', async () => {
    const { connection, client } = await connected(tls.newSession({ reuse: 'prefer' }), 'download', protection)
    const received = readAll(client)
    const before = connection.stream.eventNames().map((name) => connection.stream.listenerCount(name))
    const during: number[] = []
    async function* content(): AsyncGenerator<Buffer> {
      for (let i = 0; i < 5000; i++) {
        during.push(connection.stream.eventNames().reduce((n, name) => n + connection.stream.listenerCount(name), 0))
        yield Buffer.alloc(1000)
      }
    }
    await sendContent(connection, content(), patient)
    expect((await received).length).toBe(5_000_000)
    expect(Math.max(...during)).toBeLessThan(before.reduce((n, count) => n + count) + 10)
  })

  test('no more is read from the backend than the client takes', async () => {
    const { connection, client } = await connected(tls.newSession({ reuse: 'prefer' }), 'download', protection)
    client.pause()
    const abort = new AbortController()
    let taken = 0
    async function* content(): AsyncGenerator<Buffer> {
      for await (const chunk of endless()) {
        taken += chunk.length
        yield chunk
      }
    }
    const sending = sendContent(connection, content(), { ...patient, signal: abort.signal })
    await until('the socket is full', () => connection.stream.writableLength > 262_144)
    expect(taken - connection.bytes).toBeLessThanOrEqual(1024 * 1024)
    abort.abort()
    await expect(sending).rejects.toMatchObject({ failure: 'aborted' })
  })

  test('an error of the content passes as it is, and the client does not see a clean end of TLS', async () => {
    const { connection, client } = await connected(tls.newSession({ reuse: 'prefer' }), 'download', protection)
    client.resume()
    const failure = new BackendError('unavailable', 'the backend is gone')
    async function* content(): AsyncGenerator<Buffer> {
      yield Buffer.from('some')
      throw failure
    }
    await expect(sendContent(connection, content(), patient)).rejects.toBe(failure)
    expect(connection.stream.destroyed).toBe(true)
  })

  test('a client that goes away ends it, also while the backend has nothing', async () => {
    const busy = await connected(tls.newSession({ reuse: 'prefer' }), 'download', protection)
    busy.client.once('data', () => busy.client.destroy())
    await expect(sendContent(busy.connection, endless(), patient)).rejects.toMatchObject({ failure: 'reset' })

    const idle = await connected(tls.newSession({ reuse: 'prefer' }), 'download', protection)
    let release = () => {}
    async function* content(): AsyncGenerator<Buffer> {
      yield Buffer.from('first')
      await new Promise<void>((resolve) => {
        release = resolve
      })
    }
    const sending = sendContent(idle.connection, content(), patient)
    await once(idle.client, 'data')
    idle.raw.resetAndDestroy()
    await expect(sending).rejects.toMatchObject({ failure: 'reset' })
    release()
  })

  test('a client that ends its own side first still gets everything', async () => {
    const { connection, client } = await connected(tls.newSession({ reuse: 'prefer' }), 'download', protection)
    // Over TLS that is close_notify, upon which Node's client takes what is under way, and no more.
    if (protection === 'C') client.end()
    const received = readAll(client)
    await sendContent(connection, pieces(Buffer.alloc(1_000_000)), patient)
    expect((await received).length).toBe(1_000_000)
  })

  test('a client that takes nothing has stalled', async () => {
    const { connection, client } = await connected(tls.newSession({ reuse: 'prefer' }), 'download', protection)
    client.pause()
    await expect(sendContent(connection, endless(), { ...patient, stallMs: 100 })).rejects.toMatchObject({
      failure: 'stalled',
    })
    expect(connection.stream.destroyed).toBe(true)
  })

  test('waiting for the backend is no stall', async () => {
    const { connection, client } = await connected(tls.newSession({ reuse: 'prefer' }), 'download', protection)
    const received = readAll(client)
    async function* content(): AsyncGenerator<Buffer> {
      yield Buffer.from('a')
      await new Promise((resolve) => setTimeout(resolve, 300))
      yield Buffer.from('b')
    }
    await sendContent(connection, content(), { ...patient, stallMs: 100 })
    expect((await received).toString()).toBe('ab')
  })

  test('the signal ends it at once, and before it has begun', async () => {
    for (const early of [true, false]) {
      const { connection, client } = await connected(tls.newSession({ reuse: 'prefer' }), 'download', protection)
      client.resume()
      const abort = new AbortController()
      if (early) abort.abort()
      else setTimeout(() => abort.abort(), 20)
      await expect(sendContent(connection, endless(), { ...patient, signal: abort.signal })).rejects.toMatchObject({
        failure: 'aborted',
      })
      expect(connection.stream.destroyed).toBe(true)
    }
  })

  test('closing the channel afterwards does not cut off what the client has not read yet', async () => {
    const { connection, client, channel } = await connected(tls.newSession({ reuse: 'prefer' }), 'download', protection)
    await sendContent(connection, pieces(Buffer.alloc(100_000)), patient)
    channel.close()
    expect((await readAll(client)).length).toBe(100_000)
  })
})

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('on %s', (version) => {
  /** One download to the raw client: what it received, and how the connection ended for it. */
  async function download(content: AsyncIterable<Buffer>) {
    const { channel } = channelFor(tls.newSession({ reuse: 'prefer' }))
    const received = reader.download({ ...(await channel.listen('EPSV', 'control')), version })
    await sendContent(await channel.open(request()), content, patient)
    return received
  }

  test('empty downloads, 40 of 40, end by close_notify', async () => {
    for (let run = 0; run < 40; run++) {
      expect(await download(pieces())).toEqual({ received: 0, end: 'close_notify' })
    }
  })

  test.each([1, 16_384, 300_000, 5_000_000])('downloads of %d bytes end by close_notify', async (size) => {
    for (let run = 0; run < 5; run++) {
      expect(await download(pieces(Buffer.alloc(size)))).toEqual({ received: size, end: 'close_notify' })
    }
  })
})
