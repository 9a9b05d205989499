import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { expect, test, vi } from 'vitest'
import { queueIn, sendQueue } from '../../src/data/send-queue.ts'

const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0
   1: 0100007F:1F90 0100007F:C350 01 0001A2B3:00000000 01:00000014 00000000     0        0 2 2 0
`

test('the queue of a connection is found by its two ports', () => {
  expect(queueIn(table, 0x1f90, 0xc350)).toBe(0x1a2b3)
  expect(queueIn(table, 0x1f90, 0xc351)).toBeUndefined()
  expect(queueIn('', 1, 2)).toBeUndefined()
})

test('what a client has not read is in the queue, and leaves it as the client reads', async () => {
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const ours = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [theirs] = (await once(server, 'connection')) as [Socket]
  ours.write(Buffer.alloc(20_000_000))
  const queued = () => sendQueue(ours).then((bytes) => bytes ?? 0)
  await vi.waitFor(async () => expect(await queued()).toBeGreaterThan(0))
  theirs.resume()
  await vi.waitFor(async () => expect(await queued()).toBe(0), 10_000)
  ours.destroy()
  server.close()
  expect(await sendQueue(ours)).toBeUndefined()
})
