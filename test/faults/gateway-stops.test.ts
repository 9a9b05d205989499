import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Dialogue } from '../support/dialogue.ts'
import { finishedIn, keptIn } from '../support/fixtures.ts'
import { type GatewayProgram, startGatewayProgram } from '../support/gateway-program.ts'
import { beginUpload, type HeldUpload } from '../support/held-upload.ts'
import { type Sshd, startSshd } from '../support/sshd.ts'

const partner = { name: 'partner', password: 'the password of the partner' }
const half = randomBytes(600_000)
const whole = Buffer.concat([half, half])
const transfers = 50
/** Those that do not come to an end by themselves. */
const stuck = 10

let sshd: Sshd
let gateway: GatewayProgram
beforeEach(async () => {
  sshd = await startSshd()
})
afterEach(async () => {
  await gateway?.stop()
  await sshd?.stop()
})

const start = (drain: string) =>
  startGatewayProgram({
    sshd,
    partner,
    backend: { pool: { connections: 8 } },
    settings: { limits: { sessionsPerAddress: 100 }, shutdown: { drain } },
  })
const logIn = () =>
  Dialogue.logIn(
    { port: gateway.port, tls: 'explicit', certificate: gateway.certificate },
    partner.name,
    partner.password,
  )

interface Transfer {
  readonly name: string
  readonly client: Dialogue
  readonly upload: HeldUpload
}

async function begin(name: string): Promise<Transfer> {
  const client = await logIn()
  const upload = await beginUpload(client, name)
  await upload.send(half)
  return { name, client, upload }
}

test('F45 SIGTERM with 50 uploads: idle sessions and new ones get 421, what ends in time gets 226 and is whole, the rest gets 426 at the drain limit and leaves nothing under its name', async () => {
  gateway = await start('3s')
  const running = await Promise.all(Array.from({ length: transfers }, (_, i) => begin(`f${i}`)))
  const idle = await logIn()
  gateway.signal('SIGTERM')
  await gateway.told('gateway.draining')
  await idle.dialogue('< 421')
  await idle.closed()
  const late = await Dialogue.connect({ port: gateway.port, tls: 'explicit', certificate: gateway.certificate })
  await late.dialogue('< 421')
  const [ending, left] = [running.slice(stuck), running.slice(0, stuck)]
  for (const { upload, client } of ending) {
    await upload.send(half)
    expect(await upload.finish()).toBe(226)
    await client.dialogue('< 421')
  }
  for (const { client } of left) {
    await client.dialogue('< 426', '< 421')
    await client.closed()
  }
  await gateway.ended()
  expect(gateway.log()).toContain('[ended with 0]')
  expect(finishedIn(sshd.home).sort()).toEqual(ending.map(({ name }) => name).sort())
  // What came of the others is there for their clients to go on with.
  expect([...keptIn(sshd.home).keys()].sort()).toEqual(left.map(({ name }) => name).sort())
  for (const { name } of ending) expect(readFileSync(join(sshd.home, name)).equals(whole), name).toBe(true)
  // The next gateway goes on with the same files.
  gateway = await start('1s')
  const client = await logIn()
  expect((await client.transfer('STOR f0', whole)).code).toBe(226)
  expect(readFileSync(join(sshd.home, 'f0')).equals(whole)).toBe(true)
  expect(readdirSync(sshd.home).filter((name) => name.startsWith('.f0.'))).toEqual([])
})
