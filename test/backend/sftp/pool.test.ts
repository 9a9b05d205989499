import { randomBytes } from 'node:crypto'
import { chownSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { afterEach, expect, test, vi } from 'vitest'
import type { FileSystem } from '../../../src/backend/backend.ts'
import type { SftpBackend, SftpBackendOptions } from '../../../src/backend/sftp/sftp-backend.ts'
import { backendFor, keyOf, passwordOf } from '../../support/backend-under-test.ts'
import { processTree, signal } from '../../support/processes.ts'
import { type Sshd, type SshdOptions, startSshd } from '../../support/sshd.ts'

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

const limits = { connections: 4, idleMs: 60_000, waiting: 10, waitMs: 5_000 }

async function setUp(server: SshdOptions = {}, options: Partial<SftpBackendOptions> = {}) {
  const sshd = await startSshd(server)
  closers.push(() => sshd.stop())
  const backend = backendFor(sshd, options)
  closers.push(() => backend.close())
  return { sshd, backend, key: keyOf(sshd) }
}

/** Waits until the server's log shows so many logins and SFTP channels; it comes through a pipe, and so a little late. */
async function seen(sshd: Sshd, expected: { readonly logins: number; readonly channels?: number }): Promise<void> {
  await vi.waitFor(() => {
    const log = sshd.log()
    const count = (pattern: RegExp) => log.match(pattern)?.length ?? 0
    const found = {
      logins: count(/Accepted (publickey|password)/g),
      channels: count(/Starting session: subsystem 'sftp'/g),
    }
    expect(found).toMatchObject(expected)
  }, 10_000)
}

async function open(backend: SftpBackend, credentials: ReturnType<typeof keyOf>, count: number): Promise<FileSystem[]> {
  return Promise.all(Array.from({ length: count }, () => backend.open(credentials)))
}

test('logins with the key that the gateway holds share one connection, each on a channel of its own', async () => {
  const { sshd, backend, key } = await setUp()
  const logins = await open(backend, key, 5)
  await Promise.all(logins.map((files, i) => files.makeDirectory(`${files.home}/${i}`)))
  expect(readdirSync(sshd.home).sort()).toEqual(['0', '1', '2', '3', '4'])
  await seen(sshd, { logins: 1, channels: 5 })
})

test('the next login finds a session ready, and the server hears nothing of it', async () => {
  const { sshd, backend, key } = await setUp()
  for (let i = 0; i < 3; i++) {
    const files = await backend.open(key)
    await files.stat(files.home)
    await files.close()
    await new Promise(setImmediate)
  }
  await seen(sshd, { logins: 1, channels: 1 })
})

test('logins with the client’s own password share nothing', async () => {
  const { sshd, backend } = await setUp()
  const password = passwordOf(sshd)
  await open(backend, password, 2)
  await seen(sshd, { logins: 2, channels: 2 })
})

test('logins with a password that the gateway holds share connections as those with a key do', async () => {
  const { sshd, backend } = await setUp()
  const password = passwordOf(sshd)
  if (password.kind !== 'password') throw new Error('a password was wanted')
  await open(backend, { ...password, held: true }, 2).catch(() => {})
  const held = { ...password, held: true } as const
  await open(backend, held, 3)
  await seen(sshd, { logins: 2 })
})

test('F34 the server allows few channels (MaxSessions): that is found out, and it gets further connections', async () => {
  const { sshd, backend, key } = await setUp({ maxSessions: 2 })
  const logins = await open(backend, key, 5)
  await Promise.all(logins.map((files) => files.stat(files.home)))
  await seen(sshd, { logins: 3, channels: 5 })
})

test('an operator who promises more channels than the server allows gets further connections all the same', async () => {
  const { sshd, backend, key } = await setUp({ maxSessions: 2 }, { capabilities: { channels: 20 } })
  const logins = await open(backend, key, 5)
  await Promise.all(logins.map((files) => files.stat(files.home)))
  await seen(sshd, { logins: 3, channels: 5 })
})

test('F34 every channel is taken: a login waits for one to come free, and not for ever', async () => {
  const pool = { connections: 1, idleMs: 60_000, waiting: 1, waitMs: 2_000 }
  const { backend, key } = await setUp({ maxSessions: 1 }, { pool })
  const first = await backend.open(key)
  const second = backend.open(key)
  await expect(backend.open(key)).rejects.toMatchObject({ kind: 'unavailable', message: /wait already/ })
  await first.close()
  const files = await second
  await files.stat(files.home)
  await expect(backend.open(key)).rejects.toMatchObject({ kind: 'unavailable', message: /came free/ })
})

test('when a connection is lost, every login that waits finds its place on the new one', async () => {
  const pool = { connections: 1, idleMs: 60_000, waiting: 3, waitMs: 10_000 }
  const { sshd, backend, key } = await setUp({ maxSessions: 3 }, { pool, capabilities: { channels: 3 } })
  await open(backend, key, 3)
  const waiting = Promise.all([backend.open(key), backend.open(key), backend.open(key)])
  await expect(backend.open(key)).rejects.toMatchObject({ message: /wait already/ })
  for (const pid of sessionsOf(sshd)) signal(pid, 'SIGKILL')
  await Promise.all((await waiting).map((files) => files.stat(files.home)))
  await seen(sshd, { logins: 2, channels: 6 })
})

test('a session that was left in the middle of a file is not given to the next login', async () => {
  const { sshd, backend, key } = await setUp()
  writeFileSync(join(sshd.home, 'file'), randomBytes(5_000_000))
  const first = await backend.open(key)
  const download = await first.read(`${first.home}/file`, 0)
  const reading = (async () => {
    for await (const _ of download.content) await first.close()
  })()
  await expect(reading).rejects.toMatchObject({ kind: 'unavailable' })
  const second = await backend.open(key)
  await second.stat(second.home)
  await seen(sshd, { logins: 1, channels: 2 })
})

test('a file system that was closed does not reach the session that another login has now', async () => {
  const { sshd, backend, key } = await setUp()
  const first = await backend.open(key)
  await first.close()
  await new Promise(setImmediate)
  const second = await backend.open(key)
  await expect(first.makeDirectory(`${first.home}/stray`)).rejects.toMatchObject({ kind: 'unavailable' })
  await second.makeDirectory(`${second.home}/wanted`)
  expect(readdirSync(sshd.home)).toEqual(['wanted'])
})

test('one session whose server process dies ends alone; the others go on, and new logins come in', async () => {
  // The connection takes nobody else after that; a login does not have to wait for the last who is on it.
  const pool = { ...limits, connections: 1 }
  const { sshd, backend, key } = await setUp({ subsystem: 'sftp-server' }, { pool })
  const logins = await open(backend, key, 3)
  const victim = sessionsOf(sshd).find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('sftp-server'))
  if (victim === undefined) throw new Error('no sftp-server found')
  signal(victim, 'SIGKILL')
  const results = await Promise.allSettled(logins.map((files) => lookUntilLost(files)))
  expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(1)
  const another = await backend.open(key)
  await another.stat(another.home)
  await seen(sshd, { logins: 2 })
})

