import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test, vi } from 'vitest'
import { startDaemon } from '../support/daemon.ts'
import { type FaultyPlace, half, old, useFaultyPlace, whole } from '../support/faulty-place.ts'
import { ground } from '../support/ground.ts'
import { beginUpload } from '../support/held-upload.ts'
import { program } from '../support/packages.ts'
import { processStat, signal } from '../support/processes.ts'
import { sftpServerOf, sshdOf } from '../support/sftp-processes.ts'
import { inject } from '../support/strace-sftp.ts'

/* The processes of the backend are killed, or stand still, in the middle of an upload that replaces a file. */

const place = useFaultyPlace((main) => ({ backends: [{ ...main, timeouts: { request: '3s' } }] }))
/** Where sessions that are lost are not replaced. */
const plain = useFaultyPlace((main) => ({ backends: [{ ...main, timeouts: { request: '2s', reconnect: '0s' } }] }))
/** Whose sshd comes back. */
const away = useFaultyPlace(() => ({}))

const frozen: number[] = []
afterEach(() => {
  for (const pid of frozen.splice(0)) signal(pid, 'SIGKILL')
})

/** An upload of `f` of which half has been sent, and some has arrived. */
async function halfDone(at: FaultyPlace) {
  const client = await at.begin()
  const upload = await beginUpload(client, 'f')
  await upload.send(half)
  await at.arrived('f', 1_000_000)
  return { client, upload, server: await sftpServerOf(at.sshd) }
}

function freeze(pid: number): void {
  frozen.push(pid)
  signal(pid, 'SIGSTOP')
}

const itself = (server: number) => server

test.each([
  ['F20 sftp-server is killed in the middle of an upload: a pause, then 226 with equal bytes', itself],
  ["F21 the login's sshd is killed in the middle of an upload: a pause, then 226 with equal bytes", sshdOf],
])('%s', async (_, victim) => {
  const before = place.renewals().length
  const { client, upload, server } = await halfDone(place)
  signal(victim(server), 'SIGKILL')
  await upload.send(half)
  expect(await upload.finish()).toBe(226)
  expect(place.renewals().slice(before)).toEqual(['ok'])
  place.holdsOnly(whole)
  await place.goesOn(client)
})

test.each([
  ['F20 sftp-server is killed and timeouts.reconnect is 0: 451, the old file stays, the next login works', itself],
  ["F21 the login's sshd is killed and timeouts.reconnect is 0: 451, the old file stays, the next login works", sshdOf],
])('%s', async (_, victim) => {
  const { upload, server } = await halfDone(plain)
  signal(victim(server), 'SIGKILL')
  await upload.send(half)
  expect(await upload.finish()).toBe(451)
  expect(plain.stored('f').equals(old)).toBe(true)
  await failedAndWorks()
})

/** Of what the failed upload has left for its client to go on with, the next one that is whole leaves nothing. */
async function failedAndWorks(): Promise<void> {
  const next = await plain.logIn()
  expect((await next.transfer('STOR f', whole)).code).toBe(226)
  plain.holdsOnly(whole)
  await plain.goesOn(next)
}

test('F22 the whole server is killed and comes back: a pause, then 226 with equal bytes', async () => {
  const { sshd, gateway } = away
  const { client, upload } = await halfDone(away)
  await sshd.stop()
  const second = upload.send(half)
  const refused = () => gateway.log.some((event) => event.kind === 'backendConnection' && event.outcome === 'refused')
  await vi.waitUntil(refused, { timeout: 30_000 })
  const { runFolder } = await ground()
  const daemon = await startDaemon(program('sshd'), ['-D', '-e', '-f', join(sshd.folder, 'sshd_config')], { runFolder })
  try {
    await second
    expect(await upload.finish()).toBe(226)
    expect(away.renewals()).toEqual(['ok'])
    away.holdsOnly(whole)
    await away.goesOn(client)
    await away.goesOn()
  } finally {
    await daemon.stop()
  }
})

test('F23 sftp-server stands still and goes on: a pause, then 226 with equal bytes over the same session', async () => {
  const before = place.renewals().length
  const { client, upload, server } = await halfDone(place)
  freeze(server)
  const second = upload.send(half)
  await sleep(1_500)
  signal(server, 'SIGCONT')
  await second
  expect(await upload.finish()).toBe(226)
  expect(place.renewals()).toHaveLength(before)
  place.holdsOnly(whole)
  await place.goesOn(client)
})

test('F24 sftp-server stands still for ever: another session takes over, 226, and what the frozen one does later changes nothing', async () => {
  const before = place.renewals().length
  const { client, upload, server } = await halfDone(place)
  freeze(server)
  await upload.send(half)
  expect(await upload.finish()).toBe(226)
  expect(place.renewals().slice(before)).toEqual(['ok'])
  place.holdsOnly(whole)
  signal(server, 'SIGCONT')
  await vi.waitUntil(() => processStat(server) === undefined, { timeout: 30_000 })
  place.holdsOnly(whole)
  await place.goesOn(client)
})

test('F24 sftp-server stands still for ever and timeouts.reconnect is 0: 451 in time, the old file stays, the next login works', async () => {
  const { upload, server } = await halfDone(plain)
  freeze(server)
  await upload.send(half)
  expect(await upload.finish()).toBe(451)
  expect(plain.stored('f').equals(old)).toBe(true)
  signal(server, 'SIGCONT')
  await vi.waitUntil(() => processStat(server) === undefined, { timeout: 30_000 })
  expect(plain.stored('f').equals(old)).toBe(true)
  await failedAndWorks()
})

test('F32 the rename is carried out and its answer is lost with the session: 226, and the file is whole', async () => {
  const before = place.renewals().length
  const { client, upload, server } = await halfDone(place)
  await upload.send(half)
  const injection = await inject(server, place.part('f') ?? '', 'rename:delay_exit=60000000')
  const code = upload.finish()
  await vi.waitUntil(() => place.stored('f').equals(whole), { timeout: 30_000 })
  signal(sshdOf(server), 'SIGKILL')
  expect(await code).toBe(226)
  expect(injection.hits()).toBe(1)
  await injection.stop()
  expect(place.renewals().slice(before)).toEqual(['ok'])
  place.holdsOnly(whole)
  await place.goesOn(client)
})

test('F32 the rename is carried out long after it was given up with 451: the file that was stored meanwhile stays', async () => {
  const { client, upload, server } = await halfDone(plain)
  await upload.send(half)
  const injection = await inject(server, plain.part('f') ?? '', 'rename:delay_enter=60000000')
  expect(await upload.finish()).toBe(451)
  expect(plain.stored('f').equals(old)).toBe(true)
  client.close()
  const newer = Buffer.from('newer')
  const next = await plain.logIn()
  expect((await next.transfer('STOR f', newer)).code).toBe(226)
  await injection.stop()
  await vi.waitUntil(() => processStat(server) === undefined, { timeout: 30_000 })
  plain.holdsOnly(newer)
  await plain.goesOn(next)
})
