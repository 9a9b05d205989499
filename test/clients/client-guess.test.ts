import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { sumOf } from '../../src/migration/usage.ts'
import { UsageRecorder } from '../../src/migration/usage-recorder.ts'
import { makeFixture } from '../support/fixtures.ts'
import { usePlace } from '../support/place.ts'
import { basicFtp } from './basic-ftp.ts'
import type { Client, Step } from './client.ts'
import { curl } from './curl.ts'
import { ftplib } from './ftplib.ts'
import { lftp } from './lftp.ts'

const clients: [string, Client][] = [
  ['curl', curl],
  ['lftp', lftp],
  ['Python ftplib', ftplib('ftplib', true)],
  ['basic-ftp', basicFtp],
]

describe.each(['explicit', 'implicit'] as const)('On the %s listener', (way) => {
  const place = usePlace()

  test.each(clients)('%s is known by what it sends', async (name, client) => {
    const { path } = await makeFixture(place.local, 1000)
    const steps: Step[] = [
      { do: 'list', directory: '' },
      { do: 'put', local: path, remote: 'file' },
      { do: 'get', remote: 'file', local: join(place.local, 'copy') },
    ]
    const seen = place.gateway.log.length
    await client.perform(place.site(way, '1.3'), steps)
    await expect.poll(() => place.gateway.log.slice(seen).some(({ kind }) => kind === 'sessionClosed')).toBe(true)
    const recorder = new UsageRecorder(() => 0)
    for (const event of place.gateway.log.slice(seen)) recorder.see(event)
    const { counts } = sumOf(recorder.take().map(({ usage }) => usage))
    expect(counts.client).toEqual({ [name]: expect.any(Number) })
    expect(counts.total).toMatchObject({ uploads: 1, uploadBytes: 1000, downloads: 1, listings: 1 })
    expect([counts.total?.['ascii'], Object.keys(counts.control ?? {})]).toEqual([
      undefined,
      ['TLSv1.3 TLS_AES_128_GCM_SHA256'],
    ])
  })
})
