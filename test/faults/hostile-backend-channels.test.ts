import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { BackendError } from '../../src/backend/backend.ts'
import { type Connection, greet } from '../../src/backend/sftp/connection.ts'
import { createHostKeyPolicy } from '../../src/backend/sftp/host-keys.ts'
import { openSubsystem } from '../../src/backend/sftp/raw-channel.ts'
import { SftpClient } from '../../src/backend/sftp/sftp-client.ts'
import { SftpSession } from '../../src/backend/sftp/sftp-session.ts'
import { Secret } from '../../src/ftp/secret.ts'
import { big, outcome } from '../support/hostile-sftp/arena.ts'
import {
  answer,
  answers,
  besidesUnknownId,
  bytes,
  closeChannel,
  endOfData,
  lengthOnly,
  lostAtRequest,
  packet,
  silence,
  twice,
  u32,
  wrongId,
} from '../support/hostile-sftp/misdeeds.ts'
import type { Misdeed } from '../support/hostile-sftp/scenario.ts'
import { type HostileServer, startHostileServer, victim } from '../support/hostile-sftp/server.ts'

/*
 * Several channels of one SSH connection: what happens to the first is nothing to the second, unless the connection is lost.
 */

const deadlineMs = 1_200
let server: HostileServer
let connection: Connection
let lost: BackendError | undefined
const sessions: SftpSession[] = []

beforeEach(async () => {
  lost = undefined
  server = await startHostileServer()
  server.tree.addFile('/big', big)
  const { host, port, fingerprint } = server
  const hostKeys = createHostKeyPolicy({ host, port, fingerprints: [fingerprint], knownHostsText: undefined })
  const onLost = (error: BackendError) => {
    lost = error
    for (const session of sessions) session.fail(error)
  }
  const credentials = { kind: 'password', username: victim, password: new Secret('x') } as const
  const options = { host, port, hostKeys, connectMs: 5_000, loginMs: 5_000, keepalive: true }
  connection = await (await greet(options, new AbortController().signal)).logIn(credentials, onLost)
})
afterEach(async () => {
  for (const session of sessions.splice(0)) session.close()
  connection.destroy()
  await server.stop()
})

async function openChannel(lastId = 0): Promise<SftpClient> {
  const session = new SftpSession({ requestMs: deadlineMs, closeMs: deadlineMs }, lastId)
  const events = {
    onData: (chunk: Buffer) => session.receive(chunk),
    onClose: () => session.fail(new BackendError('unavailable', 'the server closed the channel')),
  }
  const channel = await openSubsystem(connection.client, 4 * 1024 * 1024, events, deadlineMs)
  await session.start(channel)
  sessions.push(session)
  return new SftpClient(session)
}

/** Reads the big file with all its READs under way at once. */
async function readAll(client: SftpClient): Promise<Buffer> {
  const handle = await client.open('/big', 1)
  const step = 200_000
  const offsets = Array.from({ length: Math.ceil(big.length / step) }, (_, i) => i * step)
  const chunks = await Promise.all(offsets.map((offset) => client.read(handle, offset, step)))
  await client.close(handle)
  return Buffer.concat(chunks.map((chunk) => chunk ?? Buffer.alloc(0)))
}

