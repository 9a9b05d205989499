import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Dialogue } from '../support/dialogue.ts'
import { type MemoryGateway, startMemoryGateway } from '../support/memory-gateway.ts'
import { program } from '../support/packages.ts'
import { run } from '../support/run.ts'

let gateway: MemoryGateway
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ipv6-test-'))
})
afterEach(async () => {
  rmSync(folder, { recursive: true })
  await gateway.stop()
  expect(gateway.ports.inUse).toBe(0)
  expect(gateway.backend.openHandles).toBe(0)
  expect(gateway.events.filter(({ kind }) => kind === 'bug')).toEqual([])
})

async function start(address: string, tls: 'explicit' | 'off'): Promise<void> {
  gateway = await startMemoryGateway({ address, tls })
  gateway.backend.tree.addFile('/f', 'content')
}

type Mode = 'passive' | 'active'

/** curl 7.87 and 7.88 forget TLS on an active data connection (curl issue 10666), and Debian 12 has one of them. */
const tlsOf = (client: string, mode: Mode) => (client === 'curl' && mode === 'active' ? 'off' : 'explicit')

/** lftp 4.9 in active mode names `::` as its address where both ends are on one machine. */
const unable = (client: string, mode: Mode, host: string) => client === 'lftp' && mode === 'active' && host === '::1'

/** Real clients that fetch `f` and write it to standard output. */
const clients: Readonly<Record<string, (host: string, port: number, mode: Mode) => [string, ...string[]]>> = {
  curl: (host, port, mode) => {
    const url = `ftp://${host.includes(':') ? `[${host}]` : host}:${port}/f`
    const options = [
      ...(mode === 'active' ? ['-P', '-'] : []),
      ...(tlsOf('curl', mode) === 'off' ? [] : ['--ssl-reqd']),
    ]
    return ['curl', '-sS', '-k', '-m', '40', '-u', 'test:secret', ...options, url]
  },
  lftp: (host, port, mode) => {
    const settings = `set net:max-retries 1; set net:timeout 20; set ssl:verify-certificate no; set ftp:ssl-force yes; set ftp:ssl-protect-data yes; set ftp:passive-mode ${mode === 'passive'}`
    const site = `open -u test,secret -p ${port} ${host.includes(':') ? `[${host}]` : host}`
    return ['lftp', '--norc', '-c', `${settings}; ${site}; cat f`]
  },
  ftplib: (host, port, mode) => {
    const script = `import ftplib, ssl, sys
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
ftp = ftplib.FTP_TLS(context=context, timeout=30)
ftp.connect('${host}', ${port})
ftp.login('test', 'secret')
ftp.prot_p()
ftp.set_pasv(${mode === 'passive' ? 'True' : 'False'})
ftp.retrbinary('RETR f', sys.stdout.buffer.write)
ftp.quit()`
    return ['python3', '-c', script]
  },
}

const cases = Object.keys(clients).flatMap((client) =>
  (['passive', 'active'] as const).map((mode) => [client, mode] as const),
)

describe.each([
  ['IPv6', '::1', '::1', '::1'],
  ['IPv4 at a listener of both', '::', '127.0.0.1', '127.0.0.1'],
  ['IPv6 at a listener of both', '::', '::1', '::1'],
])('%s', (_what, address, host, seen) => {
  const able = cases.filter(([name, mode]) => !unable(name, mode, host))
  test.each(able)('%s, %s, gets its file', async (name, mode) => {
    await start(address, tlsOf(name, mode))
    const [command, ...args] = clients[name]?.(host, gateway.port, mode) ?? ['']
    const env = { PATH: process.env['PATH'], HOME: folder, LC_ALL: 'C' }
    const { code, stdout, stderr } = await run(program(command), args, { env, cwd: folder })
    expect({ code, text: stdout.toString() }, stderr).toEqual({ code: 0, text: 'content' })
    expect(gateway.events).toContainEqual(expect.objectContaining({ kind: 'sessionOpened', address: seen }))
    expect(gateway.events).toContainEqual(expect.objectContaining({ kind: 'dataConnection', mode, outcome: 'ok' }))
  })
})

describe('a dialogue', () => {
  async function logIn(address: string, host: string): Promise<Dialogue> {
    gateway = await startMemoryGateway({ address })
    const client = await Dialogue.connect({ host, port: gateway.port, tls: 'off', certificate: '' })
    await client.dialogue('< 220', '> USER test', '< 331', '> PASS secret', '< 230')
    return client
  }

  test('over IPv6: EPSV 2 and EPRT |2|, no EPSV 1, and 425 to PASV, which leaves what EPSV has opened', async () => {
    const client = await logIn('::1', '::1')
    await client.dialogue(
      '> EPSV 1',
      '< 522 Network protocol not supported, use (2)',
      '> EPSV 2',
      '< 229 ',
      '> PASV',
      '< 425',
    )
    expect(gateway.ports.inUse).toBe(1)
    await client.dialogue('> EPRT |1|127.0.0.1|5000|', '< 500', '> EPRT |3|::1|5000|', '< 522')
    await client.dialogue('> EPRT |2|::2|5000|', '< 500', '> EPRT |2|0:0::1|5000|', '< 200', '> QUIT', '< 221')
  })

  test('over IPv4 at a listener of both: EPSV 1 and PASV, no EPSV 2', async () => {
    const client = await logIn('::', '127.0.0.1')
    await client.dialogue('> EPSV 2', '< 522 Network protocol not supported, use (1)', '> EPSV 1', '< 229 ')
    await client.dialogue('> PASV', '< 227 Entering Passive Mode (127,0,0,1,', '> EPRT |1|127.0.0.1|5000|', '< 200')
    await client.dialogue(
      '> EPRT |2|::ffff:127.0.0.1|5000|',
      '< 200',
      '> EPRT |2|::1|5000|',
      '< 500',
      '> QUIT',
      '< 221',
    )
  })

  test('after EPSV ALL only EPSV, also when a transfer has failed', async () => {
    const client = await logIn('::1', '::1')
    await client.dialogue('> EPSV ALL', '< 200', '> EPRT |2|::1|5000|', '< 500', '> PASV', '< 500', '> EPSV', '< 229')
    await client.dialogue(
      '> RETR missing',
      '< 550',
      '> EPRT |2|::1|5000|',
      '< 500',
      '> EPSV',
      '< 229',
      '> QUIT',
      '< 221',
    )
  })
})
