import { expect, test } from 'vitest'
import type { Connection } from '../../../src/backend/sftp/connection.ts'
import { Line } from '../../../src/backend/sftp/pooled-line.ts'
import type { Server } from '../../../src/backend/sftp/server.ts'
import { ChannelRefused, type SftpChannel } from '../../../src/backend/sftp/sftp-channel.ts'
import type { SftpSession } from '../../../src/backend/sftp/sftp-session.ts'

/** A connection to a server that counts a session for as long as it likes. */
function lineTo(server: { refuses: boolean }) {
  const learned: number[] = []
  const ends: (() => void)[] = []
  const uses: string[] = []
  const connection = { destroy: () => {} } as unknown as Connection
  const line = new Line(
    async () => connection,
    {
      async openChannel(_connection, onEnd): Promise<SftpChannel> {
        if (server.refuses) throw new ChannelRefused('unavailable', 'no more sessions')
        ends.push(onEnd)
        const session = { close: onEnd, quiet: async () => {}, dead: false } as unknown as SftpSession
        return { session, server: {} as Server, home: '/' }
      },
      channels: () => 8,
      learnChannels: (_connection, channels) => void learned.push(channels),
      onUse: (before, after) => void uses.push(`${before ?? 'none'} > ${after ?? 'none'}`),
      idleMs: 60_000,
    },
    { onRoom: () => {}, onGone: () => {} },
  )
  return { line, learned, ends, uses }
}

test('a refused session tells how many the server allows', async () => {
  const server = { refuses: false }
  const { line, learned } = lineTo(server)
  await line.lease()
  await line.lease()
  server.refuses = true
  await expect(line.lease()).rejects.toThrow(ChannelRefused)
  expect(learned).toEqual([2])
  expect(line.hasRoom).toBe(false)
  line.close()
})

test('it tells nothing once a session has ended, which the server may still count', async () => {
  const server = { refuses: false }
  const { line, learned, ends } = lineTo(server)
  await line.lease()
  const lease = await line.lease()
  // The lease gave its session up with a file open.
  Object.defineProperty(lease.client, 'openHandles', { value: 1 })
  lease.release()
  expect(ends).toHaveLength(2)
  server.refuses = true
  await expect(line.lease()).rejects.toThrow(ChannelRefused)
  expect(learned).toEqual([])
  line.close()
})

test('it tells once each time that it begins to be used, is kept warm, or has gone', async () => {
  const { line, uses } = lineTo({ refuses: false })
  const [first, second] = [await line.lease(), await line.lease()]
  expect(uses).toEqual(['none > in_use'])
  first.release()
  second.release()
  await new Promise(setImmediate)
  expect(uses).toEqual(['none > in_use', 'in_use > idle'])
  await line.lease()
  line.close()
  line.close()
  expect(uses.slice(2)).toEqual(['idle > in_use', 'in_use > none'])
})
