import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DataConnectionError } from '../../src/data/data-error.ts'
import { receiveInto } from '../../src/data/transfer.ts'
import type { Tls } from '../../src/tls/session-tls.ts'
import { MemorySink, testChannel, testTls } from '../support/data-channel.ts'
import { RawTlsClient, type RawUpload } from '../support/raw-tls.ts'

let tls: Tls
let client: RawTlsClient

beforeAll(async () => {
  tls = await testTls()
  client = new RawTlsClient()
})
afterAll(() => client.close())

interface Outcome {
  readonly failure: string | undefined
  readonly stored: number
  readonly bytes: number
  readonly endOfData: string
}

/** One upload through a data channel, and what it came to. */
async function upload(
  request: Omit<RawUpload, 'host' | 'port'>,
  { sinkMs = 0, acceptFin = (_bytes: number) => false, stored = new MemorySink(sinkMs) } = {},
): Promise<Outcome> {
  const { channel } = testChannel(tls.newSession())
  const address = await channel.listen('EPSV')
  const signal = new AbortController().signal
  const sent = client.upload({ ...request, ...address })
  const connection = await channel.open({ direction: 'upload', protection: 'P', acceptFin, signal })
  const failure = await receiveInto(connection, stored, undefined, { stallMs: 10_000, signal }).then(
    () => undefined,
    (error) => (error instanceof DataConnectionError ? error.failure : `not foreseen: ${error}`),
  )
  await sent
  channel.close()
  return { failure, stored: stored.content.length, bytes: connection.bytes, endOfData: connection.endOfData }
}

const versions = ['TLSv1.2', 'TLSv1.3'] as const
const sizes = [0, 1, 16_384, 16_385, 3_000_000]
const verdicts = { close_notify: undefined, fin: 'truncated', 'mid-record': 'truncated', rst: 'reset' } as const

describe.each(versions)('on %s', (version) => {
  describe.each(sizes)('an upload of %d bytes', (size) => {
    for (const [ending, failure] of Object.entries(verdicts)) {
      if (ending === 'mid-record' && size === 0) continue
      test.each([0, 2])(
        `that ends by ${ending} is ${failure ?? 'complete'}, with a sink that takes %d ms`,
        async (sinkMs) => {
          const outcome = await upload({ version, size, ending: ending as RawUpload['ending'] }, { sinkMs })
          expect(outcome.failure).toBe(failure)
          if (failure === undefined)
            expect(outcome).toMatchObject({ stored: size, bytes: size, endOfData: 'close_notify' })
          else expect(outcome.endOfData).toBe('none')
        },
      )
    }
  })
})
