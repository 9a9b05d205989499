import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { readInto } from '../../src/tls/read-into.ts'

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

/** Two ends of a connection; `near` is paused. */
async function pair(): Promise<{ near: Socket; far: Socket }> {
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const far = connect((server.address() as { port: number }).port, '127.0.0.1')
  const [near] = (await once(server, 'connection')) as [Socket]
  closers.push(
    () => server.close(),
    () => near.destroy(),
    () => far.destroy(),
  )
  return { near, far }
}

/** Collects what it is given in a room of so many bytes, and is full after so many. */
function collector(roomBytes: number, fullAfter = Number.POSITIVE_INFINITY) {
  const room = Buffer.alloc(roomBytes)
  const chunks: Buffer[] = []
  return {
    chunks,
    room: () => room,
    filled(bytes: number) {
      chunks.push(Buffer.from(room.subarray(0, bytes)))
      return chunks.length % fullAfter !== 0
    },
  }
}

test('on this Node a socket reads into memory that it is given, and tells its end', async () => {
  const { near, far } = await pair()
  const target = collector(1000)
  expect(readInto(near, target)).toBe(true)
  const content = Buffer.from(Array.from({ length: 300_000 }, (_, i) => i % 251))
  far.end(content)
  near.resume()
  await once(near, 'end')
  expect(Buffer.concat(target.chunks).equals(content)).toBe(true)
  expect(Math.max(...target.chunks.map(({ length }) => length))).toBe(1000)
})

test('what came before comes first', async () => {
  const { near, far } = await pair()
  far.write('early ')
  near.once('readable', () => {})
  await once(near, 'readable')
  const target = collector(4)
  expect(readInto(near, target)).toBe(true)
  far.end('late')
  near.resume()
  await once(near, 'end')
  expect(Buffer.concat(target.chunks).toString()).toBe('early late')
})

test('a target that wants no more pauses the socket until it is resumed', async () => {
  const { near, far } = await pair()
  const target = collector(1000, 3)
  readInto(near, target)
  far.end(Buffer.alloc(10_000))
  for (let sofar = 3; sofar <= 9; sofar += 3) {
    near.resume()
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(target.chunks).toHaveLength(sofar)
  }
  near.resume()
  await once(near, 'end')
  expect(target.chunks).toHaveLength(10)
})

test('a socket that is made otherwise is left as it is', async () => {
  const { near, far } = await pair()
  const target = collector(1000)
  expect(readInto({ ...near, read: () => null } as unknown as Socket, target)).toBe(false)
  far.end('content')
  expect((await near.toArray()).toString()).toBe('content')
})
