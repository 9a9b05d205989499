import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { fromText } from '../../src/ftp/bytes.ts'
import type { TransferEvent } from '../../src/observe/observer.ts'
import { makeFixture, namesIn, sha256 } from '../support/fixtures.ts'
import { usePlace } from '../support/place.ts'
import type { Step } from './client.ts'
import { lftp, lftpWith } from './lftp.ts'
import { testClient } from './suite.ts'

testClient(lftp)

describe('lftp as it comes, in a UTF-8 locale', () => {
  const place = usePlace()

  test('agrees with the gateway on names that are not ASCII', async () => {
    const name = fromText('Grüße 文件 🗎')
    const { path } = await makeFixture(place.local, 1)
    const [listed] = await lftpWith('C.UTF-8', []).perform(place.site('explicit', '1.3'), [
      { do: 'put', local: path, remote: name },
      { do: 'list', directory: '' },
      { do: 'get', remote: name, local: join(place.local, 'copy') },
    ])
    expect(listed).toEqual([name])
    expect(namesIn(place.home)).toEqual([name])
  })
})

describe('lftp where the configuration says windows-1252', () => {
  const place = usePlace({ names: { charset: 'windows-1252' } })

  test.each([
    ['as it comes, which says OPTS UTF8 ON', []],
    ['told to write windows-1252', ['set ftp:use-utf8 no', 'set ftp:charset windows-1252']],
  ])('%s, puts and gets names that are UTF-8 on the disk', async (_, settings) => {
    const name = fromText('Größe ÿ €.txt')
    const { path } = await makeFixture(place.local, 1)
    const [listed] = await lftpWith('C.UTF-8', settings).perform(place.site('explicit', '1.3'), [
      { do: 'put', local: path, remote: name },
      { do: 'list', directory: '' },
      { do: 'get', remote: name, local: join(place.local, 'copy') },
    ])
    expect(listed).toEqual([name])
    expect(namesIn(place.home)).toEqual([name])
  })
})

describe('lftp, 200 uploads in one session', () => {
  const place = usePlace({ upload: { endOfData: 'require' } })

  test.each(['1.2', '1.3'] as const)('TLS %s: all are complete, and none is taken for truncated', async (tls) => {
    const uploads = Array.from({ length: 200 }, (_, i) => ({ bytes: 1 + i * 499, name: `file-${i}` }))
    for (const { bytes, name } of uploads) writeFileSync(join(place.local, name), Buffer.alloc(bytes, name))
    const steps = uploads.map(({ name }): Step => ({ do: 'put', local: join(place.local, name), remote: name }))
    await lftp.perform(place.site('explicit', tls), steps)
    for (const { bytes, name } of uploads) {
      expect(readFileSync(join(place.home, name)).equals(Buffer.alloc(bytes, name)), name).toBe(true)
    }
    expect(namesIn(place.home)).toHaveLength(uploads.length)
    expect(place.gateway.log.filter(({ kind }) => kind === 'warning' || kind === 'bug')).toEqual([])
    const transfers = place.gateway.log.filter((event) => event.kind === 'transfer' && event.tls === `TLSv${tls}`)
    expect(transfers).toHaveLength(uploads.length)
    for (const transfer of transfers) expect(transfer).toMatchObject({ outcome: 'ok', endOfData: 'close_notify' })
  })
})

describe('lftp in MODE Z', () => {
  const place = usePlace({ commands: { modeZ: true } })

  test.each(['1.2', '1.3'] as const)('TLS %s: files and listings pass compressed, and no byte changes', async (tls) => {
    const text = join(place.local, 'text')
    writeFileSync(text, 'to be or not to be\n'.repeat(200_000))
    const files = [
      text,
      ...(await Promise.all([0, 1, 16_385, 3_000_000].map((bytes) => makeFixture(place.local, bytes)))).map(
        ({ path }) => path,
      ),
    ]
    const copy = (i: number) => join(place.local, `copy-${i}`)
    const [listed] = await lftpWith('C', ['set ftp:use-mode-z yes', 'set ftp:mode-z-level 9']).perform(
      place.site('explicit', tls),
      [
        ...files.map((local, i): Step => ({ do: 'put', local, remote: `file-${i}` })),
        { do: 'list', directory: '' },
        ...files.map((_, i): Step => ({ do: 'get', remote: `file-${i}`, local: copy(i) })),
      ],
    )
    expect(listed).toEqual(namesIn(place.home))
    for (const [i, file] of files.entries()) {
      expect(await sha256(join(place.home, `file-${i}`)), `${file} up`).toBe(await sha256(file))
      expect(await sha256(copy(i)), `${file} down`).toBe(await sha256(file))
    }
    const transfers = place.gateway.log.filter((event): event is TransferEvent => event.kind === 'transfer')
    const upload = transfers.find(({ path, verb }) => verb === 'STOR' && path.endsWith('/file-0'))
    expect(upload).toMatchObject({ outcome: 'ok', inflatedBytes: readFileSync(text).length })
    expect(upload?.bytes).toBeLessThan(100_000)
    const download = transfers.find(({ path, verb }) => verb === 'RETR' && path.endsWith('/file-0'))
    expect(download?.bytes).toBeLessThan(100_000)
  })
})
