import { expect, test } from 'vitest'
import {
  type Backend,
  BackendError,
  type Credentials,
  type FileSystem,
  type Preparation,
} from '../../src/backend/backend.ts'
import type { PartnerAuth, PartnerConfig } from '../../src/config/config.ts'
import { fromText } from '../../src/ftp/bytes.ts'
import { Secret } from '../../src/ftp/secret.ts'
import { createLogIn } from '../../src/partners/log-in.ts'
import { hashPassword } from '../../src/partners/password-hash.ts'
import { MemoryBackend } from '../support/memory-backend.ts'

/** A backend that writes down who comes in how, and refuses whom a test wants. */
class Door implements Backend {
  readonly name: string
  readonly up = true
  readonly seen: string[] = []
  readonly credentials: Credentials[] = []
  readonly taken: (Preparation | undefined)[] = []
  prepared = 0
  cancelled = 0
  readonly files = new MemoryBackend()
  refuse: (credentials: Credentials) => BackendError | undefined = () => undefined
  constructor(name: string) {
    this.name = name
  }
  async open(credentials: Credentials, preparation?: Preparation): Promise<FileSystem> {
    this.taken.push(preparation)
    this.credentials.push(credentials)
    const proof = proofOf(credentials)
    this.seen.push(`${credentials.username} ${credentials.kind} ${proof}`)
    const refusal = this.refuse(credentials)
    if (refusal !== undefined) throw refusal
    return this.files.open({ kind: 'privateKey', username: 'x', privateKey: { type: 'x' } })
  }
  prepare() {
    this.prepared++
    return { cancel: () => void this.cancelled++ }
  }
  async probe(): Promise<void> {}
  async close(): Promise<void> {}
}

function proofOf(credentials: Credentials): string {
  if (credentials.kind === 'password') return credentials.password.reveal()
  return credentials.kind === 'agent' ? credentials.socket : credentials.privateKey.type
}

const hash = await hashPassword('right ü')

function partner(name: string, auth: PartnerAuth, root?: string, certificates: string[] = []): PartnerConfig {
  return { name, users: [name, `${name}_test`], certificates, auth, backend: 'main', root, dialect: {} }
}

const local: PartnerAuth = {
  mode: 'local',
  passwordHash: hash,
  username: 'acme-in',
  proof: { kind: 'privateKey', privateKey: 'key of acme', passphrase: 'open sesame' },
}

const place = { address: '127.0.0.1', listener: 'explicit' }
const nothing = { ...place, certificate: undefined, preparation: undefined }

function setUp(partners: readonly PartnerConfig[] = []) {
  const [main, other] = [new Door('main'), new Door('other')]
  const { logIn, ...desk } = createLogIn({
    partners,
    backends: new Map([main, other].map((door) => [door.name, door])),
    defaultBackend: 'other',
    backendCharset: 'utf-8',
    parseKey: (text, passphrase) => ({ type: `${text}, ${passphrase}` }),
  })
  const attempt = (username: string, password: string) =>
    logIn({ username, password: new Secret(password), ...nothing })
  const prepare = (username: string) => desk.prepare({ username, ...place })
  return { main, other, attempt, logIn, prepare, routeOf: (username: string) => desk.routeOf({ username, ...place }) }
}

const refusal = () => new BackendError('loginRefused', 'no')

test('a user of no partner is passed through to the default backend', async () => {
  const { main, other, attempt } = setUp()
  expect(await attempt('joe', 'his own')).toMatchObject({ partner: 'default', backend: 'other' })
  expect(other.seen).toEqual(['joe password his own'])
  expect(main.seen).toEqual([])
})

test('a partner may have another user name on the backend', async () => {
  const { main, attempt } = setUp([partner('acme', { mode: 'passthrough', username: 'acme-in' })])
  expect(await attempt('acme_test', 'secret')).toMatchObject({ partner: 'acme', backend: 'main' })
  expect(main.seen).toEqual(['acme-in password secret'])
})

test('a refusal of the backend is a refused login', async () => {
  const { other, attempt } = setUp()
  other.refuse = refusal
  await expect(attempt('joe', 'wrong')).rejects.toMatchObject({ kind: 'loginRefused' })
})

test('names and passwords in UTF-8 and Latin-1 both reach the backend as the text they mean', async () => {
  const { other, attempt } = setUp()
  await attempt(fromText('Jürgen'), fromText('süß'))
  await attempt('J\xfcrgen', 's\xfc\xdf')
  expect(other.seen).toEqual(['Jürgen password süß', 'Jürgen password süß'])
})

