import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { makeFixture, namesIn } from '../support/fixtures.ts'
import type { Site } from '../support/place.ts'
import { usePlace } from '../support/place.ts'
import { runOk } from '../support/run.ts'
import { clientEnvironment } from './client.ts'

interface Found {
  readonly lines: readonly string[]
  readonly facts: Readonly<Record<string, readonly [type: string, size: string | null]>>
  /** The replies from abort() to that of the next command. */
  readonly replies: readonly string[]
  readonly after: string
}

describe('Python ftplib', () => {
  const place = usePlace({
    listeners: [
      { name: 'explicit', address: '127.0.0.1', port: 0, tls: 'explicit' },
      { name: 'off', address: '127.0.0.1', port: 0, tls: 'off' },
    ],
  })
  const ways: readonly Pick<Site, 'mode' | 'tls'>[] = [
    { mode: 'off', tls: '1.3' },
    { mode: 'explicit', tls: '1.2' },
    { mode: 'explicit', tls: '1.3' },
  ]

  test.each(ways)('T3: storlines, retrlines, mlsd and abort(), TLS $mode $tls', async ({ mode, tls }) => {
    place.give('large', await makeFixture(place.local, 30_000_000))
    const site = { ...place.site('explicit', tls), mode, port: place.gateway.port(mode) }
    const stdout = await runOk('python3', [join(import.meta.dirname, 'ftplib-more.py')], {
      input: JSON.stringify(site),
      env: clientEnvironment(site),
      secret: site.password,
    })
    const found = JSON.parse(stdout.toString()) as Found
    expect(namesIn(place.home)).toEqual(['large', 'lines', 'no-lines'])
    // On the backend lines end as on Unix.
    expect(readFileSync(join(place.home, 'lines'), 'latin1')).toBe('one\ntwo\nthree\n')
    expect(readFileSync(join(place.home, 'no-lines'), 'latin1')).toBe('')
    expect(found.lines).toEqual(['one', 'two', 'three'])
    expect(found.facts).toMatchObject({ large: ['file', '30000000'], lines: ['file', '14'], 'no-lines': ['file', '0'] })
    // RFC 959: one reply to the transfer, one to ABOR; ftplib takes the first for both.
    expect(found.replies).toEqual(['426', '226', '200'])
    expect(found.after).toBe('one\ntwo\nthree\n')
  })
})
