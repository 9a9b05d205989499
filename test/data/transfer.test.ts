import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { Writable } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { BackendError } from '../../src/backend/backend.ts'
import type { DataChannel } from '../../src/data/data-channel.ts'
import type { DataConnection } from '../../src/data/data-connection.ts'
import { receiveInto, sendContent } from '../../src/data/transfer.ts'
import type { Tls } from '../../src/tls/session-tls.ts'
import { MemorySink, testChannel, testTls, until } from '../support/data-channel.ts'
import { RawTlsClient } from '../support/raw-tls.ts'

let tls: Tls
let reader: RawTlsClient
beforeAll(async () => {
  tls = await testTls()
  reader = new RawTlsClient()
})
afterAll(() => reader.close())

const clients: Socket[] = []
const channels: DataChannel[] = []
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy()
  for (const channel of channels.splice(0)) channel.close()
  await until('every socket is closed', () => openSockets() === 0)
})

function openSockets(): number {
  return process.getActiveResourcesInfo().filter((resource) => /^(TCP|TLS)/.test(resource)).length
}

const protections = ['C', 'P'] as const
const never = new AbortController().signal
const patient = { stallMs: 10_000, signal: never }

/** An open data connection, and the client's end of it with the TCP socket below. */
async function connected(
  direction: 'upload' | 'download',
  protection: 'C' | 'P',
): Promise<{ connection: DataConnection; client: Socket; raw: Socket; channel: DataChannel }> {
  const { channel } = testChannel(tls.newSession())
  channels.push(channel)
  const address = await channel.listen('EPSV')
  const raw = connect({ ...address, allowHalfOpen: true })
  const client = protection === 'P' ? connectTls({ socket: raw, rejectUnauthorized: false }) : raw
  client.on('error', () => {})
  clients.push(client)
  const connection = await channel.open({ direction, protection, acceptFin: () => false, signal: never })
  return { connection, client, raw, channel }
}

async function* pieces(...chunks: (string | Buffer)[]): AsyncGenerator<Buffer> {
  for (const chunk of chunks) yield Buffer.from(chunk)
}

/** Chunks without end. */
async function* endless(size = 262_144): AsyncGenerator<Buffer> {
  const chunk = Buffer.alloc(size, 'x')
  for (;;) yield chunk
}

async function readAll(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk)
  return Buffer.concat(chunks)
}

describe.each(protections)('with PROT %s, sending', (protection) => {
  test.each([
    ['nothing', []],
    ['empty chunks', ['', '']],
    ['a byte', ['x']],
    ['chunks of all sizes', ['a', '', Buffer.alloc(262_144, 'b'), 'c', Buffer.alloc(3_000_000, 'd')]],
  ])('%s arrives as it is', async (_what, chunks) => {
    const { connection, client } = await connected('download', protection)
    const received = readAll(client)
    await sendContent(connection, pieces(...chunks), patient)
    const expected = Buffer.concat(chunks.map((chunk) => Buffer.from(chunk)))
    expect((await received).equals(expected)).toBe(true)
    expect(connection.bytes).toBe(expected.length)
    client.end()
    await once(connection.stream, 'close')
  })

  test('many small chunks leave no listeners behind', async () => {
    const { connection, client } = await connected('download', protection)
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
    const { connection, client } = await connected('download', protection)
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
    await until('the socket is full', () => connection.stream.writableLength > 1024 * 1024)
    expect(connection.stream.writableLength).toBeLessThanOrEqual(1024 * 1024 + 262_144)
    expect(connection.bytes).toBeLessThanOrEqual(taken)
    abort.abort()
    await expect(sending).rejects.toMatchObject({ failure: 'aborted' })
  })

  test('an error of the content passes as it is, and the client does not see a clean end of TLS', async () => {
    const { connection, client } = await connected('download', protection)
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
    const busy = await connected('download', protection)
    busy.client.once('data', () => busy.client.destroy())
    await expect(sendContent(busy.connection, endless(), patient)).rejects.toMatchObject({ failure: 'reset' })

    const idle = await connected('download', protection)
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
    const { connection, client } = await connected('download', protection)
    // Over TLS that is close_notify, upon which Node's client takes what is under way, and no more.
    if (protection === 'C') client.end()
    const received = readAll(client)
    await sendContent(connection, pieces(Buffer.alloc(1_000_000)), patient)
    expect((await received).length).toBe(1_000_000)
  })

  test('a client that takes nothing has stalled', async () => {
    const { connection, client } = await connected('download', protection)
    client.pause()
    await expect(sendContent(connection, endless(), { ...patient, stallMs: 100 })).rejects.toMatchObject({
      failure: 'stalled',
    })
    expect(connection.stream.destroyed).toBe(true)
  })

  test('waiting for the backend is no stall', async () => {
    const { connection, client } = await connected('download', protection)
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
      const { connection, client } = await connected('download', protection)
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
    const { connection, client, channel } = await connected('download', protection)
    await sendContent(connection, pieces(Buffer.alloc(100_000)), patient)
    channel.close()
    expect((await readAll(client)).length).toBe(100_000)
  })
})

