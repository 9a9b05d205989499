import { afterEach, expect, test } from 'vitest'
import type { PartnerConfig, PartnerLimits } from '../../src/config/config.ts'
import { noLimits } from '../../src/config/limits.ts'
import { createLogIn } from '../../src/partners/log-in.ts'
import { hashPassword } from '../../src/partners/password-hash.ts'
import type { Dialogue } from '../support/dialogue.ts'
import { MemoryBackend } from '../support/memory-backend.ts'
import { type MemoryGateway, startMemoryGateway } from '../support/memory-gateway.ts'

let gateway: MemoryGateway
afterEach(() => gateway.stop())

const passwordHash = await hashPassword('right')
const proof = { kind: 'privateKey', privateKey: 'key', passphrase: undefined } as const

async function start(limits: Partial<PartnerLimits>, more: Partial<PartnerConfig> = {}): Promise<MemoryBackend> {
  const auth = { mode: 'local', passwordHash, username: 'inside', proof } as const
  const shared = { certificates: [], auth, backend: 'main', root: undefined, dialect: {} }
  const backend = new MemoryBackend()
  const logins = createLogIn({
    partners: [{ ...shared, name: 'acme', users: ['acme', 'acme2'], limits: { ...noLimits, ...limits }, ...more }],
    backends: new Map([['main', backend]]),
    defaultBackend: 'main',
    defaultLimits: { ...noLimits, sessions: 1 },
    backendCharset: 'utf-8',
    parseKey: () => ({ type: 'none' }),
  })
  gateway = await startMemoryGateway({ logins, tls: 'explicit', requireTls: false })
  return backend
}

async function logIn(user: string, reply = '< 230', password = 'right'): Promise<Dialogue> {
  const client = await gateway.connect()
  await client.dialogue('< 220', `> USER ${user}`, '< 331', `> PASS ${password}`, reply)
  return client
}

const outcomes = () => gateway.events.flatMap((event) => (event.kind === 'login' ? [event.outcome] : []))

test('a session too many is answered 421 and counted as a limit, until one of the others is over', async () => {
  await start({ sessions: 1 })
  const first = await logIn('acme')
  const second = await logIn('acme2', '< 421 Too many sessions or logins')
  await second.closed()
  await first.dialogue('> QUIT', '< 221')
  await first.closed()
  await logIn('acme2')
  expect(outcomes()).toEqual(['ok', 'limit', 'ok'])
})

test('a wrong password is a wrong password where the limit is reached, and uses up nothing', async () => {
  await start({ loginsPerMinute: 1 })
  await logIn('acme', '< 530', 'wrong')
  await logIn('acme')
  await logIn('acme', '< 530', 'wrong')
  await logIn('acme', '< 421')
  expect(outcomes()).toEqual(['bad_password', 'ok', 'bad_password', 'limit'])
})

test('REIN makes room for another login', async () => {
  await start({ sessions: 1 })
  const client = await logIn('acme')
  await client.dialogue('> REIN', '< 220', '> USER acme', '< 331', '> PASS right', '< 230')
})

test('users of no partner have the limits of the defaults, each of them for itself', async () => {
  await start({})
  await logIn('joe', '< 230', 'secret')
  await logIn('jim', '< 230', 'secret')
  await logIn('joe', '< 421', 'secret')
})

test('a partner has an idle time of its own', async () => {
  await start({ idleMs: 45_000 })
  const client = await logIn('acme')
  await client.dialogue('> SITE IDLE', '< 200 The idle limit is 45 seconds.')
})

test('a login whose backend cannot be entered leaves its place to others', async () => {
  const backend = await start({ sessions: 1 })
  const { open } = backend
  backend.open = async () => {
    throw new Error('not now')
  }
  await logIn('acme', '< 421')
  backend.open = open.bind(backend)
  await logIn('acme')
})

test('files come and go at the pace of the partner, whole', async () => {
  await start({ bandwidth: { up: 1024 ** 2, down: 1024 ** 2 } })
  const client = await gateway.connect()
  await client.dialogue('< 220')
  await client.secure()
  await client.dialogue('> USER acme', '< 331', '> PASS right', '< 230', '> PBSZ 0', '< 200', '> PROT P', '< 200')
  const content = Buffer.alloc(700_000, 'paced')
  const startedAt = performance.now()
  await client.dialogue('> TYPE I', '< 200')
  expect(await client.transfer('STOR file', content)).toMatchObject({ code: 226 })
  const { content: data } = await client.transfer('RETR file')
  expect(data.equals(content)).toBe(true)
  // Two times 700 000 bytes less the last piece (256 KiB, 64 KiB for uploads) and 200 ms worth of burst: never faster.
  expect(performance.now() - startedAt).toBeGreaterThan(400)
})