test('a lost connection fails every session on it at once, and the next login makes a new one', async () => {
  const { sshd, backend, key } = await setUp()
  const logins = await open(backend, key, 3)
  for (const pid of sessionsOf(sshd)) signal(pid, 'SIGKILL')
  const results = await Promise.allSettled(logins.map((files) => lookUntilLost(files, 10_000)))
  for (const result of results) expect(result).toMatchObject({ status: 'rejected', reason: { kind: 'unavailable' } })
  const another = await backend.open(key)
  await another.stat(another.home)
  await seen(sshd, { logins: 2 })
})

test('a connection that nobody uses is closed after its time', async () => {
  const { sshd, backend, key } = await setUp({}, { pool: { ...limits, idleMs: 50 } })
  const files = await backend.open(key)
  expect(sessionsOf(sshd)).not.toEqual([])
  await files.close()
  await vi.waitFor(() => expect(sessionsOf(sshd)).toEqual([]), { timeout: 10_000 })
  const again = await backend.open(key)
  await again.stat(again.home)
})

test('a refused key is told to every login that waits for the connection', async () => {
  const { sshd, backend } = await setUp()
  const key = { ...keyOf(sshd), username: 'nobody-of-that-name' }
  const results = await Promise.allSettled([backend.open(key), backend.open(key)])
  for (const result of results) expect(result).toMatchObject({ status: 'rejected', reason: { kind: 'loginRefused' } })
})

