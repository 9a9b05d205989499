import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { BackendError } from '../../../src/backend/backend.ts'
import type { RawChannel } from '../../../src/backend/sftp/raw-channel.ts'
import { SftpClient } from '../../../src/backend/sftp/sftp-client.ts'
import { type EndedRequest, SftpSession } from '../../../src/backend/sftp/sftp-session.ts'

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')
const version = hex('00000005 02 00000003')
const ok = (id: number) => Buffer.concat([hex('00000009 65'), u32(id), u32(0)])

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** The far end of a session: what was sent, and a way to answer. */
class FakeChannel implements RawChannel {
  readonly sent: Buffer[] = []
  closed = 0
  readonly queued = 0
  readonly unsent = 0
  readonly packetSize = 32768
  send(bytes: Buffer): void {
    this.sent.push(Buffer.from(bytes))
  }
  close(): void {
    this.closed++
  }
  get lastId(): number {
    return this.sent.at(-1)?.readUInt32BE(5) ?? 0
  }
}

async function started(onRequest?: (ended: EndedRequest) => void) {
  const session = new SftpSession({ requestMs: 60_000, closeMs: 300_000, ...(onRequest && { onRequest }) })
  const channel = new FakeChannel()
  const starting = session.start(channel)
  session.receive(version)
  await starting
  return { session, channel, client: new SftpClient(session) }
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'clearTimeout', 'clearInterval', 'performance'] })
})
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

test('an answer finds its request by id, in any order', async () => {
  const { session, channel, client } = await started()
  const first = client.remove('/a')
  const firstId = channel.lastId
  const second = client.remove('/b')
  session.receive(ok(channel.lastId))
  await second
  session.receive(ok(firstId))
  await first
  session.close()
})

test('when the channel is lost every request fails at once, and later ones are refused without being sent', async () => {
  const dead: string[] = []
  const { session, channel, client } = await started()
  session.whenDead((error) => dead.push(error.message))
  const waiting = [client.remove('/a'), client.stat('/b')].map((p) => p.catch((e: BackendError) => e.kind))
  session.fail(new BackendError('unavailable', 'lost'))
  expect(await Promise.all(waiting)).toEqual(['unavailable', 'unavailable'])
  const sent = channel.sent.length
  await expect(client.remove('/c')).rejects.toMatchObject({ kind: 'unavailable' })
  expect(channel.sent.length).toBe(sent)
  expect(dead).toEqual(['lost'])
})

test('a server that does not answer is given up after the deadline', async () => {
  const { channel, client } = await started()
  const waiting = client.remove('/a').catch((e: BackendError) => e.message)
  await vi.advanceTimersByTimeAsync(62_000)
  expect(await waiting).toMatch(/no answer to remove for 6[0-2] s/)
  expect(channel.closed).toBe(1)
})

test('a slow request is waited for as long as the server answers others', async () => {
  const { session, channel, client } = await started()
  const slow = client.remove('/slow')
  const slowId = channel.lastId
  for (let i = 0; i < 5; i++) {
    await vi.advanceTimersByTimeAsync(50_000)
    const quick = client.remove('/quick')
    session.receive(ok(channel.lastId))
    await quick
  }
  session.receive(ok(slowId))
  await slow
  session.close()
})

test('CLOSE may take longer than other requests: object stores finish a file there', async () => {
  const { session, channel, client } = await started()
  const closing = client.close(Buffer.from('h'))
  await vi.advanceTimersByTimeAsync(200_000)
  session.receive(ok(channel.lastId))
  await closing
  session.close()
})

test('a malformed answer ends the session, because nothing after it can be trusted', async () => {
  const { session, channel, client } = await started()
  const waiting = client.remove('/a').catch((e: BackendError) => e.kind)
  session.receive(hex('00000005 63 00000001'))
  expect(await waiting).toBe('unavailable')
  expect(channel.closed).toBe(1)
})

test.each([
  ['a handle for a WRITE', '0000000a 66 %id 00000001 68'],
  ['data for a WRITE', '0000000a 67 %id 00000001 68'],
])('%s is not taken for success', async (_what, answer) => {
  const { session, channel, client } = await started()
  const writing = client.write(Buffer.alloc(40), Buffer.from('h'), 0, 1)
  session.receive(hex(answer.replace('%id', u32(channel.lastId).toString('hex'))))
  await expect(writing).rejects.toMatchObject({ kind: 'failed' })
  session.close()
})

test('STATUS OK for a READ is not taken for the end of the file', async () => {
  const { session, channel, client } = await started()
  const reading = client.read(Buffer.from('h'), 0, 10)
  session.receive(ok(channel.lastId))
  await expect(reading).rejects.toMatchObject({ kind: 'failed' })
  session.close()
})

test('a request that cannot be encoded fails, and no answer to it is waited for', async () => {
  const { channel, client } = await started()
  const sent = channel.sent.length
  await expect(client.read(Buffer.from('h'), 2 ** 64, 1)).rejects.toThrow()
  expect(channel.sent.length).toBe(sent)
  expect(vi.getTimerCount()).toBe(0)
})

test('a server of another version is refused', async () => {
  const session = new SftpSession({ requestMs: 1000, closeMs: 1000 })
  const starting = session.start(new FakeChannel())
  session.receive(hex('00000005 02 00000006'))
  await expect(starting).rejects.toMatchObject({ kind: 'unavailable' })
})

test('those who have nothing pending hear of the end too, unless they called it off', async () => {
  const { session } = await started()
  const heard: string[] = []
  session.whenDead((error) => heard.push(error.message))
  session.whenDead(() => heard.push('called off'))()
  session.fail(new BackendError('unavailable', 'lost'))
  session.whenDead((error) => heard.push(`late: ${error.message}`))
  expect(heard).toEqual(['lost', 'late: lost'])
})

test('each request is told once, with its answer and how long it took, or that there was none', async () => {
  const told: EndedRequest[] = []
  const { session, channel, client } = await started((ended) => told.push(ended))
  const removed = client.remove('/a')
  vi.advanceTimersByTime(250)
  session.receive(ok(channel.lastId))
  await removed
  const missing = client.remove('/b')
  session.receive(Buffer.concat([hex('00000009 65'), u32(channel.lastId), u32(2)]))
  await expect(missing).rejects.toThrow()
  const lost = client.fsync(Buffer.from('h'))
  session.fail(new BackendError('unavailable', 'lost'))
  await expect(lost).rejects.toThrow()
  session.close()
  expect(told).toEqual([
    { operation: 'remove', status: 'ok', seconds: 0.25 },
    { operation: 'remove', status: 'no_such_file', seconds: 0 },
    { operation: 'fsync@openssh.com', status: 'lost', seconds: 0 },
  ])
})

test('requests of a session that is closed are cancelled, not lost', async () => {
  const told: EndedRequest[] = []
  const { session, client } = await started((ended) => told.push(ended))
  const request = client.remove('/a')
  session.close()
  await expect(request).rejects.toThrow()
  expect(told.map(({ status }) => status)).toEqual(['cancelled'])
})
