import { once } from 'node:events'
import { chownSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { afterEach, expect, test } from 'vitest'
import type { Dialogue } from '../support/dialogue.ts'
import { half, useFaultyPlace } from '../support/faulty-place.ts'
import { signal } from '../support/processes.ts'
import { sftpServerOf, sshdOf } from '../support/sftp-processes.ts'
import { inject } from '../support/strace-sftp.ts'

/* The processes of the backend are killed, or stand still, in the middle of a download. */

const place = useFaultyPlace((main) => ({ backends: [{ ...main, timeouts: { request: '3s' } }] }))
const plain = useFaultyPlace((main) => ({ backends: [{ ...main, timeouts: { request: '2s', reconnect: '0s' } }] }))
/** More than what is under way between a server and a client that does not read. */
const content = Buffer.concat(Array(8).fill(half))

const frozen: number[] = []
afterEach(() => {
  for (const pid of frozen.splice(0)) signal(pid, 'SIGKILL')
})

function freeze(pid: number): void {
  frozen.push(pid)
  signal(pid, 'SIGSTOP')
}

/** A download that has begun; nobody reads from it before `rest`, which has what came and the code. */
async function begun(at: typeof place) {
  const path = join(at.sshd.home, 'f')
  writeFileSync(path, content)
  chownSync(path, at.sshd.user.uid, at.sshd.user.gid)
  const client = await at.logIn()
  const rest = await beginDownload(client, 'f')
  return { client, rest, server: await sftpServerOf(at.sshd) }
}

async function beginDownload(client: Dialogue, name: string) {
  const [epsv] = await client.dialogue('> EPSV', '< 229')
  const raw = connect(Number(/\|\|\|(\d+)\|/.exec(epsv?.lines[0] ?? '')?.[1]), '127.0.0.1')
  raw.on('error', () => undefined)
  await once(raw, 'connect')
  const secured = connectTls({ socket: raw, rejectUnauthorized: false })
  secured.on('error', () => undefined)
  const ready = once(secured, 'secureConnect')
  await client.dialogue(`> RETR ${name}`, '< 150')
  await ready
  return async () => {
    const chunks: Buffer[] = []
    secured.on('data', (chunk: Buffer) => chunks.push(chunk))
    const over = new Promise((closed) => secured.once('close', closed))
    const { code } = await client.reply()
    secured.end()
    await over
    return { code, received: Buffer.concat(chunks) }
  }
}

const itself = (server: number) => server

test.each([
  ['F20 sftp-server is killed in the middle of a download: a pause, then 226 with equal bytes', itself, 'SIGKILL'],
  ["F21 the login's sshd is killed in the middle of a download: a pause, then 226 with equal bytes", sshdOf, 'SIGKILL'],
  [
    'F24 sftp-server stands still for ever in a download: another session takes over, 226 with equal bytes',
    itself,
    'SIGSTOP',
  ],
] as const)('%s', async (_, victim, name) => {
  const before = place.renewals().length
  const { client, rest, server } = await begun(place)
  if (name === 'SIGSTOP') freeze(server)
  else signal(victim(server), name)
  const { code, received } = await rest()
  expect(code).toBe(226)
  expect(received.equals(content)).toBe(true)
  expect(place.renewals().slice(before)).toEqual(['ok'])
  await place.goesOn(client)
})

test.each([
  ['F20 sftp-server is killed in a download and timeouts.reconnect is 0: 451, and the next login works', 'SIGKILL'],
  [
    'F24 sftp-server stands still in a download and timeouts.reconnect is 0: 451 in time, and the next login works',
    'SIGSTOP',
  ],
] as const)('%s', async (_, name) => {
  const { rest, server } = await begun(plain)
  if (name === 'SIGSTOP') freeze(server)
  else signal(server, name)
  const { code, received } = await rest()
  expect(code).toBe(451)
  expect(received.equals(content.subarray(0, received.length))).toBe(true)
  expect(received.length).toBeLessThan(content.length)
  const next = await plain.logIn()
  expect((await next.transfer('RETR f')).content.equals(content)).toBe(true)
  await plain.goesOn(next)
})

test('F39 the disk says too early that the file ends: 451, and the next download is whole', async () => {
  const { client, rest, server } = await begun(place)
  const injection = await inject(server, join(place.sshd.home, 'f'), 'read:retval=0:when=20')
  const { code, received } = await rest()
  expect(code).toBe(451)
  expect(received.equals(content.subarray(0, received.length))).toBe(true)
  expect(injection.hits()).toBe(1)
  await injection.stop()
  expect((await client.transfer('RETR f')).content.equals(content)).toBe(true)
  await place.goesOn(client)
})
