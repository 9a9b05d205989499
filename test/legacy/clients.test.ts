import { copyFileSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Step } from '../clients/client.ts'
import { curl } from '../clients/curl.ts'
import { ftplib } from '../clients/ftplib.ts'
import { lftp } from '../clients/lftp.ts'
import { type Fixture, makeFixture, namesIn, sha256 } from '../support/fixtures.ts'
import { oldServers, useRelay } from '../support/old-server.ts'

/** The large one once for each client and version of TLS. */
const sizes = { explicit: [0, 1, 1_000_000, 64 * 1024 * 1024], implicit: [0, 1, 1_000_000] }
const clients = [curl, lftp, ftplib('ftplib', false), ftplib('ftplib with TLS session reuse', true)]

describe.each(Object.keys(oldServers) as (keyof typeof oldServers)[])('Relayed to %s', (kind) => {
  const place = useRelay(oldServers[kind])

  describe.each(clients)('$name', (client) => {
    describe.each(['1.2', '1.3'] as const)('TLS %s', (tls) => {
      test.each(['explicit', 'implicit'] as const)('%s: puts and gets files, and no byte changes', async (mode) => {
        const files = await Promise.all(sizes[mode].map((bytes) => makeFixture(place.local, bytes)))
        const name = ({ bytes }: Fixture) => `file-${bytes}`
        await client.perform(place.site(mode, tls), [
          ...files.map((file): Step => ({ do: 'put', local: file.path, remote: name(file) })),
          ...files.map((file): Step => ({ do: 'get', remote: name(file), local: join(place.local, name(file)) })),
        ])
        expect(namesIn(place.old.home)).toEqual(files.map(name).sort())
        for (const file of files) {
          expect(await sha256(join(place.old.home, name(file))), `${file.bytes} bytes up`).toBe(file.sha256)
          expect(await sha256(join(place.local, name(file))), `${file.bytes} bytes down`).toBe(file.sha256)
        }
      })

      test('lists, renames, removes and makes directories, and resumes a download', async () => {
        const file = await makeFixture(place.local, 1_000_000)
        const copy = join(place.local, 'copy')
        copyFileSync(file.path, copy)
        truncateSync(copy, 300_001)
        const listed = await client.perform(place.site('explicit', tls), [
          { do: 'makeDirectory', directory: 'orders' },
          { do: 'put', local: file.path, remote: 'orders/first' },
          { do: 'put', local: file.path, remote: 'orders/second' },
          { do: 'rename', from: 'orders/first', to: 'third' },
          { do: 'list', directory: '' },
          { do: 'list', directory: 'orders' },
          { do: 'remove', remote: 'orders/second' },
          { do: 'removeDirectory', directory: 'orders' },
          { do: 'resume', remote: 'third', local: copy },
        ])
        expect(listed.map((names) => names.sort())).toEqual([['orders', 'third'], ['second']])
        expect(namesIn(place.old.home)).toEqual(['third'])
        expect(statSync(copy).size).toBe(file.bytes)
        expect(await sha256(copy)).toBe(file.sha256)
      })
    })
  })
})
