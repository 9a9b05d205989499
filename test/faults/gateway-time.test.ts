import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Dialogue } from '../support/dialogue.ts'
import { type GatewayProgram, startGatewayProgram } from '../support/gateway-program.ts'
import { beginUpload } from '../support/held-upload.ts'
import { program } from '../support/packages.ts'
import { processStat } from '../support/processes.ts'
import { runOk } from '../support/run.ts'
import { type Sshd, startSshd } from '../support/sshd.ts'

const half = randomBytes(1_000_000)
const large = randomBytes(100_000_000)
const whole = Buffer.concat([half, half])

let sshd: Sshd
let gateway: GatewayProgram
beforeEach(async () => {
  sshd = await startSshd()
})
afterEach(async () => {
  gateway?.signal('SIGCONT')
  await gateway?.stop()
  await sshd?.stop()
})

const logIn = () =>
  Dialogue.logIn(
    { port: gateway.port, tls: 'explicit', certificate: gateway.certificate },
    sshd.user.name,
    sshd.user.password,
  )
/** Bytes that are there of an upload. */
function sizeOfPart(name: string): number {
  const part = readdirSync(sshd.home).find((each) => each.startsWith(`.${name}.`))
  return part === undefined ? 0 : (statSync(join(sshd.home, part), { throwIfNoEntry: false })?.size ?? 0)
}
const stored = (name: string) => readFileSync(join(sshd.home, name))

/** What makes a program believe that it is another time, which stands in a file and may change; its timers stay right. */
async function otherTime(file: string): Promise<NodeJS.ProcessEnv> {
  const shown = (await runOk(program('faketime'), ['-m', '-f', '+0d', 'env'])).toString()
  const preload = /^LD_PRELOAD=(.*)$/m.exec(shown)?.[1]
  return {
    LD_PRELOAD: preload,
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    DONT_FAKE_MONOTONIC: '1',
    NO_FAKE_STAT: '1',
  }
}

test.each([
  ['forward', '+1d', 86_400_000],
  ['back', '-1d', -86_400_000],
])(
  'F49 the clock of the gateway jumps a day %s: no session ends, an upload that runs gets 226, and new logins work',
  async (_, jump, ms) => {
    const clock = join(sshd.folder, 'clock')
    writeFileSync(clock, '+0d')
    gateway = await startGatewayProgram({ sshd, env: await otherTime(clock), settings: { timeouts: { idle: '1h' } } })
    const [client, idle] = [await logIn(), await logIn()]
    const upload = await beginUpload(client, 'f')
    await upload.send(half)
    const jumped = Date.now()
    writeFileSync(clock, jump)
    // A listing takes away what is a day old and nobody's.
    expect((await idle.transfer('LIST')).code).toBe(226)
    expect((await idle.transfer('STOR g', whole)).code).toBe(226)
    await gateway.told('transfer.done')
    const [{ time } = { time: '' }] = gateway.events('transfer.done').slice(-1)
    expect(Math.abs(Date.parse(String(time)) - jumped - ms)).toBeLessThan(3_600_000)
    await upload.send(half)
    expect(await upload.finish()).toBe(226)
    await client.dialogue('> NOOP', '< 200')
    const next = await logIn()
    expect((await next.transfer('STOR h', whole)).code).toBe(226)
    writeFileSync(clock, '+0d')
    await client.dialogue('> NOOP', '< 200')
    expect((await client.transfer('STOR i', whole)).code).toBe(226)
    expect(readdirSync(sshd.home).sort()).toEqual(['f', 'g', 'h', 'i'])
    for (const name of ['f', 'g', 'h', 'i']) expect(stored(name).equals(whole), name).toBe(true)
    expect(gateway.events('session.closed')).toEqual([])
  },
)

test('F50 the gateway stands still for longer than its time-outs (SIGSTOP): an upload that runs gets 226, no session ends, and new logins work', async () => {
  const timeouts = { connect: '2s', login: '2s', request: '2s' }
  gateway = await startGatewayProgram({
    sshd,
    backend: { timeouts },
    settings: { timeouts: { dataStall: '2s', dataConnect: '2s', handshake: '2s' } },
  })
  const [client, idle, waiting, busy] = [await logIn(), await logIn(), await logIn(), await logIn()]
  const upload = await beginUpload(client, 'f')
  await upload.send(half)
  // Its WRITEs are answered while nobody listens.
  const running = busy.transfer('STOR large', large)
  await vi.waitUntil(() => sizeOfPart('large') > 5_000_000, { timeout: 20_000, interval: 5 })
  gateway.signal('SIGSTOP')
  await vi.waitUntil(() => processStat(gateway.pid)?.state === 'T')
  await waiting.send('SIZE nothing')
  const sent = upload.send(half)
  await sleep(5_000)
  gateway.signal('SIGCONT')
  await sent
  expect(await upload.finish()).toBe(226)
  expect((await running).code).toBe(226)
  await waiting.dialogue('< 550')
  expect(await gateway.metric('nodejs_eventloop_lag_max_seconds')).toBeGreaterThan(4)
  await idle.dialogue('> NOOP', '< 200')
  expect((await idle.transfer('STOR g', whole)).code).toBe(226)
  const next = await logIn()
  expect((await next.transfer('STOR h', whole)).code).toBe(226)
  expect(readdirSync(sshd.home).sort()).toEqual(['f', 'g', 'h', 'large'])
  for (const name of ['f', 'g', 'h']) expect(stored(name).equals(whole), name).toBe(true)
  expect(stored('large').equals(large)).toBe(true)
  expect(gateway.events('session.closed')).toEqual([])
  expect([...gateway.events('backend.reconnected'), ...gateway.events('backend.reconnect_failed')]).toEqual([])
})
