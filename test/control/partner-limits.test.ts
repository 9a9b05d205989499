import { afterEach, describe, expect, test } from 'vitest'
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

describe('a partner that is read-only', () => {
  const writing = [
    'STOR a',
    'STOU',
    'APPE a',
    'DELE file',
    'MKD a',
    'XMKD a',
    'RMD folder',
    'RNFR file',
    'RNTO a',
    'MFMT 20200101000000 file',
    'MFF Modify=20200101000000; file',
    'CPFR file',
    'COMB "a" "file"',
    'SITE CHMOD 777 file',
    'SITE SYMLINK file a',
    'SITE MKDIR a',
    'SITE COPY file a',
    'MDTM 20200101000000+0 file',
  ]
  test('is answered 550 to all that would change something, and nothing changes', async () => {
    const backend = await start({ readOnly: true })
    backend.tree.addFile('/file', 'content')
    const asked: string[] = []
    backend.before = (operation) => void asked.push(operation)
    const client = await logIn('acme')
    for (const line of writing) await client.dialogue('> EPSV', '< 229', `> ${line}`, '< 550')
    expect(asked.filter((operation) => !['open', 'stat', 'lstat'].includes(operation))).toEqual([])
  })

  test('has downloads, and a FEAT, a HELP and a perm that say what is left', async () => {
    const backend = await start({ readOnly: true })
    backend.tree.addFile('/file', 'content')
    const client = await logIn('acme')
    const [feat, help, mlst] = await client.dialogue('> FEAT', '< 211', '> HELP', '< 214', '> MLST /file', '< 250')
    expect(feat?.lines.join()).toMatch(/SIZE/)
    expect(feat?.lines.join()).not.toMatch(/MFMT|MFF|CHMOD/)
    expect(help?.lines.join()).toMatch(/RETR .*STOR\*/s)
    expect(mlst?.lines.join()).toMatch(/perm=r;/)
    await client.dialogue('> SIZE /file', '< 213 7', '> NOOP', '< 200')
  })
})

test('what is denied is refused in every spelling, 502 where FEAT would have shown it', async () => {
  const backend = await start({ commands: { allow: [], deny: ['MKD', 'MFMT', 'SITE CHMOD', 'MLSD', 'DELE', 'RMD'] } })
  backend.tree.addFile('/file', 'content')
  const client = await logIn('acme')
  for (const line of ['MKD a', 'XMKD a', 'SITE MKDIR a', 'DELE file', 'MFF Modify=20200101000000; file']) {
    await client.dialogue(`> ${line}`, /MFF|SITE/.test(line) ? '< 502' : '< 550')
  }
  await client.dialogue('> MDTM 20200101000000+0 file', '< 550', '> EPSV', '< 229', '> MLSD', '< 502')
  await client.dialogue('> MFMT 20200101000000 file', '< 502 MFMT is not allowed', '> SITE CHMOD 600 file', '< 502')
  const [feat, mlst] = await client.dialogue('> FEAT', '< 211', '> MLST /file', '< 250')
  expect(feat?.lines.join()).toMatch(/SITE CHOWN;/)
  expect(mlst?.lines.join()).toMatch(/perm=afrw;/)
})

test('where only some commands are allowed, login and session go on and the rest is refused', async () => {
  await start({ commands: { allow: ['STOR'], deny: [] } })
  const client = await logIn('acme')
  await client.dialogue('> PWD', '< 257', '> TYPE I', '< 200', '> CWD /', '< 250', '> NOOP', '< 200', '> STAT', '< 211')
  for (const line of ['DELE file', 'MLST /', 'SITE CHMOD 600 x', 'STAT /', 'RNFR a', 'SIZE a', 'RETR file', 'LIST']) {
    const [reply] = await client.dialogue('> EPSV', '< 229').then(async () => {
      await client.send(line)
      return [await client.reply()]
    })
    expect([502, 550]).toContain(reply?.code)
    expect(reply?.lines.join()).toMatch(/not allowed for this login/)
  }
  await client.dialogue('> EPSV', '< 229', '> STOR file', '< 150')
})

test('rights end with the login that they are of', async () => {
  const backend = await start({ readOnly: true })
  const client = await logIn('acme')
  await client.dialogue('> MKD a', '< 550', '> REIN', '< 220', '> USER joe', '< 331', '> PASS secret', '< 230')
  await client.dialogue('> MKD a', '< 257')
  expect(backend.tree.peek('/a')).toBeDefined()
})
