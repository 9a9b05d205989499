import { X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { PartnerConfig } from '../../src/config/config.ts'
import { Secret } from '../../src/ftp/secret.ts'
import { createLogIn } from '../../src/partners/log-in.ts'
import { hashPassword } from '../../src/partners/password-hash.ts'
import { loadClientAuthorities } from '../../src/tls/client-certificates.ts'
import { type CertificateAuthority, type Issued, makeAuthority, pemOf } from '../support/certificate-authority.ts'
import type { Dialogue, Identity } from '../support/dialogue.ts'
import { failure, MemoryBackend } from '../support/memory-backend.ts'
import { type MemoryGateway, startMemoryGateway } from '../support/memory-gateway.ts'

let folder: string
let authority: CertificateAuthority
let crl: string
const issued = new Map<string, Issued>()
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'client-certificates-'))
  authority = await makeAuthority(join(folder, 'ours'))
  const foreign = await makeAuthority(join(folder, 'theirs'), 'Foreign CA')
  for (const name of ['acme', 'other', 'revoked']) issued.set(name, await authority.issue(name))
  issued.set('expired', await authority.issue('acme', { days: -1 }))
  issued.set('foreign', await foreign.issue('acme'))
  const revoked = issued.get('revoked')
  crl = await authority.revoke(...(revoked ? [revoked] : []))
})
afterAll(() => rmSync(folder, { recursive: true }))

let gateway: MemoryGateway
let backend: MemoryBackend
let clients: Dialogue[] = []
afterEach(async () => {
  for (const client of clients) client.close()
  clients = []
  await gateway.stop()
})

function identity(name: string): Identity {
  const files = issued.get(name)
  if (files === undefined) throw new Error(`no certificate ${name}`)
  return pemOf(files)
}

const shared = { backend: 'main', root: undefined, dialect: {} }
const held = { username: 'inside', proof: { kind: 'password', password: new Secret('secret') } } as const

async function partners(): Promise<PartnerConfig[]> {
  const fingerprint = new X509Certificate(identity('other').cert).fingerprint256
  const passwordHash = await hashPassword('right')
  return [
    { ...shared, name: 'acme', users: ['acme'], certificates: ['CN=acme'], auth: { mode: 'certificate', ...held } },
    {
      ...shared,
      name: 'other',
      users: ['other'],
      certificates: [`SHA256:${fingerprint}`],
      auth: { mode: 'certificate', ...held },
    },
    {
      ...shared,
      name: 'both',
      users: ['both'],
      certificates: ['CN=acme'],
      auth: { mode: 'local', passwordHash, ...held },
    },
    {
      ...shared,
      name: 'through',
      users: ['through'],
      certificates: ['CN=acme'],
      auth: { mode: 'passthrough', username: undefined },
    },
  ]
}

async function start(mode: 'request' | 'require'): Promise<void> {
  backend = new MemoryBackend()
  const logins = createLogIn({
    partners: await partners(),
    backends: new Map([['main', backend]]),
    defaultBackend: 'main',
    backendCharset: 'utf-8',
    parseKey: () => ({ type: 'none' }),
  })
  gateway = await startMemoryGateway({
    tls: 'explicit',
    logins,
    clients: await loadClientAuthorities(mode, authority.ca, crl),
  })
}

async function connect(name?: string, version: '1.2' | '1.3' = '1.3'): Promise<Dialogue> {
  const client = await gateway.connect({ version, ...(name !== undefined && { identity: identity(name) }) })
  clients.push(client)
  await client.dialogue('< 220')
  await client.secure()
  return client
}

const warnings = () => gateway.events.flatMap((event) => (event.kind === 'warning' ? [event.message] : []))
const refusals = () =>
  gateway.events.flatMap((event) => (event.kind === 'tls' && event.outcome === 'failed' ? [event.reason] : []))

