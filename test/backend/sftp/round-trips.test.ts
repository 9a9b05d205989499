import { afterEach, beforeEach, expect, test } from 'vitest'
import { Dialogue } from '../../support/dialogue.ts'
import { startTestGateway, type TestGateway } from '../../support/gateway-under-test.ts'
import { type HostileServer, startHostileServer, victim } from '../../support/hostile-sftp/server.ts'

/*
 * How often a command waits for the backend, which is what it costs over distance: the server is 50 ms away, and all that
 * is asked before the first answer is back is one round trip. A login that comes to a directory for the first time has it
 * looked through for what a killed gateway may have left there; here that was done by a listing.
 */

let server: HostileServer
let gateway: TestGateway
let client: Dialogue
/** What was asked in each round trip, oldest first. */
let trips: (readonly string[])[] = []

async function setUp(capabilities: object, { lookedThrough = true } = {}): Promise<void> {
  server = await startHostileServer()
  const { host, port, fingerprint } = server
  const backends = [{ name: 'far', host, port, hostKeys: [fingerprint], capabilities }]
  gateway = await startTestGateway({ settings: { backends } })
  client = await Dialogue.connect({ port: gateway.implicit, tls: 'implicit', certificate: gateway.certificate })
  await client.dialogue('< 220', `> USER ${victim}`, '< 331', '> PASS x', '< 230', '> TYPE I', '< 200')
  if (lookedThrough) await client.transfer('LIST /')
  const mine = trips
  server.misbehave({
    faults: [
      {
        on: 'any',
        times: Number.POSITIVE_INFINITY,
        does: { do: 'travel', forMs: 50, told: (trip) => mine.push(trip) },
      },
    ],
  })
}

afterEach(async () => {
  client.close()
  await gateway.stop()
  await server.stop()
})
beforeEach(() => {
  // Another array, because the last server may still answer a CLOSE.
  trips = []
})

const small = Buffer.alloc(4096, 'x')

test('on a server that answers in order a small upload costs three round trips, the next SIZE none, a small download two', async () => {
  await setUp({ answersInOrder: true })
  expect((await client.transfer('STOR /small', small)).code).toBe(226)
  expect(trips).toEqual([
    ['open', 'lstat'],
    ['remove', 'write', 'fsync@openssh.com', 'fstat', 'close'],
    ['posix-rename@openssh.com'],
  ])
  trips.length = 0
  await client.dialogue('> SIZE /small', '< 213', '> MDTM /small', '< 213')
  expect(trips).toEqual([])
  expect((await client.transfer('RETR /small')).code).toBe(226)
  expect(trips).toEqual([
    ['open', 'stat'],
    ['fstat', 'read', 'close'],
  ])
})

test('the first upload of a login to a directory has it looked through meanwhile, before the name is given', async () => {
  await setUp({ answersInOrder: true, pipelinedReaddir: 16 }, { lookedThrough: false })
  expect((await client.transfer('STOR /small', small)).code).toBe(226)
  expect(trips).toHaveLength(3)
  expect(trips[0]).toEqual(['open', 'lstat', 'opendir'])
  expect(trips[1]?.slice(0, 4)).toEqual(['readdir', 'readdir', 'remove', 'write'])
  expect(trips[2]?.slice(-2)).toEqual(['remove', 'posix-rename@openssh.com'])
  trips.length = 0
  expect((await client.transfer('STOR /other', small)).code).toBe(226)
  expect(trips[0]).toEqual(['open', 'lstat'])
})

test('a new version of a file keeps its mode in the same three round trips', async () => {
  await setUp({ answersInOrder: true })
  server.tree.addFile('/small', 'old')
  expect((await client.transfer('STOR /small', small)).code).toBe(226)
  expect(trips).toEqual([
    ['open', 'lstat'],
    ['remove', 'write', 'fsetstat', 'fsync@openssh.com', 'fstat', 'close'],
    ['posix-rename@openssh.com'],
  ])
})

test('SIZE and MDTM of one file cost one round trip, and SIZE again another', async () => {
  await setUp({ answersInOrder: true })
  server.tree.addFile('/small', 'old')
  await client.dialogue('> SIZE /small', '< 213 3', '> MDTM /small', '< 213')
  expect(trips).toEqual([['stat', 'lstat', 'lstat']])
  await client.dialogue('> SIZE /small', '< 213 3')
  expect(trips).toEqual([
    ['stat', 'lstat', 'lstat'],
    ['stat', 'lstat', 'lstat'],
  ])
})

test('on a server that may answer in any order nothing is sent behind what it depends on', async () => {
  await setUp({ answersInOrder: false })
  expect((await client.transfer('STOR /small', small)).code).toBe(226)
  expect(trips).toEqual([
    ['open', 'lstat'],
    ['remove', 'write'],
    ['fsync@openssh.com'],
    ['fstat'],
    ['close'],
    ['posix-rename@openssh.com'],
  ])
  trips.length = 0
  expect((await client.transfer('RETR /small')).code).toBe(226)
  expect(trips.slice(0, 3)).toEqual([['open'], ['fstat'], ['read', 'read']])
})

test('a change of directory and a listing of up to two hundred names cost three round trips', async () => {
  await setUp({ answersInOrder: true, pipelinedReaddir: 16 })
  server.tree.addFile('/folder/a', 'a')
  await client.dialogue('> CWD /folder', '< 250')
  expect(trips).toHaveLength(1)
  trips.length = 0
  expect((await client.transfer('LIST')).code).toBe(226)
  expect(trips.slice(0, 2)).toEqual([['opendir'], ['readdir', 'readdir']])
  expect(trips.length).toBeLessThanOrEqual(3)
})
