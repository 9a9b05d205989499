import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { Dialogue } from '../support/dialogue.ts'
import { emptyFolder, finishedIn, keptIn, namesIn } from '../support/fixtures.ts'
import { type GatewayProgram, startGatewayProgram } from '../support/gateway-program.ts'
import { beginDownload } from '../support/held-download.ts'
import { beginUpload } from '../support/held-upload.ts'
import { readPosition } from '../support/read-position.ts'
import { type Sshd, startSshd } from '../support/sshd.ts'

/* What clients do to each other's files, and to a gateway that waits for them. */

const partner = { name: 'partner', password: 'the password of the partner' }
const half = randomBytes(2_000_000)
const whole = Buffer.concat([half, half])
const other = randomBytes(3_000_000)
const old = Buffer.from('what was there before')

let sshd: Sshd
let gateway: GatewayProgram
beforeAll(async () => {
  sshd = await startSshd()
  const timeouts = { dataStall: '3s', dataConnect: '1s', login: '5s' }
  const limits = { sessions: 400, sessionsPerAddress: 400 }
  gateway = await startGatewayProgram({ sshd, partner, settings: { timeouts, limits } })
})
afterEach(() => emptyFolder(sshd.home))
afterAll(async () => {
  await gateway?.stop()
  await sshd?.stop()
})

const enter = (user: string, password: string) =>
  Dialogue.logIn({ port: gateway.port, tls: 'explicit', certificate: gateway.certificate }, user, password)
const logIn = () => enter(sshd.user.name, sshd.user.password)
const stored = (name: string) => readFileSync(join(sshd.home, name))
const give = (name: string, bytes: Buffer) => writeFileSync(join(sshd.home, name), bytes)

test('F12 files of 0 B, 1 B and of the sizes of TLS records and SFTP requests, give or take a byte, are stored as they are', async () => {
  const client = await logIn()
  for (const size of [0, 1, ...[16_384, 261_120, 2 * 261_120].flatMap((each) => [each - 1, each, each + 1])]) {
    const content = whole.subarray(0, size)
    expect((await client.transfer('STOR f', content)).code, `${size} bytes`).toBe(226)
    expect(stored('f').equals(content), `${size} bytes`).toBe(true)
  }
  client.close()
})

test('F13 one login uploads a name twice at once: the second gets 450, and the file is that of the first', async () => {
  give('f', old)
  const [first, second] = [await logIn(), await logIn()]
  const upload = await beginUpload(first, 'f')
  await upload.send(half)
  await second.dialogue('> EPSV', '< 229', '> STOR f', '< 450')
  await upload.send(half)
  expect(await upload.finish()).toBe(226)
  expect(stored('f').equals(whole)).toBe(true)
  expect((await second.transfer('STOR f', other)).code).toBe(226)
  expect(stored('f').equals(other)).toBe(true)
  for (const client of [first, second]) client.close()
})

test('F13 two logins upload a name at once: both get 226, and the file is that of the one that ended last, as a whole', async () => {
  give('f', old)
  const [first, second] = [await logIn(), await enter(partner.name, partner.password)]
  const [one, two] = [await beginUpload(first, 'f'), await beginUpload(second, 'f')]
  await one.send(half)
  await two.send(other.subarray(0, 1_000_000))
  await one.send(half)
  expect(stored('f').equals(old)).toBe(true)
  expect(await one.finish()).toBe(226)
  expect(stored('f').equals(whole)).toBe(true)
  await two.send(other.subarray(1_000_000))
  expect(await two.finish()).toBe(226)
  expect(stored('f').equals(other)).toBe(true)
  expect(namesIn(sshd.home)).toEqual(['f'])
  for (const client of [first, second]) client.close()
})

test('F14 a file is deleted, and renamed, while another login uploads it: 250 each, and the upload is stored as a whole', async () => {
  give('f', old)
  const [first, second] = [await logIn(), await enter(partner.name, partner.password)]
  const upload = await beginUpload(first, 'f')
  await upload.send(half)
  await second.dialogue('> RNFR f', '< 350', '> RNTO g', '< 250', '> DELE g', '< 250', '> DELE f', '< 550')
  await upload.send(half)
  expect(await upload.finish()).toBe(226)
  expect(stored('f').equals(whole)).toBe(true)
  expect(namesIn(sshd.home)).toEqual(['f'])
  for (const client of [first, second]) client.close()
})

