import { once } from 'node:events'
import { Writable } from 'node:stream'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { BackendError } from '../../src/backend/backend.ts'
import { receiveInto } from '../../src/data/transfer.ts'
import type { Tls } from '../../src/tls/session-tls.ts'
import { MemorySink, manners, testTls, until, uploadInto } from '../support/data-channel.ts'
import { closeAll, connected, never, readAll } from '../support/data-connections.ts'

let tls: Tls
beforeAll(async () => {
  tls = await testTls()
})
afterEach(closeAll)

const patient = { stallMs: 10_000, signal: never }

const cases = (['C', 'P'] as const).flatMap((protection) => manners.map((manner) => [protection, manner] as const))

describe.each(cases)('with PROT %s and bytes %s, receiving', (protection, manner) => {
  test.each([0, 1, 65_536, 5_000_000])('%d bytes are written to the sink, and our end is sent', async (size) => {
    const { connection, client } = await connected(tls.newSession({ reuse: 'prefer' }), 'upload', protection)
    const sink = new MemorySink()
    const content = Buffer.alloc(size, 'abc')
    if (size > 0) client.write(content)
    client.end()
    const received = readAll(client)
    await receiveInto(connection, uploadInto(sink, manner), undefined, patient)
    expect(sink.content.equals(content)).toBe(true)
    expect(connection.bytes).toBe(size)
    expect(connection.endOfData).toBe(protection === 'P' ? 'close_notify' : 'fin')
    expect((await received).length).toBe(0)
    await until('the connection is closed', () => connection.stream.closed)
  })

  test('our end is sent before the sink has finished', async () => {
    const { connection, client } = await connected(tls.newSession({ reuse: 'prefer' }), 'upload', protection)
    let finish = () => {}
    const sink = new Writable({
      write: (_chunk, _encoding, done) => done(),
      final: (done) => {
        finish = done
      },
    })
    client.end('content')
    let resolved = false
    const receiving = receiveInto(connection, uploadInto(sink, manner), undefined, patient).then(() => {
      resolved = true
    })
    await once(client.resume(), 'end')
    expect(resolved).toBe(false)
    finish()
    await receiving
  })

  test('the transform stands in between', async () => {
    const { connection, client } = await connected(tls.newSession({ reuse: 'prefer' }), 'upload', protection)
    const sink = new MemorySink()
    async function* shout(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
      for await (const chunk of source) yield Buffer.from(chunk.toString().toUpperCase())
      yield Buffer.from('!')
    }
    client.end('hello')
    await receiveInto(connection, uploadInto(sink, manner), shout, patient)
    expect(sink.content.toString()).toBe('HELLO!')
    expect(connection.bytes).toBe(5)
  })

  test('an error of the transform passes and destroys the sink', async () => {
    const { connection, client } = await connected(tls.newSession({ reuse: 'prefer' }), 'upload', protection)
    const sink = new MemorySink()
    const failure = new BackendError('failed', 'cannot be converted')
    async function* fail(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
      for await (const chunk of source) {
        if (chunk.length > 0) throw failure
        yield chunk
      }
    }
    client.write('hello')
    await expect(receiveInto(connection, uploadInto(sink, manner), fail, patient)).rejects.toBe(failure)
    expect(sink.destroyed).toBe(true)
  })

  test('an error of the sink passes as it is at once, and the client is not reset while it still sends', async () => {
    const { connection, client } = await connected(tls.newSession({ reuse: 'prefer' }), 'upload', protection)
    const failure = new BackendError('noSpace', 'the disk is full')
    const sink = new Writable({ write: (_chunk, _encoding, done) => done(failure) })
    let clientError: unknown
    client.on('error', (error) => {
      clientError = error
    })
    client.write(Buffer.alloc(5_000_000))
    await expect(receiveInto(connection, uploadInto(sink, manner), undefined, patient)).rejects.toBe(failure)
    const sent = new Promise((resolve) => client.write(Buffer.alloc(5_000_000), resolve))
    await sent
    client.end()
    await until('the connection is closed', () => connection.stream.closed)
    expect(clientError).toBeUndefined()
  })

  test('a sink that fails while the client is silent ends it at once', async () => {
    const { connection } = await connected(tls.newSession({ reuse: 'prefer' }), 'upload', protection)
    const failure = new BackendError('unavailable', 'the backend is gone')
    const sink = new MemorySink()
    const receiving = receiveInto(connection, uploadInto(sink, manner), undefined, patient)
    sink.destroy(failure)
    await expect(receiving).rejects.toBe(failure)
  })

  test('a sink that fails at the very end, or was closed before, fails the upload', async () => {
    const failure = new BackendError('quotaExceeded', 'too much')
    const late = await connected(tls.newSession({ reuse: 'prefer' }), 'upload', protection)
    late.client.end('content')
    const sink = new Writable({
      write: (_chunk, _encoding, done) => done(),
      final: (done) => done(failure),
    })
    await expect(receiveInto(late.connection, uploadInto(sink, manner), undefined, patient)).rejects.toBe(failure)

    const early = await connected(tls.newSession({ reuse: 'prefer' }), 'upload', protection)
    const closed = new MemorySink()
    closed.destroy()
    await once(closed, 'close')
    await expect(receiveInto(early.connection, uploadInto(closed, manner), undefined, patient)).rejects.toMatchObject({
      kind: 'failed',
    })
  })

  test('a reset fails the upload and destroys the sink', async () => {
    for (let run = 0; run < 10; run++) {
      const { connection, client, raw } = await connected(tls.newSession({ reuse: 'prefer' }), 'upload', protection)
      const sink = new MemorySink()
      client.write('content', () => raw.resetAndDestroy())
      await expect(receiveInto(connection, uploadInto(sink, manner), undefined, patient)).rejects.toMatchObject({
        failure: 'reset',
      })
      expect(sink.destroyed).toBe(true)
    }
  })

  test('a silent client has stalled, a slow backend has not', async () => {
    const silent = await connected(tls.newSession({ reuse: 'prefer' }), 'upload', protection)
    silent.client.write('some')
    const stalled = receiveInto(silent.connection, uploadInto(new MemorySink(), manner), undefined, {
      ...patient,
      stallMs: 60,
    })
    await expect(stalled).rejects.toMatchObject({ failure: 'stalled' })

    const quick = await connected(tls.newSession({ reuse: 'prefer' }), 'upload', protection)
    quick.client.end(Buffer.alloc(300_000))
    await receiveInto(quick.connection, uploadInto(new MemorySink(300), manner), undefined, {
      ...patient,
      stallMs: 100,
    })
  })

  test('the signal ends it at once, and what still comes is dropped for no longer than about a second', async () => {
    const { connection, client } = await connected(tls.newSession({ reuse: 'prefer' }), 'upload', protection)
    const abort = new AbortController()
    const sink = new MemorySink()
    const receiving = receiveInto(connection, uploadInto(sink, manner), undefined, { ...patient, signal: abort.signal })
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
    const { connection, channel } = await connected(tls.newSession({ reuse: 'prefer' }), 'upload', protection)
    const receiving = receiveInto(connection, uploadInto(new MemorySink(), manner), undefined, patient)
    channel.close()
    await expect(receiving).rejects.toMatchObject({ failure: 'reset' })
  })
})