describe('One channel goes on while another', () => {
  test.each<[string, Misdeed, 'done' | 'failed' | 'unavailable']>([
    ['is closed by the server', closeChannel, 'unavailable'],
    ['gets the end of its data', endOfData, 'unavailable'],
    ['gets 5 MB of error text', { do: 'stderr', bytes: 5_000_000 }, 'done'],
    ['gets a packet of 0 bytes', lengthOnly(0), 'unavailable'],
    ['gets a packet of 2^31 bytes', lengthOnly(2 ** 31), 'unavailable'],
    ['gets a packet of an unknown type', answers(99), 'unavailable'],
    ['gets half a packet and no more', bytes(u32(1000), Buffer.alloc(20)), 'unavailable'],
    ['gets VERSION in the middle', bytes(packet(answer.version, u32(3))), 'unavailable'],
    ['gets no answer', silence, 'unavailable'],
    ['gets the answer to another id', wrongId, 'unavailable'],
    ['gets every answer twice', twice, 'done'],
    ['gets answers that it did not ask for', besidesUnknownId, 'done'],
    ['gets an answer of the wrong type', answers(answer.handle, u32(1), Buffer.of(65)), 'failed'],
    ['gets 2 MiB of answers that it did not ask for', bytes(flood(2)), 'unavailable'],
  ])('%s', async (_what, does, expected) => {
    server.misbehave({ faults: [{ on: 'stat', channel: 1, does }] })
    const [first, second] = [await openChannel(), await openChannel()]
    const during = [outcome(first.stat('/big')), readAll(second), readAll(second)] as const
    expect(await during[0]).toBe(expected)
    expect((await during[1]).equals(big)).toBe(true)
    expect((await during[2]).equals(big)).toBe(true)
    expect(await outcome(first.lstat('/big'))).toBe(expected === 'unavailable' ? 'unavailable' : 'done')
    expect((await readAll(second)).equals(big)).toBe(true)
    // There is room for another in its place.
    expect((await readAll(await openChannel())).equals(big)).toBe(true)
    expect(lost).toBeUndefined()
  })

  test('is closed by us with many requests under way', async () => {
    const [first, second] = [await openChannel(), await openChannel()]
    const during = readAll(second)
    const abandoned = outcome(readAll(first))
    await first.stat('/big')
    first.session.close()
    expect(await abandoned).toBe('unavailable')
    expect((await during).equals(big)).toBe(true)
    expect((await readAll(second)).equals(big)).toBe(true)
  })

  test.each<['refuse' | 'silence', 'channelOpen' | 'subsystem']>([
    ['refuse', 'channelOpen'],
    ['silence', 'channelOpen'],
    ['refuse', 'subsystem'],
    ['silence', 'subsystem'],
  ])('cannot be opened: %s at %s', async (how, where) => {
    const first = await openChannel()
    server.misbehave({ ssh: { [where]: how } })
    await expect(openChannel()).rejects.toThrow()
    expect((await readAll(first)).equals(big)).toBe(true)
    // A channel that nobody uses would take one of the few places that a connection has.
    if (where === 'subsystem') await expect.poll(() => server.channels, { timeout: 5_000 }).toBe(1)
    server.misbehave({})
    expect((await readAll(await openChannel())).equals(big)).toBe(true)
    expect(lost).toBeUndefined()
  })

  test('is new: many at a time open, work and close', async () => {
    const clients = await Promise.all(Array.from({ length: 8 }, () => openChannel()))
    const contents = await Promise.all(clients.map(readAll))
    for (const content of contents) expect(content.equals(big)).toBe(true)
  })
})

test('a new key exchange for every megabyte is nothing to the channels that work meanwhile', async () => {
  server.misbehave({ ssh: { rekeyEveryBytes: 1_000_000 } })
  const clients = await Promise.all([openChannel(), openChannel(), openChannel()])
  for (let round = 0; round < 3; round++) {
    for (const content of await Promise.all(clients.map(readAll))) expect(content.equals(big)).toBe(true)
  }
  expect(server.rekeys).toBeGreaterThan(3)
})

test('the loss of the connection ends every channel, each request and each later one, at once', async () => {
  server.misbehave({ faults: [{ on: 'mkdir', channel: 1, does: lostAtRequest }] })
  const clients = await Promise.all([openChannel(), openChannel(), openChannel()])
  const reading = clients.slice(1).map((client) => outcome(readAll(client)))
  const [first] = clients
  expect(await outcome(first.mkdir('/x'))).toBe('unavailable')
  await Promise.all(reading)
  for (const client of clients) expect(await outcome(client.stat('/big'))).toBe('unavailable')
  expect(lost).toBeDefined()
})

test('READ and CLOSE, or WRITE, fsync, FSTAT and CLOSE, may be sent together: in-order servers answer them all', async () => {
  const client = await openChannel()
  const handle = await client.open('/big', 1)
  const together = [client.read(handle, 0, 1000), client.close(handle), client.stat('/big')] as const
  const [data] = await Promise.all(together)
  expect(data?.equals(big.subarray(0, 1000))).toBe(true)
  expect(server.handles).toBe(0)
})

test.each([1, 2, 3, 4])(
  'of requests that are sent together number %i may be lost with the connection, and none succeeds after it',
  async (nth) => {
    server.misbehave({ faults: [{ on: 'fsync@openssh.com', nth, does: lostAtRequest }] })
    const client = await openChannel()
    const handle = await client.open('/new', 2 | 8)
    const together = Array.from({ length: 4 }, () => outcome(client.fsync(handle)))
    const closing = outcome(client.close(handle))
    const ended = await Promise.all(together)
    // An answer that was sent before the loss may still have been read, or not.
    expect(ended.slice(nth - 1).every((one) => one === 'unavailable')).toBe(true)
    expect(await closing).toBe('unavailable')
  },
)

test.each([2 ** 31 - 10, 2 ** 32 - 10])(
  'after %i requests the next ones still find their answers, in any order',
  async (requests) => {
    server.misbehave({ faults: [{ on: 'read', times: 5, does: { do: 'hold', forMs: 20 } }] })
    const client = await openChannel(requests)
    expect((await readAll(client)).equals(big)).toBe(true)
    expect((await readAll(client)).equals(big)).toBe(true)
  },
)

function flood(megabytes: number): Buffer {
  const one = packet(answer.status, u32(0x7ffffff0), u32(0), u32(0), u32(0))
  return Buffer.alloc(megabytes * 1024 * 1024 - ((megabytes * 1024 * 1024) % one.length), one)
}