test('a retired backend lets its warm connections go', async () => {
  const { sshd, backend, key } = await setUp()
  const [first, second] = await open(backend, key, 2)
  await first?.close()
  backend.retire()
  await second?.stat(second.home)
  await second?.close()
  await vi.waitFor(() => expect(sessionsOf(sshd)).toEqual([]), { timeout: 10_000 })
})

test.each(['key', 'password'])(
  'with stripe 3 a large file goes over three connections of a %s login, whole',
  async (how) => {
    const { sshd, backend } = await setUp({}, { stripe: 3 })
    const content = randomBytes(60_000_000)
    writeFileSync(join(sshd.home, 'large'), content)
    chownSync(join(sshd.home, 'large'), sshd.user.uid, sshd.user.gid)
    const files = await backend.open(how === 'key' ? keyOf(sshd) : passwordOf(sshd))
    const download = await files.read(`${files.home}/large`, 0)
    const chunks: Buffer[] = []
    for await (const chunk of download.content) {
      chunks.push(Buffer.from(chunk))
      // Time for the other connections to come.
      if (chunks.length === 8) await seen(sshd, { logins: 3 })
    }
    await download.close()
    expect(Buffer.concat(chunks).equals(content)).toBe(true)
    const upload = await files.write(`${files.home}/copy`, { kind: 'replace' })
    await pipeline([content], upload.sink)
    await upload.commit()
    expect(readFileSync(join(sshd.home, 'copy')).equals(content)).toBe(true)
    await seen(sshd, { logins: 3, channels: 3 })
    await files.close()
  },
)

test('a login that ends while its large file is being opened leaves no further connections behind', async () => {
  const pool = { ...limits, idleMs: 50 }
  const { sshd, backend, key } = await setUp({}, { stripe: 3, pool })
  writeFileSync(join(sshd.home, 'large'), Buffer.alloc(20_000_000))
  const files = await backend.open(key)
  const reading = files.read(`${files.home}/large`, 0)
  await files.close()
  await reading.then((download) => download.close()).catch(() => {})
  const another = await backend.open(key)
  await another.stat(another.home)
  await another.close()
  await vi.waitFor(() => expect(sessionsOf(sshd)).toEqual([]), 10_000)
})

test('what is written in place goes over one connection: a second that is lost would leave a hole to resume behind', async () => {
  // Where a file cannot be replaced, what continues it is written to it.
  const { sshd, backend, key } = await setUp({}, { stripe: 3, capabilities: { rename: 'plain' } })
  const files = await backend.open(key)
  writeFileSync(join(sshd.home, 'file'), 'old text')
  chownSync(join(sshd.home, 'file'), sshd.user.uid, sshd.user.gid)
  for (const mode of [{ kind: 'append' }, { kind: 'restart', offset: 5 }] as const) {
    const upload = await files.write(`${files.home}/file`, mode)
    await pipeline([Buffer.alloc(20_000_000)], upload.sink)
    await upload.commit()
  }
  const upload = await files.write(`${files.home}/another`, { kind: 'replace' })
  await seen(sshd, { logins: 1 })
  await pipeline([Buffer.alloc(20_000_000)], upload.sink)
  await upload.commit()
  await seen(sshd, { logins: 3 })
})

/** Looks until the session is lost, which rejects, or for a while, which is an answer too. */
async function lookUntilLost(files: FileSystem, forMs = 500): Promise<void> {
  const until = performance.now() + forMs
  while (performance.now() < until) {
    await files.stat(files.home)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** The processes of its connections. */
function sessionsOf({ pid }: Sshd): number[] {
  return processTree(pid).slice(1)
}