test.each(['', 'a\0b', 'a\rb', 'a\x1bb', '\x7f'])('the user name %j never reaches a backend', async (username) => {
  const { other, attempt } = setUp()
  await expect(attempt(username, 'x')).rejects.toMatchObject({ kind: 'loginRefused' })
  expect(other.seen).toEqual([])
})

test('guesses stop at the gateway after two, under whatever name the client gives for one account', async () => {
  const { main, attempt } = setUp([partner('acme', { mode: 'passthrough', username: 'acme-in' })])
  main.refuse = refusal
  for (const name of ['acme', 'acme_test', 'acme', 'acme_test']) {
    await expect(attempt(name, 'guess')).rejects.toMatchObject({ kind: 'loginRefused' })
  }
  expect(main.seen).toHaveLength(2)
})

test('with a local password the backend is entered with the key', async () => {
  const { main, attempt } = setUp([partner('acme', local)])
  expect(await attempt('acme', fromText('right ü'))).toMatchObject({ partner: 'acme', backend: 'main' })
  expect(main.seen).toEqual(['acme-in privateKey key of acme, open sesame'])
})

test('a wrong local password is refused without asking the backend', async () => {
  const { main, attempt } = setUp([partner('acme', local)])
  await expect(attempt('acme', 'wrong')).rejects.toMatchObject({ kind: 'loginRefused' })
  await expect(attempt('acme', '')).rejects.toMatchObject({ kind: 'loginRefused' })
  expect(main.seen).toEqual([])
})

test('a backend that refuses the key of the gateway is unavailable: the client is not to blame', async () => {
  const { main, attempt } = setUp([partner('acme', local)])
  main.refuse = refusal
  await expect(attempt('acme', fromText('right ü'))).rejects.toMatchObject({
    kind: 'unavailable',
    message: 'backend main refuses the key of partner acme for user acme-in',
  })
})

test('failed logins have a route as well', () => {
  const { routeOf } = setUp([partner('acme', local)])
  expect(routeOf('acme')).toEqual({ partner: 'acme', backend: 'main' })
  expect(routeOf('joe')).toEqual({ partner: 'default', backend: 'other' })
})

test('a partner with a root sees that folder as /', async () => {
  const { main, attempt } = setUp([partner('acme', { mode: 'passthrough', username: undefined }, '/data/Müller')])
  const whole = await main.files.open({ kind: 'privateKey', username: 'x', privateKey: { type: 'x' } })
  for (const path of ['/data', fromText('/data/Müller'), fromText('/data/Müller/in')]) await whole.makeDirectory(path)
  const { files } = await attempt('acme', 'x')
  expect(await files.stat('/in')).toMatchObject({ name: 'in', type: 'directory' })
})

test('keys that cannot be parsed stop the start, with the names of all their partners and without the keys', () => {
  const make = () =>
    createLogIn({
      partners: [partner('acme', local), partner('beta', local)],
      backends: new Map(),
      defaultBackend: 'main',
      backendCharset: 'utf-8',
      parseKey: () => {
        throw new Error('not a usable private key')
      },
    })
  expect(make).toThrow(
    'partner acme: auth.sftp.privateKey: not a usable private key\npartner beta: auth.sftp.privateKey: not a usable private key',
  )
})

test('a key that several partners have is parsed once, and each has credentials of its own', async () => {
  const main = new Door('main')
  let parsed = 0
  const { logIn } = createLogIn({
    partners: [partner('acme', local), partner('beta', local)],
    backends: new Map([['main', main]]),
    defaultBackend: 'main',
    backendCharset: 'utf-8',
    parseKey: () => ({ type: `key ${++parsed}` }),
  })
  for (const username of ['acme', 'beta'])
    await logIn({ ...nothing, username, password: new Secret(fromText('right ü')) })
  expect(parsed).toBe(1)
  expect(main.credentials[0]).not.toBe(main.credentials[1])
})

test('USER begins the backend’s part of a login that is passed through, and PASS takes it over', async () => {
  const { other, logIn, prepare } = setUp([partner('acme', local)])
  const preparation = prepare('joe')
  expect([other.prepared, preparation]).toEqual([1, expect.anything()])
  await logIn({ ...nothing, username: 'joe', password: new Secret('x'), preparation })
  expect(other.taken).toEqual([preparation])
})

