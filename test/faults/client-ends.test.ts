import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { Dialogue } from '../support/dialogue.ts'
import { emptyFolder, finishedIn, keptIn, namesIn } from '../support/fixtures.ts'
import { startTestGateway, type TestGateway } from '../support/gateway-under-test.ts'
import { beginUpload } from '../support/held-upload.ts'
import { program } from '../support/packages.ts'
import { signal } from '../support/processes.ts'
import { readPosition } from '../support/read-position.ts'
import { type Sshd, startSshd } from '../support/sshd.ts'

/* Clients that end, or are ended, in the middle of a transfer. */

const half = randomBytes(2_000_000)
const whole = Buffer.concat([half, half])
const old = Buffer.from('what was there before')

let sshd: Sshd
let gateway: TestGateway
beforeAll(async () => {
  sshd = await startSshd()
  gateway = await startTestGateway({ sshd, settings: { timeouts: { dataStall: '2s', idle: '20s' } } })
})
afterEach(() => emptyFolder(sshd.home))
afterAll(async () => {
  await gateway?.stop()
  await sshd?.stop()
})

const logIn = () =>
  Dialogue.logIn(
    { port: gateway.explicit, tls: 'explicit', certificate: gateway.certificate },
    sshd.user.name,
    sshd.user.password,
  )
const stored = (name: string) => readFileSync(join(sshd.home, name))
const give = (name: string, bytes: Buffer) => writeFileSync(join(sshd.home, name), bytes)
const transfers = () => gateway.log.filter((event) => event.kind === 'transfer')

/** The old file is what it was, what is kept of the new one is its beginning, and the next upload is stored. */
async function expectUntouched(name: string, content: Buffer): Promise<void> {
  expect(finishedIn(sshd.home)).toEqual([name])
  expect(stored(name).equals(old)).toBe(true)
  for (const [, kept] of keptIn(sshd.home)) expect(kept.equals(content.subarray(0, kept.length))).toBe(true)
  const client = await logIn()
  expect((await client.transfer(`STOR ${name}`, content)).code).toBe(226)
  expect(stored(name).equals(content)).toBe(true)
  expect([...keptIn(sshd.home)]).toEqual([])
  client.close()
}

/** curl with a slow hand, as a process. */
function curl(...settings: readonly string[]) {
  const { name, password } = sshd.user
  const how = [`user = "${name}:${password}"`, 'ssl-reqd', `cacert = "${gateway.certificate}"`, 'silent', ...settings]
  const child = spawn(program('curl'), ['-q', '--config', '-'], { stdio: ['pipe', 'ignore', 'ignore'] })
  child.stdin.end(how.join('\n'))
  return { pid: child.pid ?? 0, ended: once(child, 'exit') }
}
const url = (name: string) => `url = "ftp://127.0.0.1:${gateway.explicit}/${name}"`

/** Resolves when the backend has some bytes of an upload. */
async function underWay(): Promise<void> {
  const sizes = () =>
    namesIn(sshd.home).map((name) => (name.endsWith('.part') ? statSync(join(sshd.home, name)).size : 0))
  await vi.waitFor(() => expect(Math.max(0, ...sizes())).toBeGreaterThan(0), 15_000)
}

test('F01 the client is killed (SIGKILL) in the middle of an upload: nothing changes under the final name, and the next upload works', async () => {
  give('f', old)
  const file = join(sshd.folder, 'f')
  writeFileSync(file, whole)
  const before = transfers().length
  const client = curl(url('f'), `upload-file = "${file}"`, 'limit-rate = 500K')
  await underWay()
  signal(client.pid, 'SIGKILL')
  await client.ended
  await vi.waitFor(() => expect(transfers()).toHaveLength(before + 1), 10_000)
  expect(transfers().at(-1)).toMatchObject({ code: 426 })
  await expectUntouched('f', whole)
})

test('F05 the control connection is lost in the middle of an upload that goes on and ends well: the file is stored as a whole', async () => {
  give('f', old)
  const before = transfers().length
  const client = await logIn()
  const upload = await beginUpload(client, 'f')
  await upload.send(half)
  client.close()
  await upload.send(half)
  await upload.end()
  await vi.waitFor(() => expect(transfers()).toHaveLength(before + 1), 10_000)
  expect(transfers().at(-1)).toMatchObject({ code: 226, outcome: 'ok' })
  expect(stored('f').equals(whole)).toBe(true)
  expect(finishedIn(sshd.home)).toEqual(['f'])
  expect([...keptIn(sshd.home)]).toEqual([])
})