describe.each(protections)('with PROT %s, receiving', (protection) => {
  /** What the client has to do for its end to count. */
  const end = (client: Socket) => client.end()

  test.each([0, 1, 65_536, 5_000_000])('%d bytes are written to the sink, and our end is sent', async (size) => {
    const { connection, client } = await connected('upload', protection)
    const sink = new MemorySink()
    const content = Buffer.alloc(size, 'abc')
    if (size > 0) client.write(content)
    end(client)
    const received = readAll(client)
    await receiveInto(connection, sink, undefined, patient)
    expect(sink.content.equals(content)).toBe(true)
    expect(connection.bytes).toBe(size)
    expect(connection.endOfData).toBe(protection === 'P' ? 'close_notify' : 'fin')
    expect((await received).length).toBe(0)
    await until('the connection is closed', () => connection.stream.closed)
  })

  test('our end is sent before the sink has finished', async () => {
    const { connection, client } = await connected('upload', protection)
    let finish = () => {}
    const sink = new Writable({
      write: (_chunk, _encoding, done) => done(),
      final: (done) => {
        finish = done
      },
    })
    client.end('content')
    let resolved = false
    const receiving = receiveInto(connection, sink, undefined, patient).then(() => {
      resolved = true
    })
    await once(client.resume(), 'end')
    expect(resolved).toBe(false)
    finish()
    await receiving
  })

  test('the transform stands in between', async () => {
    const { connection, client } = await connected('upload', protection)
    const sink = new MemorySink()
    async function* shout(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
      for await (const chunk of source) yield Buffer.from(chunk.toString().toUpperCase())
      yield Buffer.from('!')
    }
    client.end('hello')
    await receiveInto(connection, sink, shout, patient)
    expect(sink.content.toString()).toBe('HELLO!')
    expect(connection.bytes).toBe(5)
  })

  test('an error of the transform passes and destroys the sink', async () => {
    const { connection, client } = await connected('upload', protection)
    const sink = new MemorySink()
    const failure = new BackendError('failed', 'cannot be converted')
    // biome-ignore lint/correctness/useYield: it fails before it has anything to yield
    async function* fail(): AsyncGenerator<Buffer> {
      throw failure
    }
    client.write('hello')
    await expect(receiveInto(connection, sink, fail, patient)).rejects.toBe(failure)
    expect(sink.destroyed).toBe(true)
  })

  test('an error of the sink passes as it is at once, and the client is not reset while it still sends', async () => {
    const { connection, client } = await connected('upload', protection)
    const failure = new BackendError('noSpace', 'the disk is full')
    const sink = new Writable({ write: (_chunk, _encoding, done) => done(failure) })
    let clientError: unknown
    client.on('error', (error) => {
      clientError = error
    })
    client.write(Buffer.alloc(5_000_000))
    await expect(receiveInto(connection, sink, undefined, patient)).rejects.toBe(failure)
    const sent = new Promise((resolve) => client.write(Buffer.alloc(5_000_000), resolve))
    await sent
    end(client)
    await until('the connection is closed', () => connection.stream.closed)
    expect(clientError).toBeUndefined()
  })

  test('a sink that fails while the client is silent ends it at once', async () => {
    const { connection } = await connected('upload', protection)
    const failure = new BackendError('unavailable', 'the backend is gone')
    const sink = new MemorySink()
    const receiving = receiveInto(connection, sink, undefined, patient)
    sink.destroy(failure)
    await expect(receiving).rejects.toBe(failure)
  })

  test('a sink that fails at the very end, or was closed before, fails the upload', async () => {
    const failure = new BackendError('quotaExceeded', 'too much')
    const late = await connected('upload', protection)
    late.client.end('content')
    const sink = new Writable({
      write: (_chunk, _encoding, done) => done(),
      final: (done) => done(failure),
    })
    await expect(receiveInto(late.connection, sink, undefined, patient)).rejects.toBe(failure)

    const early = await connected('upload', protection)
    const closed = new MemorySink()
    closed.destroy()
    await once(closed, 'close')
    await expect(receiveInto(early.connection, closed, undefined, patient)).rejects.toMatchObject({ kind: 'failed' })
  })

  test('a reset fails the upload and destroys the sink', async () => {
    for (let run = 0; run < 10; run++) {
      const { connection, client, raw } = await connected('upload', protection)
      const sink = new MemorySink()
      client.write('content', () => raw.resetAndDestroy())
      await expect(receiveInto(connection, sink, undefined, patient)).rejects.toMatchObject({ failure: 'reset' })
      expect(sink.destroyed).toBe(true)
    }
  })

  test('a silent client has stalled, a slow backend has not', async () => {
    const silent = await connected('upload', protection)
    silent.client.write('some')
    const stalled = receiveInto(silent.connection, new MemorySink(), undefined, { ...patient, stallMs: 60 })
    await expect(stalled).rejects.toMatchObject({ failure: 'stalled' })

    const quick = await connected('upload', protection)
    quick.client.end(Buffer.alloc(300_000))
    await receiveInto(quick.connection, new MemorySink(300), undefined, { ...patient, stallMs: 100 })
  })

  test('the signal ends it at once, and what still comes is dropped for no longer than about a second', async () => {
    const { connection, client } = await connected('upload', protection)
    const abort = new AbortController()
    const sink = new MemorySink()
    const receiving = receiveInto(connection, sink, undefined, { ...patient, signal: abort.signal })
    client.write('some')
    await until('it is being received', () => sink.content.length > 0)
    abort.abort()
    await expect(receiving).rejects.toMatchObject({ failure: 'aborted' })
    expect(sink.destroyed).toBe(true)
    expect(connection.stream.destroyed).toBe(false)
    client.write('more')
    await until('the connection is closed', () => connection.stream.closed)
    expect(sink.content.toString()).toBe('some')
  })

  test('a connection that is closed in between is a reset', async () => {
    const { connection, channel } = await connected('upload', protection)
    const receiving = receiveInto(connection, new MemorySink(), undefined, patient)
    channel.close()
    await expect(receiving).rejects.toMatchObject({ failure: 'reset' })
  })
})

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('on %s', (version) => {
  /** One download to the raw client: what it received, and how the connection ended for it. */
  async function download(content: AsyncIterable<Buffer>) {
    const { channel } = testChannel(tls.newSession())
    channels.push(channel)
    const received = reader.download({ ...(await channel.listen('EPSV')), version })
    const request = { direction: 'download', protection: 'P', acceptFin: () => false, signal: never } as const
    await sendContent(await channel.open(request), content, patient)
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