test('nothing is begun for a partner whose password the gateway checks, or for a name that is none', () => {
  const { main, other, prepare } = setUp([partner('acme', local)])
  for (const name of ['acme', 'acme_test', '', 'a\0b']) expect(prepare(name)).toBeUndefined()
  expect([main.prepared, other.prepared]).toEqual([0, 0])
})

test('a partner may be entered with a password of the gateway’s, and always with the same credentials', async () => {
  const proof = { kind: 'password', password: new Secret('its own') } as const
  const { main, attempt } = setUp([partner('acme', { ...local, proof })])
  await attempt('acme', fromText('right ü'))
  await attempt('acme_test', fromText('right ü'))
  expect(main.seen).toEqual(['acme-in password its own', 'acme-in password its own'])
  const [first, second] = main.credentials
  expect(first).toMatchObject({ held: true })
  expect(second).toBe(first)
})

test('a user from elsewhere is refused with the right password, and no backend hears of it', async () => {
  const elsewhere = { sources: ['192.0.2.0/24'] }
  const { main, attempt, prepare } = setUp([
    { ...partner('acme', local), ...elsewhere },
    { ...partner('beta', { mode: 'passthrough', username: undefined }), ...elsewhere },
    { ...partner('gamma', local), listeners: ['implicit'] },
  ])
  const reasons = { acme: 'from 127.0.0.1', beta: 'from 127.0.0.1', gamma: 'at listener explicit' }
  for (const [name, reason] of Object.entries(reasons)) {
    await expect(attempt(name, fromText('right ü'))).rejects.toMatchObject({
      kind: 'loginRefused',
      message: `users of partner ${name} may not log in ${reason}`,
    })
    expect(prepare(name)).toBeUndefined()
  }
  expect([main.seen, main.prepared]).toEqual([[], 0])
})

test('a partner without users enters the backend for every name from its network', async () => {
  const { main, attempt } = setUp([{ ...partner('acme', local), users: [], sources: ['127.0.0.0/8'] }])
  expect(await attempt('whoever', fromText('right ü'))).toMatchObject({ partner: 'acme', backend: 'main' })
  expect(main.seen).toEqual(['acme-in privateKey key of acme, open sesame'])
})

test('a partner may be entered with an agent, and always with the same credentials', async () => {
  const { main, attempt } = setUp([partner('acme', { ...local, proof: { kind: 'agent', socket: '/run/agent' } })])
  await attempt('acme', fromText('right ü'))
  await attempt('acme_test', fromText('right ü'))
  expect(main.seen).toEqual(['acme-in agent /run/agent', 'acme-in agent /run/agent'])
  expect(main.credentials[1]).toBe(main.credentials[0])
})

test.each([
  ['besides the password', { mode: 'passthrough', username: undefined } as const, true],
  ['besides a learned password', { ...local, mode: 'learn' } as const, true],
  ['in place of the password, which is nothing to an old server', { ...local, mode: 'certificate' } as const, false],
])('a certificate that is wanted %s in the phase legacy', async (_, auth, wanted) => {
  const asked: string[] = []
  const old = {
    name: 'old',
    async logIn(user: string): Promise<never> {
      asked.push(user)
      throw new BackendError('loginRefused', 'no')
    },
  }
  const { logIn } = createLogIn({
    partners: [{ ...partner('acme', auth, undefined, ['CN=acme']), legacy: 'old' }],
    backends: new Map(),
    defaultBackend: 'main',
    backendCharset: 'utf-8',
    parseKey: (text) => ({ type: text }),
    relaying: { oldServers: new Map([['old', old]]), usual: 'old' },
    gate: {
      phaseOf: () => 'legacy',
      greeting: () => [],
      standings: async () => [],
      admit: async () => Promise.reject(refusal()),
    },
  })
  const attempt = (certificate: { fingerprint: string; commonName: string } | undefined) =>
    logIn({ username: 'acme', password: new Secret('right'), ...nothing, certificate })
  await expect(attempt(undefined)).rejects.toMatchObject({ kind: 'loginRefused' })
  expect(asked).toEqual(wanted ? [] : ['acme'])
  await expect(attempt({ fingerprint: 'AA', commonName: 'acme' })).rejects.toMatchObject({ kind: 'loginRefused' })
  expect(asked).toHaveLength(wanted ? 1 : 2)
})
