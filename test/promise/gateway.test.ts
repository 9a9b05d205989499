import { execFileSync } from 'node:child_process'
import { chownSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type GatewayProcess, startGatewayProcess } from '../faults/history/gateway-process.ts'
import { Dialogue } from '../support/dialogue.ts'
import { emptyFolder } from '../support/fixtures.ts'
import { ground } from '../support/ground.ts'
import { beginUpload } from '../support/held-upload.ts'
import { type Sshd, startSshd } from '../support/sshd.ts'

let sshd: Sshd
let gateway: GatewayProcess
beforeAll(async () => {
  execFileSync('npm', ['run', '--silent', 'build'])
  sshd = await startSshd()
  gateway = await startGatewayProcess(await ground(), sshd, sshd.port, [])
}, 120_000)
afterEach(() => emptyFolder(sshd.home))
afterAll(async () => {
  await gateway?.stop()
  await sshd?.stop()
})
const give = (name: string, bytes: Buffer) => {
  writeFileSync(join(sshd.home, name), bytes)
  chownSync(join(sshd.home, name), sshd.user.uid, sshd.user.gid)
}
const stored = (name: string) => readFileSync(join(sshd.home, name))
/** That of the newest gateway of this file. */
async function certificate() {
  const { runFolder } = await ground()
  const of = (name: string) => join(runFolder, name, 'state', 'tls', 'cert.pem')
  const made = readdirSync(runFolder).filter((name) => name.startsWith('faults-gateway-') && existsSync(of(name)))
  const [newest = ''] = made.sort((x, y) => statSync(of(y)).mtimeMs - statSync(of(x)).mtimeMs)
  return of(newest)
}
async function logIn() {
  return Dialogue.logIn(
    { port: gateway.port, tls: 'explicit', certificate: await certificate() },
    sshd.user.name,
    sshd.user.password,
  )
}

test('425 to APPE, and APPE again: no byte of the finished file is lost', async () => {
  const old = Buffer.alloc(1000, 'log line\n')
  give('log', old)
  const client = await logIn()
  await client.dialogue('> EPSV', '< 229', '> APPE log', '< 150', '< 425')
  expect.soft((await client.dialogue('> SIZE log', '< 213'))[0]?.lines[0]).toBe('213 1000')
  expect((await client.transfer('APPE log', Buffer.from('a record\n'))).code).toBe(226)
  expect(stored('log').toString()).toBe(`${old}a record\n`)
  client.close()
})

test('kill -9 in the middle of an upload in TYPE A: SIZE, and APPE in TYPE A, do not mix the file', async () => {
  const lines = Buffer.from(Array.from({ length: 200_000 }, (_, i) => `line ${i}\r\n`).join(''))
  const client = await logIn()
  await client.dialogue('> TYPE A', '< 200')
  const upload = await beginUpload(client, 'text')
  await upload.send(lines.subarray(0, 1_500_000))
  const part = () => readdirSync(sshd.home).find((name) => name.startsWith('.text.'))
  for (let i = 0; i < 100 && statSync(join(sshd.home, part() ?? '')).size < 1_000_000; i++) await sleep(50)
  await gateway.kill()
  client.close()
  const again = await logIn()
  await again.send('SIZE text')
  const answer = await again.reply()
  const told = answer.code === 213 ? Number(answer.lines[0]?.slice(4)) : 0
  await again.dialogue('> TYPE A', '< 200')
  const { code } = await again.transfer(told > 0 ? 'APPE text' : 'STOR text', lines.subarray(told))
  if (code === 226) expect(stored('text').toString() === lines.toString().replaceAll('\r\n', '\n')).toBe(true)
  again.close()
})
