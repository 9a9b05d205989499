import { chownSync, copyFileSync, mkdirSync, readdirSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Fixture, makeFixture, namesIn, sha256 } from '../support/fixtures.ts'
import type { Place } from '../support/place.ts'
import { usePlace } from '../support/place.ts'
import { runOk } from '../support/run.ts'
import { clientEnvironment, clientTimeoutMs } from './client.ts'

const listeners = [
  ...(['explicit', 'implicit'] as const).map((tls) => ({ name: tls, address: '127.0.0.1', port: 0, tls })),
  { name: 'off', address: '127.0.0.1', port: 0, tls: 'off' },
]

/** One curl, as people type it; the login goes by a file. Returns what curl prints. */
async function curl(place: Place, listener: 'explicit' | 'implicit' | 'off', path: string, ...options: string[]) {
  const site = place.site('explicit', '1.3')
  const scheme = listener === 'implicit' ? 'ftps' : 'ftp'
  const url = `${scheme}://${site.host}:${place.gateway.port(listener)}/${path}`
  const tls = listener === 'off' ? [] : ['--ssl-reqd', '--cacert', site.certificate]
  const stdout = await runOk('curl', ['-q', '-sS', '-v', '--config', '-', ...tls, ...options, url], {
    input: `user = "${site.user}:${site.password}"\n`,
    env: clientEnvironment(site),
    timeoutMs: clientTimeoutMs,
    secret: site.password,
  })
  return stdout.toString('latin1')
}

/** What was asked since, as far as it is about data connections and where to continue. */
function verbs(place: Place, seen: number): string[] {
  const told = place.gateway.log.slice(seen)
  return told.flatMap((event) => (event.kind === 'command' ? [`${event.verb} ${event.code}`] : []))
}

describe.each(['explicit', 'implicit', 'off'] as const)('T2: curl, TLS %s', (listener) => {
  const place = usePlace({ listeners })
  const giveFirstPart = (file: Fixture, bytes: number) => {
    place.give('file', file)
    truncateSync(join(place.home, 'file'), bytes)
  }

  test.each([0, 1, 100_000, 3_000_000])('puts and gets %i bytes', async (bytes) => {
    const file = await makeFixture(place.local, bytes)
    const copy = join(place.local, 'copy')
    await curl(place, listener, 'file', '-T', file.path)
    await curl(place, listener, 'file', '-o', copy)
    expect([await sha256(join(place.home, 'file')), await sha256(copy)]).toEqual([file.sha256, file.sha256])
  })

  test('-C - continues an upload and a download', async () => {
    const file = await makeFixture(place.local, 3_000_000)
    giveFirstPart(file, 1_000_001)
    const copy = join(place.local, 'copy')
    copyFileSync(file.path, copy)
    truncateSync(copy, 2_000_003)
    await curl(place, listener, 'file', '-C', '-', '-T', file.path)
    expect(await sha256(join(place.home, 'file'))).toBe(file.sha256)
    await curl(place, listener, 'file', '-C', '-', '-o', copy)
    expect(await sha256(copy)).toBe(file.sha256)
    const moved = place.gateway.log.flatMap((event) => (event.kind === 'transfer' ? [event.bytes] : []))
    expect(moved.slice(-2)).toEqual([1_999_999, 999_997])
  })

  test('lists, also by names only, and an empty directory is no error', async () => {
    place.give('file', await makeFixture(place.local, 100_000))
    mkdirSync(join(place.home, 'empty'))
    expect(await curl(place, listener, '')).toMatch(/^drwx.* empty\r?\n-rw.* 100000 .* file\r?\n$/)
    expect((await curl(place, listener, '', '-l')).split(/\r?\n/)).toEqual(['empty', 'file', ''])
    expect(await curl(place, listener, 'empty/')).toBe('')
  })

  test('-Q sends commands before and after', async () => {
    place.give('old', await makeFixture(place.local, 1))
    place.give('gone', await makeFixture(place.local, 1))
    await curl(place, listener, '', '-l', '-Q', 'RNFR old', '-Q', 'RNTO new', '-Q', '-DELE gone')
    expect(namesIn(place.home)).toEqual(['new'])
  })

  test('--ftp-create-dirs makes what is missing on the way', async () => {
    const file = await makeFixture(place.local, 100_000)
    mkdirSync(join(place.home, 'a'))
    chownSync(join(place.home, 'a'), place.sshd.user.uid, place.sshd.user.gid)
    await curl(place, listener, 'a/b/c/file', '--ftp-create-dirs', '-T', file.path)
    expect(readdirSync(place.home, { recursive: true }).sort()).toEqual(['a', 'a/b', 'a/b/c', 'a/b/c/file'])
    expect(await sha256(join(place.home, 'a/b/c/file'))).toBe(file.sha256)
  })

  test('--disable-epsv takes PASV, else EPSV', async () => {
    const file = await makeFixture(place.local, 1)
    const seen = place.gateway.log.length
    await curl(place, listener, 'file', '--disable-epsv', '-T', file.path)
    expect(verbs(place, seen)).toEqual(expect.arrayContaining(['PASV 227']))
    expect(verbs(place, seen)).not.toContain('EPSV 229')
    await curl(place, listener, 'file', '-T', file.path)
    expect(verbs(place, seen)).toContain('EPSV 229')
  })
})

describe('T2: curl', () => {
  const place = usePlace({ listeners })

  // In active mode curl 7.88 forgets TLS on data connections, so without TLS.
  test.each([
    [[], 'EPRT 200'],
    [['--disable-eprt'], 'PORT 200'],
  ])('--ftp-port - %j puts and gets in active mode by %s', async (options, verb) => {
    const file = await makeFixture(place.local, 3_000_000)
    const copy = join(place.local, 'copy')
    const seen = place.gateway.log.length
    await curl(place, 'off', 'file', '--ftp-port', '-', ...options, '-T', file.path)
    await curl(place, 'off', 'file', '--ftp-port', '-', ...options, '-o', copy)
    expect([await sha256(join(place.home, 'file')), await sha256(copy)]).toEqual([file.sha256, file.sha256])
    expect(verbs(place, seen).filter((line) => line === verb)).toHaveLength(2)
  })

  test('--ssl-reqd refuses a listener without TLS, and the password is not sent', async () => {
    const seen = place.gateway.log.length
    await expect(curl(place, 'off', '', '--ssl-reqd')).rejects.toThrow(/ended with 64/)
    expect(verbs(place, seen).some((line) => line.startsWith('PASS'))).toBe(false)
  })
})
