import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { DataConnectionError } from '../../src/data/data-error.ts'
import { receiveInto } from '../../src/data/transfer.ts'
import type { Tls } from '../../src/tls/session-tls.ts'
import { MemorySink, testChannel, testTls, uploadInto } from '../support/data-channel.ts'
import { program } from '../support/packages.ts'
import { runOk } from '../support/run.ts'

let tls: Tls
beforeAll(async () => {
  tls = await testTls()
})

/** The last two records of Java are user_canceled and close_notify, each with 16 bytes of padding. */
const alert = 5 + 35

const cuts = [
  { hold: 0, what: 'whole', verdict: 'close_notify' },
  { hold: 1, what: 'without the last byte of close_notify', verdict: 'truncated' },
  { hold: alert, what: 'without close_notify', verdict: 'truncated' },
  { hold: alert + 1, what: 'without the last byte of user_canceled', verdict: 'truncated' },
  { hold: 2 * alert, what: 'without both alerts', verdict: 'truncated' },
] as const

/** An upload whose last bytes may get lost on the way. */
async function upload(hold: number) {
  // One Java comes to all of them, one after the other.
  const timeouts = { dataConnectMs: 100_000, handshakeMs: 10_000 }
  const { channel } = testChannel(tls.newSession({ reuse: 'prefer' }), { timeouts })
  const { port } = await channel.listen('EPSV', 'control')
  const proxy = await holdingBack(port, hold)
  const { signal } = new AbortController()
  const sink = new MemorySink()
  const settled = channel
    .open({ direction: 'upload', protection: 'P', reuse: 'prefer', acceptFin: () => false, signal })
    .then(async (connection) => {
      const failure = await receiveInto(connection, uploadInto(sink, 'direct'), undefined, {
        stallMs: 10_000,
        signal,
      }).then(
        () => undefined,
        (error: unknown) => (error instanceof DataConnectionError ? error.failure : `not foreseen: ${error}`),
      )
      return { verdict: failure ?? connection.endOfData, stored: sink.content.length }
    })
    .finally(() => {
      channel.close()
      proxy.close()
    })
  return { settled, port: (proxy.address() as AddressInfo).port }
}

/** Passes a connection on, but for the last bytes that the client sends, in whose place comes a FIN. */
async function holdingBack(port: number, hold: number): Promise<Server> {
  const proxy = createServer({ allowHalfOpen: true }, (client) => {
    const server = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    let held = Buffer.alloc(0)
    client.on('data', (chunk: Buffer) => {
      const bytes = Buffer.concat([held, chunk])
      // The handshake is answered, so its bytes may not wait.
      const pass = server.bytesWritten > 1000 || bytes.length > 1000 ? Math.max(0, bytes.length - hold) : bytes.length
      server.write(bytes.subarray(0, pass))
      held = bytes.subarray(pass)
    })
    client.on('end', () => server.end())
    server.on('data', (chunk) => client.write(chunk)).on('end', () => client.end())
    for (const socket of [client, server]) socket.on('error', () => socket.destroy())
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  return proxy
}

test('Java ends TLS 1.3 by user_canceled and close_notify: only with both is an upload complete', {
  timeout: 120_000,
}, async () => {
  const sizes = [2000, 16_384, 300_000]
  const runs = cuts.flatMap((cut) => sizes.map((size) => ({ ...cut, size })))
  const uploads = await Promise.all(runs.map(({ hold }) => upload(hold)))
  const pairs = uploads.flatMap(({ port }, i) => [String(port), String(runs[i]?.size)])
  const settled = Promise.all(uploads.map(async (one) => await one.settled))
  await runOk(program('java'), [join(import.meta.dirname, 'TlsUploads.java'), ...pairs], { timeoutMs: 100_000 })
  const ends = await settled
  expect(runs.map(({ what, size }, i) => [what, size, ends[i]?.verdict])).toEqual(
    runs.map(({ what, size, verdict }) => [what, size, verdict]),
  )
  for (const [i, run] of runs.entries()) if (run.verdict === 'close_notify') expect(ends[i]?.stored).toBe(run.size)
})