test.each([
  ['F14 a file is deleted while another login downloads it: 226, and the download is whole', ['> DELE f', '< 250']],
  [
    'F14 a file is renamed while another login downloads it: 226, and the download is whole',
    ['> RNFR f', '< 350', '> RNTO g', '< 250'],
  ],
])('%s', async (_, change) => {
  const content = Buffer.concat(Array(16).fill(whole))
  give('f', content)
  const [first, second] = [await logIn(), await enter(partner.name, partner.password)]
  const download = await beginDownload(first, 'f')
  const read = readPosition(sshd, join(sshd.home, 'f'))
  expect(read).toBeGreaterThan(0)
  expect(read).toBeLessThan(content.length)
  await second.dialogue(...change)
  const { code, content: received } = await download.finish()
  expect(code).toBe(226)
  expect(received.equals(content)).toBe(true)
  expect((await second.transfer('STOR f', whole)).code).toBe(226)
  expect(stored('f').equals(whole)).toBe(true)
  for (const client of [first, second]) client.close()
})

test('F15 EPSV, STOR, and the client never connects: 425 in time, the old file stays, and nothing that takes space is left beside it', async () => {
  give('f', old)
  const client = await logIn()
  await client.dialogue('> EPSV', '< 229', '> STOR f', '< 150', '< 425')
  expect(finishedIn(sshd.home)).toEqual(['f'])
  expect(stored('f').equals(old)).toBe(true)
  for (const [, kept] of keptIn(sshd.home)) expect(kept).toHaveLength(0)
  expect((await client.transfer('STOR f', whole)).code).toBe(226)
  expect(namesIn(sshd.home)).toEqual(['f'])
  client.close()
})

test('F16 a stranger connects to the data port of an upload first, and sends: it is dropped, and the file is that of the client', async () => {
  give('f', old)
  const client = await logIn()
  const upload = await beginUpload(client, 'f', '127.0.0.1', async (port) => {
    const stranger = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.2' }).on('error', () => {})
    stranger.resume().write(other)
    // By a reset, as it has sent what nobody reads.
    await new Promise((closed) => stranger.once('close', closed))
  })
  await upload.send(whole)
  expect(stored('f').equals(old)).toBe(true)
  expect(await upload.finish()).toBe(226)
  expect(stored('f').equals(whole)).toBe(true)
  expect(namesIn(sshd.home)).toEqual(['f'])
  client.close()
})

test('F17 300 clients that send a byte a second: a real one logs in and uploads meanwhile, and they are let go when their time is over', async () => {
  const slow: Socket[] = []
  let gone = 0
  for (let i = 0; i < 300; i++) {
    const socket = connect({ port: gateway.port, host: '127.0.0.1' })
    socket.on('error', () => {}).on('close', () => gone++)
    slow.push(socket)
  }
  await Promise.all(slow.map((socket) => once(socket, 'data')))
  const drip = setInterval(() => slow.forEach((socket, i) => void socket.write(i % 2 ? 'U' : '\xff')), 1000)
  try {
    const client = await logIn()
    expect((await client.transfer('STOR f', whole)).code).toBe(226)
    expect(stored('f').equals(whole)).toBe(true)
    for (const deadline = Date.now() + 30_000; gone < slow.length && Date.now() < deadline; ) await sleep(100)
    expect(gone).toBe(slow.length)
    expect((await client.transfer('STOR f', other)).code).toBe(226)
    client.close()
  } finally {
    clearInterval(drip)
    for (const socket of slow) socket.destroy()
  }
})

test('F18 an upload that moves a byte now and then goes on for as long as it does, and gets 426 when it does not', async () => {
  give('f', old)
  const client = await logIn()
  const upload = await beginUpload(client, 'f')
  for (let i = 0; i < 8; i++) {
    await upload.send(whole.subarray(i, i + 1))
    await sleep(500)
  }
  expect(stored('f').equals(old)).toBe(true)
  await client.dialogue('< 426')
  expect(stored('f').equals(old)).toBe(true)
  expect((await client.transfer('STOR f', whole)).code).toBe(226)
  client.close()
})

test('F19 a second connection to the port of a running upload is refused, and the upload is stored', async () => {
  const client = await logIn()
  const upload = await beginUpload(client, 'f')
  await upload.send(half)
  const second = connect({ port: upload.dataPort, host: '127.0.0.1' })
  const [error] = (await once(second, 'error')) as [NodeJS.ErrnoException]
  expect(error.code).toBe('ECONNREFUSED')
  await upload.send(half)
  expect(await upload.finish()).toBe(226)
  expect(stored('f').equals(whole)).toBe(true)
  client.close()
})
