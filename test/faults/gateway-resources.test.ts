import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Dialogue } from '../support/dialogue.ts'
import { type GatewayProgram, type GatewayProgramOptions, startGatewayProgram } from '../support/gateway-program.ts'
import { beginUpload } from '../support/held-upload.ts'
import { program } from '../support/packages.ts'
import { runOk } from '../support/run.ts'
import { type Sshd, startSshd } from '../support/sshd.ts'

const partner = { name: 'partner', password: 'the password of the partner' }
const half = randomBytes(1_000_000)
const whole = Buffer.concat([half, half])

let sshd: Sshd
let gateway: GatewayProgram
const sockets: Socket[] = []
beforeEach(async () => {
  sshd = await startSshd()
})
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await gateway?.stop()
  await sshd?.stop()
})

async function start(options: Omit<GatewayProgramOptions, 'sshd'>): Promise<void> {
  gateway = await startGatewayProgram({ sshd, partner, ...options })
}

const connection = () => ({ port: gateway.port, tls: 'explicit' as const, certificate: gateway.certificate })
const logIn = () => Dialogue.logIn(connection(), partner.name, partner.password)
const stored = (name: string) => readFileSync(join(sshd.home, name))

/** A client that connects and says nothing; what it is told, and whether it was let go. */
function knock(): { text: string; closed: boolean } {
  const client = { text: '', closed: false }
  const socket = connect(gateway.port, '127.0.0.1')
  socket.setEncoding('latin1').on('data', (text: string) => {
    client.text += text
  })
  socket
    .on('error', () => undefined)
    .on('close', () => {
      client.closed = true
    })
  sockets.push(socket)
  return client
}

test('F46 out of file descriptors (ulimit -n): who comes then is let go, an upload that runs gets 226, and new ones work as soon as there are descriptors again', async () => {
  await start({})
  // Its modules are read many at a time: that would need more than it has when it runs.
  await runOk(program('prlimit'), ['--pid', String(gateway.pid), '--nofile=60'])
  const client = await logIn()
  const other = await logIn()
  const third = await Dialogue.connect(connection())
  await third.dialogue('< 220')
  await third.secure()
  const upload = await beginUpload(client, 'f')
  await upload.send(half)
  const clients = Array.from({ length: 200 }, knock)
  const served = () => clients.filter(({ text }) => text.startsWith('220')).length
  const gone = () => clients.filter(({ closed }) => closed).length
  await vi.waitUntil(() => served() + gone() === clients.length, { timeout: 20_000 })
  expect(readdirSync(`/proc/${gateway.pid}/fd`).length).toBeGreaterThanOrEqual(59)
  expect(gone()).toBeGreaterThan(100)
  // A session that is there already is told that there is no data connection to be had.
  await other.dialogue('> EPSV', '< 425', '> NOOP', '< 200')
  // And one that needs a connection to the backend is told to come again, not that its password is wrong.
  await third.dialogue(`> USER ${sshd.user.name}`, '< 331')
  await third.send(`PASS ${sshd.user.password}`, 'PASS [secret]')
  await third.dialogue('< 421')
  await upload.send(half)
  expect(await upload.finish()).toBe(226)
  expect(stored('f').equals(whole)).toBe(true)
  for (const socket of sockets.splice(0)) socket.destroy()
  await vi.waitFor(async () => expect((await other.transfer('STOR g', whole)).code).toBe(226), { timeout: 20_000 })
  const next = await logIn()
  expect((await next.transfer('STOR h', whole)).code).toBe(226)
  for (const name of ['g', 'h']) expect(stored(name).equals(whole), name).toBe(true)
  expect(readdirSync(sshd.home).sort()).toEqual(['f', 'g', 'h'])
  expect(gateway.running()).toBe(true)
  expect(gateway.log()).not.toContain('uncaught')
})

test('F47 a heap of 64 MB and 500 clients: those above limits.sessions get 421, an upload that runs gets 226, and the gateway lives', async () => {
  const limits = { sessions: 400, sessionsPerAddress: 1000 }
  await start({ node: ['--max-old-space-size=64'], settings: { limits } })
  const client = await logIn()
  const upload = await beginUpload(client, 'f')
  await upload.send(half)
  const clients: Dialogue[] = []
  const codes: number[] = []
  for (let i = 0; i < 500; i++) {
    const next = await Dialogue.connect(connection())
    clients.push(next)
    const { code } = await next.reply()
    codes.push(code)
    if (code === 220) await next.secure()
  }
  expect(codes).toEqual([...Array(399).fill(220), ...Array(101).fill(421)])
  await upload.send(half)
  expect(await upload.finish()).toBe(226)
  expect((await client.transfer('STOR g', whole)).code).toBe(226)
  for (const each of clients) each.close()
  const next = await vi.waitFor(logIn, { timeout: 20_000 })
  expect((await next.transfer('STOR h', whole)).code).toBe(226)
  expect(readdirSync(sshd.home).sort()).toEqual(['f', 'g', 'h'])
  for (const name of ['f', 'g', 'h']) expect(stored(name).equals(whole), name).toBe(true)
  expect(gateway.running()).toBe(true)
})
