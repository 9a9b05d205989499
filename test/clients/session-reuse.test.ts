import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { makeFixture, namesIn, sha256 } from '../support/fixtures.ts'
import { type Place, usePlace } from '../support/place.ts'
import type { Client, Step } from './client.ts'
import { curl } from './curl.ts'
import { lftp } from './lftp.ts'

const versions = ['1.2', '1.3'] as const
const sizes = [1, 100_000, 3_000_000]

/**
 * Three uploads and three downloads in one go; throws what the client says when it fails. Returns which data connections
 * continued the TLS session of their control connection.
 */
async function threeAndThree(client: Client, place: Place, tls: '1.2' | '1.3'): Promise<(boolean | undefined)[]> {
  const seen = place.gateway.log.length
  const files = await Promise.all(sizes.map((bytes) => makeFixture(place.local, bytes)))
  const remote = (bytes: number) => `file-${bytes}`
  await client.perform(place.site('explicit', tls), [
    ...files.map(({ path, bytes }): Step => ({ do: 'put', local: path, remote: remote(bytes) })),
    ...files.map(({ bytes }): Step => ({ do: 'get', remote: remote(bytes), local: join(place.local, remote(bytes)) })),
  ])
  expect(namesIn(place.home)).toEqual(sizes.map(remote).sort())
  for (const { bytes, sha256: hash } of files) {
    expect(await sha256(join(place.home, remote(bytes))), `${bytes} bytes up`).toBe(hash)
    expect(await sha256(join(place.local, remote(bytes))), `${bytes} bytes down`).toBe(hash)
  }
  return place.gateway.log.slice(seen).flatMap((event) => (event.kind === 'transfer' ? [event.reused] : []))
}

const all = sizes.concat(sizes).map(() => true)

describe('tls.sessionReuse prefer', () => {
  const place = usePlace({ tls: { sessionReuse: 'prefer' } })

  test('T21: curl on TLS 1.2: three uploads and three downloads in one invocation, all continue the session', async () => {
    expect(await threeAndThree(curl, place, '1.2')).toEqual(all)
  })

  test('T21: curl on TLS 1.3: three uploads and three downloads in one invocation are whole; it uses a ticket once', async () => {
    const reused = await threeAndThree(curl, place, '1.3')
    expect(reused).toHaveLength(6)
    expect(reused[0]).toBe(true)
  })

  test.each(versions)(
    'T21: lftp on TLS %s: three puts and three gets in one session, all continue the session',
    async (tls) => {
      expect(await threeAndThree(lftp, place, tls)).toEqual(all)
    },
  )
})

describe('tls.sessionReuse require', () => {
  const place = usePlace({ tls: { sessionReuse: 'require' } })

  test.each([curl, lftp])(
    'T21: $name on TLS 1.2: three uploads and three downloads in one go, all continue the session',
    async (client) => {
      expect(await threeAndThree(client, place, '1.2')).toEqual(all)
    },
  )

  // curl uses a ticket of TLS 1.3 once, and its second upload would be refused.
  test.each([curl, lftp])('T21: $name that knows TLS 1.3 only meets a gateway that offers TLS 1.2', async (client) => {
    await expect(threeAndThree(client, place, '1.3')).rejects.toThrow(/alert/)
    expect(namesIn(place.home)).toEqual([])
  })
})