test('F06 control and data connection are lost together: nothing changes under the final name, and the next upload works', async () => {
  give('f', old)
  const before = transfers().length
  const client = await logIn()
  const upload = await beginUpload(client, 'f')
  await upload.send(half)
  client.close()
  upload.cut()
  await vi.waitFor(() => expect(transfers()).toHaveLength(before + 1), 10_000)
  await expectUntouched('f', whole)
})

test('F07 the client freezes (SIGSTOP) in the middle of an upload: 426 after the stall, and nothing changes under the final name', async () => {
  give('f', old)
  const file = join(sshd.folder, 'f')
  writeFileSync(file, whole)
  const before = transfers().length
  const client = curl(url('f'), `upload-file = "${file}"`, 'limit-rate = 500K')
  await underWay()
  signal(client.pid, 'SIGSTOP')
  await vi.waitFor(() => expect(transfers()).toHaveLength(before + 1), 20_000)
  expect(transfers().at(-1)).toMatchObject({ code: 426, outcome: 'data_error' })
  signal(client.pid, 'SIGCONT')
  await client.ended
  await expectUntouched('f', whole)
})

test('F08 the client freezes in the middle of a download: the backend is held back, 426 after the stall, and the next download is whole', async () => {
  give('f', randomBytes(64_000_000))
  const before = transfers().length
  const read = () => readPosition(sshd, join(sshd.home, 'f'))
  const fetched = join(sshd.folder, 'fetched')
  writeFileSync(fetched, '')
  const client = curl(url('f'), `output = "${fetched}"`, 'limit-rate = 2M')
  await vi.waitFor(() => expect(statSync(fetched).size).toBeGreaterThan(0), 20_000)
  signal(client.pid, 'SIGSTOP')
  let furthest = 0
  await vi.waitFor(() => {
    furthest = Math.max(furthest, read())
    expect(transfers()).toHaveLength(before + 1)
  }, 40_000)
  expect(transfers().at(-1)).toMatchObject({ code: 426, outcome: 'data_error' })
  // What the buffers between the file and the client hold is far less than the file.
  expect(furthest).toBeGreaterThan(0)
  expect(furthest).toBeLessThan(32_000_000)
  signal(client.pid, 'SIGKILL')
  await client.ended
  const again = await logIn()
  expect((await again.transfer('RETR f')).content.equals(stored('f'))).toBe(true)
  again.close()
})

test.each(['ABOR', '\xff\xf4\xff\xf2ABOR'])(
  'F09 ABOR (%j) in the middle of an upload: 426, then 226, the old file stays, and the session goes on',
  async (abor) => {
    give('f', old)
    const client = await logIn()
    const upload = await beginUpload(client, 'f')
    await upload.send(half)
    await client.send(abor)
    await client.dialogue('< 426', '< 226', '> NOOP', '< 200')
    upload.cut()
    expect((await client.transfer('STOR g', whole)).code).toBe(226)
    client.close()
    expect(stored('g').equals(whole)).toBe(true)
    rmSync(join(sshd.home, 'g'))
    await expectUntouched('f', whole)
  },
)

test('F10 QUIT during an upload: it goes on to its end, 226, then 221', async () => {
  give('f', old)
  const client = await logIn()
  const upload = await beginUpload(client, 'f')
  await upload.send(half)
  await client.send('QUIT')
  await upload.send(half)
  expect(await upload.finish()).toBe(226)
  await client.dialogue('< 221')
  await client.closed()
  expect(stored('f').equals(whole)).toBe(true)
})

test('F11 NOOP again and again during a slow upload: each is answered once, and the file is stored', async () => {
  const client = await logIn()
  const upload = await beginUpload(client, 'f')
  for (let i = 0; i < 10; i++) {
    await upload.send(whole.subarray((i * whole.length) / 10, ((i + 1) * whole.length) / 10))
    await client.send('NOOP')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  expect(await upload.finish()).toBe(226)
  for (let i = 0; i < 10; i++) await client.dialogue('< 200')
  await client.dialogue('> PWD', '< 257')
  client.close()
  expect(stored('f').equals(whole)).toBe(true)
})
