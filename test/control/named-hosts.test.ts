import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Certificate, loadCertificate } from '../../src/tls/certificates.ts'
import { makeAuthority } from '../support/certificate-authority.ts'
import type { Dialogue, Named } from '../support/dialogue.ts'
import { type MemoryGateway, startMemoryGateway } from '../support/memory-gateway.ts'

let folder: string
let authority: string
let certificates: readonly Certificate[]
const gateways = new Map<'explicit' | 'implicit', MemoryGateway>()
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'named-hosts-'))
  const { ca, issue } = await makeAuthority(folder)
  authority = ca
  const issued = [
    await issue('first', { names: ['ftp.first.example'] }),
    await issue('second', { names: ['*.second.example'] }),
  ]
  certificates = await Promise.all(issued.map(({ cert, key }) => loadCertificate(cert, key)))
  for (const tls of ['explicit', 'implicit'] as const)
    gateways.set(tls, await startMemoryGateway({ tls, certificates }))
})
afterAll(async () => {
  for (const gateway of gateways.values()) await gateway.stop()
  rmSync(folder, { recursive: true })
})

let clients: Dialogue[] = []
afterEach(() => {
  for (const client of clients) client.close()
  clients = []
})

async function connect(tls: 'explicit' | 'implicit', named: Named, version: '1.2' | '1.3' = '1.3'): Promise<Dialogue> {
  const gateway = gateways.get(tls)
  if (!gateway) throw new Error('no gateway')
  const client = await gateway.connect({ certificate: authority, named, version })
  clients.push(client)
  await client.dialogue('< 220')
  return client
}

const toLogIn = ['> USER test', '< 331', '> PASS secret', '< 230', '> PBSZ 0', '< 200', '> PROT P', '< 200']

describe.each(['1.2', '1.3'] as const)('On TLS %s', (version) => {
  test.each([
    ['ftp.first.example', 'ftp.first.example', 'ftp.first.example'],
    ['ftp.second.example', 'ftp.second.example', 'ftp.second.example'],
    ['EDI.Second.Example', 'EDI.Second.Example', 'edi.second.example'],
    [undefined, undefined, 'ftp.first.example'],
    ['ftp.second.example', undefined, 'ftp.second.example'],
    // lftp names the host on data connections only.
    [undefined, 'ftp.second.example', 'ftp.first.example'],
    ['ftp.second.example', 'ftp.first.example', 'ftp.second.example'],
    ['unknown.example', 'unknown.example', 'ftp.first.example'],
  ])(
    'a client that asks for %s, and %s for its data, is shown the certificate of %s on both',
    async (control, data, trusts) => {
      for (const tls of ['explicit', 'implicit'] as const) {
        const named = { trusts, ...(control && { control }), ...(data && { data }) }
        const client = await connect(tls, named, version)
        if (tls === 'explicit') await client.secure()
        await client.dialogue(...toLogIn)
        for (const resume of [true, false]) {
          client.data.resume = resume
          expect(await client.transfer('STOR a', Buffer.from('abc'))).toMatchObject({ code: 226 })
          expect(await client.transfer('RETR a')).toMatchObject({ code: 226, content: Buffer.from('abc') })
        }
        const seen =
          gateways
            .get(tls)
            ?.events.filter((event) => event.kind === 'tls')
            .slice(-5) ?? []
        // OpenSSL 3.5 continues no session under another name.
        if (control === data) {
          expect(seen.map((event) => event.kind === 'tls' && event.reused)).toEqual([false, true, true, false, false])
        }
        expect(seen[0]).toMatchObject({ outcome: 'ok', serverName: control?.toLowerCase() })
      }
    },
  )
})

describe('HOST (RFC 7151)', () => {
  test('chooses the certificate for a client that says no name in TLS', async () => {
    const client = await connect('explicit', { trusts: 'ftp.second.example' })
    await client.dialogue('> HOST ftp.first.example', '< 220', '> HOST FTP.Second.Example', '< 220')
    await client.secure()
    await client.dialogue('> HOST ftp.second.example', '< 220', ...toLogIn)
    expect(await client.transfer('STOR b', Buffer.from('abc'))).toMatchObject({ code: 226 })
  })

  test('chooses less than the name in TLS does', async () => {
    const client = await connect('explicit', { control: 'ftp.first.example', trusts: 'ftp.first.example' })
    await client.dialogue('> HOST ftp.second.example', '< 220')
    await client.secure()
    await client.dialogue('> HOST ftp.second.example', '< 504', '> HOST ftp.first.example', '< 220', ...toLogIn)
  })

  test('names nobody but those whose certificate the client has seen', async () => {
    const client = await connect('implicit', { trusts: 'ftp.first.example' })
    await client.dialogue('> HOST ftp.second.example', '< 504', '> HOST ftp.first.example', '< 220')
  })

  test('answers by its code to strangers, addresses and nonsense, before the login only', async () => {
    const client = await connect('explicit', { trusts: 'ftp.first.example' })
    await client.dialogue(
      ...['> FEAT', '< 211 HOST'],
      ...['> HOST unknown.example', '< 504', '> HOST second.example', '< 504', '> HOST a.b.second.example', '< 504'],
      ...['> HOST 127.0.0.1', '< 220', '> HOST 192.0.2.1', '< 504', '> HOST [::1]', '< 504'],
      ...['> HOST [::ffff:127.0.0.1]', '< 220', '> HOST [127.0.0.1]', '< 501'],
      ...[
        '> HOST',
        '< 501',
        '> HOST ftp.first.example:21',
        '< 501',
        '> HOST a b',
        '< 501',
        '> HOST *.second.example',
        '< 501',
      ],
      ...['> HOST .second.example', '< 501', '> HOST ../x', '< 501'],
    )
    await client.secure()
    await client.dialogue(...toLogIn, '> HOST ftp.first.example', '< 503')
  })
})
