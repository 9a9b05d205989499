import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type ByteString, fromBuffer, fromText, toBuffer } from '../../src/ftp/bytes.ts'
import type { TransferEvent } from '../../src/observe/observer.ts'
import { makeFixture, namesIn, sha256 } from '../support/fixtures.ts'
import type { Site } from '../support/place.ts'
import { usePlace } from '../support/place.ts'
import { runOk } from '../support/run.ts'
import { type Client, clientEnvironment, clientTimeoutMs, type Step } from './client.ts'
import { testClient } from './suite.ts'

/** One lftp session does all steps as a script, after `settings` and in a locale. */
function lftpWith(locale: string, settings: readonly string[]): Client {
  return {
    name: 'lftp',
    async perform(site, steps) {
      const listing = (i: number) => join(site.folder, `listing-${i}`)
      const script = [...settings, ...connection(site), ...steps.map((step, i) => command(step, listing(i))), 'bye']
      // A file, because lftp opens what -f names, and that cannot be a pipe of Node's; it holds the password.
      const path = join(site.folder, 'script')
      writeFileSync(path, toBuffer(script.map((line) => `${line}\n`).join('')), { mode: 0o600 })
      await runOk('lftp', ['--norc', '-d', '-f', path], {
        env: { ...clientEnvironment(site), LC_ALL: locale },
        timeoutMs: clientTimeoutMs,
        // lftp shows the password where TLS is on from the start.
        secret: site.password,
      })
      return steps.flatMap((step, i) => (step.do === 'list' ? [lines(listing(i))] : []))
    },
  }
}

/** Names are bytes; otherwise lftp converts them between the locale's charset and UTF-8. */
const lftp = lftpWith('C', ['set ftp:use-utf8 no'])

function connection(site: Site): string[] {
  return [
    'set cmd:fail-exit yes',
    'set net:max-retries 1',
    'set net:timeout 30',
    'set net:reconnect-interval-base 1',
    'set xfer:clobber yes',
    'set ssl:verify-certificate yes',
    `set ssl:ca-file ${site.certificate}`,
    `set ssl:priority NORMAL:-VERS-ALL:+VERS-TLS${site.tls}`,
    'set ftp:ssl-force yes',
    'set ftp:ssl-protect-data yes',
    // No help from the cache: a listing is what the server says.
    'set cache:enable no',
    `open -u ${site.user},${site.password} ${site.mode === 'implicit' ? 'ftps' : 'ftp'}://${site.host}:${site.port}`,
  ]
}

function command(step: Step, listing: string): ByteString {
  switch (step.do) {
    case 'put':
      return `put -- ${quoted(step.local)} -o ${quoted(step.remote)}`
    case 'get':
      return `get -- ${quoted(step.remote)} -o ${quoted(step.local)}`
    case 'resume':
      return `get -c -- ${quoted(step.remote)} -o ${quoted(step.local)}`
    case 'list':
      return `cls -1 -- ${quoted(step.directory === '' ? '.' : `${step.directory}/`)} >${quoted(listing)}`
    case 'rename':
      // `mv --` is another command of lftp's (move into a directory), so a leading dash needs a folder in front.
      return `mv ${quoted(guarded(step.from))} ${quoted(guarded(step.to))}`
    case 'remove':
      return `rm -- ${quoted(step.remote)}`
    case 'makeDirectory':
      return `mkdir -- ${quoted(step.directory)}`
    case 'removeDirectory':
      return `rmdir -- ${quoted(step.directory)}`
  }
}

function guarded(name: ByteString): ByteString {
  return name.startsWith('-') ? `./${name}` : name
}

function quoted(text: ByteString): ByteString {
  return `"${text.replace(/[\\"]/g, '\\$&')}"`
}

function lines(path: string): ByteString[] {
  const names = fromBuffer(readFileSync(path)).split('\n').slice(0, -1)
  return names.map((name) => name.replace(/\/$/, '').replace(/^.*\//, ''))
}

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
