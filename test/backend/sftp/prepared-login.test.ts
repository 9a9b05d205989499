import { afterEach, expect, test, vi } from 'vitest'
import type { Preparation } from '../../../src/backend/backend.ts'
import type { SftpBackend } from '../../../src/backend/sftp/sftp-backend.ts'
import { backendFor, passwordOf } from '../../support/backend-under-test.ts'
import { processTree, signal } from '../../support/processes.ts'
import { type Sshd, type SshdOptions, startSshd } from '../../support/sshd.ts'

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function setUp(options: SshdOptions = {}) {
  const sshd = await startSshd(options)
  closers.push(() => sshd.stop())
  const backend = backendFor(sshd)
  closers.push(() => backend.close())
  return { sshd, backend }
}

const count = (sshd: Sshd, pattern: RegExp) => sshd.log().match(pattern)?.length ?? 0
const connections = (sshd: Sshd) => count(sshd, /Connection from/g)

/** What USER begins, once the server has got as far as waiting for the user's name. */
async function prepared(sshd: Sshd, backend: SftpBackend): Promise<Preparation> {
  const before = count(sshd, /expecting SSH2_MSG_NEWKEYS|KEX done/g)
  const preparation = backend.prepare()
  if (!preparation) throw new Error('nothing was prepared')
  await vi.waitFor(() => expect(count(sshd, /expecting SSH2_MSG_NEWKEYS|KEX done/g)).toBeGreaterThan(before), 10_000)
  return preparation
}

test('after USER the keys are exchanged already, and PASS logs in on that connection', async () => {
  const { sshd, backend } = await setUp()
  const before = connections(sshd)
  const preparation = await prepared(sshd, backend)
  const files = await backend.open(passwordOf(sshd), preparation)
  await files.stat(files.home)
  preparation.cancel()
  await files.stat(files.home)
  expect(connections(sshd) - before).toBe(1)
})

test('a wrong password on it is refused, and asked once', async () => {
  const { sshd, backend } = await setUp()
  const before = connections(sshd)
  const preparation = await prepared(sshd, backend)
  await expect(backend.open(passwordOf(sshd, 'wrong'), preparation)).rejects.toMatchObject({ kind: 'loginRefused' })
  await vi.waitFor(() => expect(count(sshd, /Failed password/g)).toBe(1), 10_000)
  expect(connections(sshd) - before).toBe(1)
})

test.each(['prepared', 'new'])(
  'a server that hangs up at the first wrong password has refused it, and is asked once: %s connection',
  async (how) => {
    const { sshd, backend } = await setUp({ extraConfig: ['MaxAuthTries 1'] })
    const preparation = how === 'prepared' ? await prepared(sshd, backend) : undefined
    const wrong = passwordOf(sshd, 'wrong')
    await expect(backend.open(wrong, preparation)).rejects.toMatchObject({ kind: 'loginRefused' })
    expect(backend.up).toBe(true)
    await sshd.stop()
    expect(count(sshd, /Failed password/g)).toBe(1)
  },
)

test('a client that leaves after USER leaves no connection behind', async () => {
  const { sshd, backend } = await setUp()
  const preparation = await prepared(sshd, backend)
  preparation.cancel()
  await vi.waitFor(() => expect(processTree(sshd.pid)).toEqual([sshd.pid]), 10_000)
})

test('a server that hangs up in between costs the login nothing but time', async () => {
  const { sshd, backend } = await setUp()
  const preparation = await prepared(sshd, backend)
  for (const pid of processTree(sshd.pid).slice(1)) signal(pid, 'SIGKILL')
  const files = await backend.open(passwordOf(sshd), preparation)
  await files.stat(files.home)
})

test('after five that were not used nothing is prepared any more: servers punish that, and with it everybody', async () => {
  const { sshd, backend } = await setUp()
  for (let i = 0; i < 5; i++) backend.prepare()?.cancel()
  expect(backend.prepare()).toBeUndefined()
  const files = await backend.open(passwordOf(sshd))
  await files.stat(files.home)
})

test('no more than four are held at a time, and logins come before them', async () => {
  const { sshd, backend } = await setUp()
  const held = Array.from({ length: 6 }, () => backend.prepare()).filter((preparation) => preparation !== undefined)
  expect(held).toHaveLength(4)
  const files = await backend.open(passwordOf(sshd))
  await files.stat(files.home)
  for (const preparation of held) preparation.cancel()
})

test('a closed backend ends what it has prepared', async () => {
  const { sshd, backend } = await setUp()
  await prepared(sshd, backend)
  await backend.close()
  expect(backend.prepare()).toBeUndefined()
  await vi.waitFor(() => expect(processTree(sshd.pid)).toEqual([sshd.pid]), 10_000)
})
