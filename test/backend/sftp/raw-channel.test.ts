import type { ClientChannel } from 'ssh2'
import { expect, test } from 'vitest'
import { ByteBudget } from '../../../src/backend/sftp/byte-budget.ts'
import { takeOver } from '../../../src/backend/sftp/raw-channel.ts'
import { SftpClient } from '../../../src/backend/sftp/sftp-client.ts'
import { SftpSession } from '../../../src/backend/sftp/sftp-session.ts'
import { requestBytesMax } from '../../../src/backend/sftp/wire.ts'
import { Writer } from '../../../src/backend/sftp/writer.ts'

const version = Buffer.from('000000050200000003', 'hex')

/** An SFTP session on what the gateway sees of an SSH channel, with a server that opens its window when told. */
async function sessionOn(window: number) {
  const sent: Buffer[] = []
  const ssh = {
    incoming: { window: 0 },
    outgoing: { id: 0, window, packetSize: 32768, state: 'open' },
    push: (_chunk: Buffer | null) => true,
    _waitWindow: false,
    _chunkcb: undefined as (() => void) | undefined,
    _client: {
      _protocol: { channelData: (_id: number, data: Buffer) => sent.push(Buffer.from(data)), channelWindowAdjust() {} },
      _sock: { writableLength: 0 },
    },
    stderr: { resume() {} },
    on() {},
    close() {},
  }
  const session = new SftpSession({ requestMs: 60_000, closeMs: 60_000 })
  const channel = takeOver(ssh as unknown as ClientChannel, 2 ** 20, {
    onData: (bytes) => session.receive(bytes),
    onClose: () => session.close(),
  })
  const starting = session.start(channel)
  ssh.push(version)
  await starting
  return {
    session,
    sent,
    says: (bytes: Buffer) => ssh.push(bytes),
    openWindow(bytes: number) {
      ssh.outgoing.window += bytes
      ssh._waitWindow = false
      ssh._chunkcb?.()
    },
  }
}

function writerOn(session: SftpSession): Writer {
  const plan = {
    start: 0,
    requestBytes: requestBytesMax,
    inFlightMax: 4 * requestBytesMax,
    budget: new ByteBudget(2 ** 24),
    explain: async (error: unknown) => error as Error,
  }
  const lane = { client: new SftpClient(session), handle: Buffer.from('h'), queued: () => session.queued }
  const writer = new Writer(lane, plan)
  writer.on('error', () => {})
  return writer
}

const turn = () => new Promise((resolve) => setImmediate(resolve))
const statusOf = (id: number, code: number) => {
  const answer = Buffer.from('000000096500000000000000ff', 'hex')
  answer.writeUInt32BE(id, 5)
  answer.writeUInt32BE(code, 9)
  return answer
}

test('a server that acknowledges a WRITE which it has not taken never gets bytes of another upload', async () => {
  const liar = await sessionOn(1000)
  const honest = await sessionOn(2 ** 24)
  writerOn(liar.session).write(Buffer.alloc(requestBytesMax, 'a'))
  liar.says(statusOf(1, 0))
  await turn()
  writerOn(honest.session).write(Buffer.alloc(requestBytesMax, 'b'))
  liar.openWindow(2 ** 20)
  expect(Buffer.concat(liar.sent).includes('bbbb')).toBe(false)
  expect(Buffer.concat(honest.sent).includes('bbbb')).toBe(true)
  liar.session.close()
  honest.session.close()
})

test('a server that refuses a WRITE before it has taken all of it is believed, and the session goes on', async () => {
  const { session, says, openWindow, sent } = await sessionOn(1000)
  const writer = writerOn(session)
  writer.write(Buffer.alloc(requestBytesMax, 'a'))
  says(statusOf(1, 4))
  await turn()
  expect(writer.errored?.message).toContain('write')
  expect(session.dead).toBe(false)
  openWindow(2 ** 20)
  expect(Buffer.concat(sent).length).toBeGreaterThan(requestBytesMax)
  session.close()
})
