import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import { Dialogue } from '../support/dialogue.ts'
import { old, useFaultyPlace, whole } from '../support/faulty-place.ts'
import type { TestGateway } from '../support/gateway-under-test.ts'

/* An OpenSSH that is set up, or busy, so that it makes trouble; backend-accounts.test.ts has logins that it refuses. */

const rekeying = useFaultyPlace(() => ({}), { extraConfig: ['RekeyLimit 64K'] })
const busy = useFaultyPlace((main) => ({ backends: [{ ...main, timeouts: { login: '5s' } }] }), {
  extraConfig: ['MaxStartups 2:100:2'],
})
const everyExtension =
  'posix-rename,statvfs,fstatvfs,hardlink,fsync,lsetstat,limits,expand-path,copy-data,home-directory,users-groups-by-id'
const bare = useFaultyPlace(() => ({}), {
  subsystem: `/usr/lib/openssh/sftp-server -d {home} -P ${everyExtension}`,
})

const sockets: Socket[] = []
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy()
})

test('F33 keys are exchanged again after every 64 KiB: an upload and a download get 226 with equal bytes', async () => {
  const client = await rekeying.begin()
  expect((await client.transfer('STOR f', whole)).code).toBe(226)
  const { code, content } = await client.transfer('RETR f')
  expect(code).toBe(226)
  expect(content.equals(whole)).toBe(true)
  rekeying.holdsOnly(whole)
  expect(rekeying.sshd.log().match(/SSH2_MSG_NEWKEYS sent/g)?.length).toBeGreaterThan(100)
  expect(rekeying.renewals()).toEqual([])
  await rekeying.goesOn(client)
})

/** Connections that do not log in, as many as the server bears. */
async function occupy(): Promise<void> {
  for (let i = 0; i < 2; i++) {
    const socket = connect(busy.sshd.port, busy.sshd.host)
    sockets.push(socket.on('error', () => {}))
    await once(socket, 'data')
  }
}

/** The code of a login. */
async function logInTo({ explicit, certificate }: TestGateway): Promise<number> {
  const client = await Dialogue.connect({ port: explicit, tls: 'explicit', certificate })
  try {
    await client.dialogue('< 220')
    await client.secure()
    await client.dialogue(`> USER ${busy.sshd.user.name}`, '< 331')
    await client.send(`PASS ${busy.sshd.user.password}`, 'PASS [secret]')
    return (await client.reply()).code
  } finally {
    client.close()
  }
}
const hungUp = () =>
  busy.gateway.log.filter((event) => event.kind === 'backendConnection' && event.outcome === 'lost').length

test('F34 the server takes no more connections (MaxStartups): 421 and never 530, and the same login works when there is room', async () => {
  await occupy()
  expect(await logInTo(busy.gateway)).toBe(421)
  expect(hungUp()).toBeGreaterThan(1)
  for (const socket of sockets.splice(0)) socket.destroy()
  await busy.goesOn()
  const outcomes = busy.gateway.log.flatMap((event) => (event.kind === 'login' ? [event.outcome] : []))
  expect(outcomes).toEqual(['backend', 'ok'])
})

test('F34 the server takes no more connections for a moment: the login waits and works', async () => {
  await occupy()
  const before = hungUp()
  const login = logInTo(busy.gateway)
  await vi.waitUntil(() => hungUp() > before, { timeout: 10_000, interval: 5 })
  for (const socket of sockets.splice(0)) socket.destroy()
  expect(await login).toBe(230)
})

test('F34 twenty logins at once where the server bears two at a time: none is told 530, and then all of them work', async () => {
  const codes = await Promise.all(Array.from({ length: 20 }, () => logInTo(busy.gateway)))
  expect(codes.filter((code) => code !== 230 && code !== 421)).toEqual([])
  expect(codes).toContain(230)
  for (let i = 0; i < 3; i++) await busy.goesOn()
})

test('F37 the server has no extension: a file is replaced by 226 with equal bytes, and nothing is left beside it', async () => {
  const client = await bare.begin()
  const ready = bare.gateway.log.find((event) => event.kind === 'backendReady')
  expect(ready).toMatchObject({ extensions: [] })
  expect((await client.transfer('STOR f', whole)).code).toBe(226)
  expect(readdirSync(bare.sshd.home)).toEqual(['f'])
  bare.holdsOnly(whole)
  expect((await client.transfer('RETR f')).content.equals(whole)).toBe(true)
  await client.dialogue('> RNFR f', '< 350', '> RNTO g', '< 250')
  expect((await client.transfer('STOR f', old)).code).toBe(226)
  await client.dialogue('> RNFR g', '< 350', '> RNTO f', '< 250')
  expect(readdirSync(bare.sshd.home)).toEqual(['f'])
  bare.holdsOnly(whole)
  await bare.goesOn(client)
})