describe.each(['1.2', '1.3'] as const)('TLS %s', (version) => {
  test('a certificate of the partner logs in at USER, and a PASS behind it is answered 202', async () => {
    await start('request')
    const client = await connect('acme', version)
    await client.dialogue('> USER acme', '< 232', '> PASS anything', '< 202', '> PWD', '< 257 "/"')
    const named = gateway.events.find((event) => event.kind === 'tls')
    expect(named).toMatchObject({
      outcome: 'ok',
      certificate: expect.stringMatching(/^CN=acme, SHA256:[0-9A-F:]{95}$/),
    })
  })

  test('T20: data connections resume the session, or show the same certificate; others are answered 522', async () => {
    await start('request')
    const client = await connect('acme', version)
    await client.dialogue('> USER acme', '< 232', '> PBSZ 0', '< 200', '> PROT P', '< 200')
    client.data.identity = undefined
    const content = Buffer.from('content')
    expect((await client.transfer('STOR a', content)).code).toBe(226)
    expect((await client.transfer('LIST')).code).toBe(226)
    client.data.resume = false
    expect((await client.transfer('RETR a')).code).toBe(522)
    expect((await client.transfer('STOR b', content)).code).toBe(522)
    client.data.identity = identity('other')
    expect((await client.transfer('RETR a')).code).toBe(522)
    client.data.identity = identity('foreign')
    expect((await client.transfer('RETR a')).code).toBe(522)
    client.data.identity = identity('acme')
    expect((await client.transfer('RETR a')).content.toString()).toBe('content')
    expect((await client.transfer('STOR b', content)).code).toBe(226)
    expect(refusals()).toHaveLength(4)
    expect(refusals().at(-1)).toContain('its authority is not in clientCa')
  })

  test('T20: where clients are asked, those without a certificate resume as ever', async () => {
    await start('request')
    const client = await connect(undefined, version)
    await client.dialogue('> USER joe', '< 331', '> PASS secret', '< 230', '> PBSZ 0', '< 200', '> PROT P', '< 200')
    for (const resume of [true, false]) {
      client.data.resume = resume
      expect((await client.transfer('STOR a', Buffer.from('a'))).code).toBe(226)
      expect((await client.transfer('RETR a')).code).toBe(226)
    }
    const reused = gateway.events.flatMap((event) =>
      event.kind === 'tls' && event.channel === 'data' ? [event.reused] : [],
    )
    expect(reused).toEqual([true, true, false, false])
  })

  test.each([
    ['no', undefined, /peer did not return a certificate/i],
    ['an expired', 'expired', /CN=acme, SHA256:.* is refused: it has expired/],
    ['a foreign', 'foreign', /is refused: its authority is not in clientCa/],
    ['a revoked', 'revoked', /CN=revoked, .* is refused: it is revoked/],
  ])('where it is required, %s certificate ends the connection, and the log says why', async (_what, name, reason) => {
    await start('require')
    const client = await connect(name, version).catch(() => undefined)
    await client?.closed()
    await expect.poll(refusals).toEqual([expect.stringMatching(reason)])
    if (client) expect(client.transcript).not.toContain('< 232 Logged in by certificate.')
  })
})

test('where it is required, a valid certificate of nobody logs in with a password', async () => {
  await start('require')
  const client = await connect('other')
  await client.dialogue('> USER joe', '< 331', '> PASS secret', '< 230')
})

test.each([
  [undefined, []],
  ['other', []],
  ['expired', [expect.stringContaining('it has expired')]],
  ['foreign', [expect.stringContaining('its authority is not in clientCa')]],
  ['revoked', [expect.stringContaining('it is revoked')]],
])('with certificate %s the dialogue of acme is that of a wrong password', async (name, told) => {
  await start('request')
  const client = await connect(name)
  const startedAt = performance.now()
  await client.dialogue('> USER acme', '< 331', '> PASS secret', '< 530 Login incorrect.')
  expect(performance.now() - startedAt).toBeGreaterThan(900)
  expect(warnings()).toEqual(told)
  const login = gateway.events.find((event) => event.kind === 'login')
  expect(login).toMatchObject({ partner: 'acme', outcome: 'bad_password', reason: 'no certificate of partner acme' })
})

test('a certificate by its fingerprint lets in its own partner, and no other one', async () => {
  await start('request')
  await (await connect('other')).dialogue('> USER other', '< 232')
  await (await connect('acme')).dialogue('> USER other', '< 331', '> PASS secret', '< 530')
})

test.each([
  ['both', 'right'],
  ['through', 'secret'],
])('with a password as well, %s needs the two of them', async (user, password) => {
  await start('request')
  await (await connect('acme')).dialogue(`> USER ${user}`, '< 331', `> PASS ${password}`, '< 230')
  await (await connect('acme')).dialogue(`> USER ${user}`, '< 331', '> PASS wrong', '< 530')
  await (await connect('other')).dialogue(`> USER ${user}`, '< 331', `> PASS ${password}`, '< 530')
  await (await connect()).dialogue(`> USER ${user}`, '< 331', `> PASS ${password}`, '< 530')
})

test('a backend that is away is told at USER', async () => {
  await start('request')
  const client = await connect('acme')
  backend.before = () => {
    throw failure('unavailable')
  }
  await client.dialogue('> USER acme', '< 421')
  await client.closed()
})
