import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DataConnectionError } from '../../src/data/data-error.ts'
import { receiveInto } from '../../src/data/transfer.ts'
import type { Tls } from '../../src/tls/session-tls.ts'
import { MemorySink, manners, testChannel, testTls, uploadInto } from '../support/data-channel.ts'
import { RawTlsClient, type RawUpload } from '../support/raw-tls.ts'

let tls: Tls
let client: RawTlsClient

beforeAll(async () => {
  tls = await testTls()
  client = new RawTlsClient()
})
afterAll(() => client.close())

interface Conditions {
  readonly manner?: (typeof manners)[number]
  readonly sink?: MemorySink
  readonly acceptFin?: (bytes: number) => boolean
  /** Bytes are moved only when the client has closed. */
  readonly late?: boolean
}

/** One upload through a data channel, and what it came to. */
async function upload(
  request: Omit<RawUpload, 'host' | 'port'>,
  { sink = new MemorySink(), acceptFin = () => false, late = false, manner = 'direct' }: Conditions = {},
) {
  const { channel } = testChannel(tls.newSession({ reuse: 'prefer' }))
  const address = await channel.listen('EPSV', 'control')
  const { signal } = new AbortController()
  const sent = client.upload({ ...request, ...address })
  const connection = await channel.open({ direction: 'upload', protection: 'P', reuse: 'prefer', acceptFin, signal })
  if (late) await sent
  const failure = await receiveInto(connection, uploadInto(sink, manner), undefined, { stallMs: 10_000, signal }).then(
    () => undefined,
    (error) => (error instanceof DataConnectionError ? error.failure : `not foreseen: ${error}`),
  )
  await sent
  channel.close()
  return {
    failure,
    stored: sink.content.length,
    bytes: connection.bytes,
    endOfData: connection.endOfData,
    reused: connection.reused,
  }
}

const versions = ['TLSv1.2', 'TLSv1.3'] as const
const verdicts = [
  ['close_notify', undefined],
  ['fin', 'truncated'],
  ['mid-record', 'truncated'],
  ['rst', 'reset'],
] as const

describe.each(versions)('on %s', (version) => {
  describe.each([0, 1, 16_384, 16_385, 3_000_000])('an upload of %d bytes', (size) => {
    const possible = verdicts.filter(([ending]) => size > 0 || ending !== 'mid-record')
    for (const [ending, failure] of possible) {
      for (const [sinkMs, manner] of [0, 2].flatMap((ms) => manners.map((how) => [ms, how] as const))) {
        const what = failure === undefined ? 'complete' : `failed as ${failure}`
        test(`that ends by ${ending} is ${what}, ${manner} to a sink that takes ${sinkMs} ms for a write`, async () => {
          const outcome = await upload({ version, size, ending }, { sink: new MemorySink(sinkMs), manner })
          expect(outcome.failure).toBe(failure)
          if (failure !== undefined) expect(outcome.endOfData).toBe('none')
          else expect(outcome).toMatchObject({ stored: size, bytes: size, endOfData: 'close_notify' })
        })
      }
    }
  })

  test('an upload that waits in the buffers until its client is gone has the same verdict', async () => {
    for (const [ending, failure] of verdicts) {
      const outcome = await upload({ version, size: 50_000, ending }, { late: true })
      expect({ ending, failure: outcome.failure }).toEqual({ ending, failure })
    }
  })

  test('an upload that was complete before the connection was reset is complete', async () => {
    for (const size of [0, 1, 16_384, 50_000]) {
      const outcome = await upload({ version, size, ending: 'notify-rst' }, { late: true, sink: new MemorySink(2) })
      expect(outcome).toMatchObject({ failure: undefined, stored: size })
    }
  })

  test('an upload whose client resets after close_notify is stored whole or fails, never in part', async () => {
    for (let run = 0; run < 10; run++) {
      const outcome = await upload({ version, size: 3_000_000, ending: 'notify-rst' }, { sink: new MemorySink(1) })
      if (outcome.failure === undefined) expect(outcome.stored).toBe(3_000_000)
      else expect(outcome.failure).toBe('reset')
    }
  })

  test('a bare FIN is the end of the data when the policy accepts the number of bytes', async () => {
    const asked: number[] = []
    const acceptFin = (bytes: number) => asked.push(bytes) > 0 && bytes === 20_000
    expect(await upload({ version, size: 20_000, ending: 'fin' }, { acceptFin })).toMatchObject({
      failure: undefined,
      stored: 20_000,
      endOfData: 'fin',
    })
    expect(await upload({ version, size: 20_001, ending: 'fin' }, { acceptFin })).toMatchObject({
      failure: 'truncated',
    })
    expect(asked).toEqual([20_000, 20_001])
  })

  test('an end inside a TLS record and a reset fail whatever the policy says', async () => {
    const acceptFin = () => true
    const size = 50_000
    expect((await upload({ version, size, ending: 'mid-record' }, { acceptFin })).failure).toBe('truncated')
    for (let run = 0; run < 10; run++) {
      expect((await upload({ version, size, ending: 'rst' }, { acceptFin })).failure).toBe('reset')
    }
  })

  test('clients that read nothing, 24 of 24, have their 3 MB stored', async () => {
    for (let run = 0; run < 24; run++) {
      const outcome = await upload({ version, size: 3_000_000, ending: 'close_notify' })
      expect(outcome).toMatchObject({ failure: undefined, stored: 3_000_000, reused: false })
    }
  })
})
