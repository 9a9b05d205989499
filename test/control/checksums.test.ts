import { afterEach, expect, test } from 'vitest'
import { type MemoryGateway, startMemoryGateway } from '../support/memory-gateway.ts'

let gateway: MemoryGateway
afterEach(async () => {
  await gateway.stop()
  expect(gateway.events.filter(({ kind }) => kind === 'bug')).toEqual([])
})

/** A session whose HASH has begun, on a server that does not answer. */
async function hashing(tls: 'off' | 'explicit') {
  gateway = await startMemoryGateway({ tls })
  gateway.backend.tree.addFile('/f', 'text')
  const client = await gateway.logIn()
  gateway.backend.before = (operation) => (operation === 'readChunk' ? new Promise(() => {}) : undefined)
  const replies = client.dialogue('> HASH f').catch(() => {})
  await expect.poll(() => gateway.backend.openHandles).toBe(1)
  return { client, replies }
}

test.each(['off', 'explicit'] as const)('a client that hangs up ends its checksum (TLS %s)', async (tls) => {
  const { client, replies } = await hashing(tls)
  client.close()
  await replies
  await expect.poll(() => gateway.backend.openHandles).toBe(0)
})

test('a checksum ends with a session that is cut', async () => {
  const { replies } = await hashing('off')
  await gateway.server.stop(0)
  await replies
  expect(gateway.backend.openHandles).toBe(0)
})
