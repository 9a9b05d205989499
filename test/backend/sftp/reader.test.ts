import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BackendError } from '../../../src/backend/backend.ts'
import { ByteBudget } from '../../../src/backend/sftp/byte-budget.ts'
import { Reader, type ReadLane } from '../../../src/backend/sftp/reader.ts'

const handle = Buffer.from('h')

/** A server that holds `file`, answers at most `answerMax` bytes, and counts what is asked for. */
function server(file: Buffer, answerMax = Number.POSITIVE_INFINITY) {
  const asked: { offset: number; length: number }[] = []
  return {
    asked,
    waiting: 0,
    waitingMax: 0,
    async read(_handle: Buffer, offset: number, length: number): Promise<Buffer | undefined> {
      asked.push({ offset, length })
      this.waiting++
      this.waitingMax = Math.max(this.waiting, this.waitingMax)
      await new Promise(setImmediate)
      this.waiting--
      if (offset >= file.length) return undefined
      return file.subarray(offset, offset + Math.min(length, answerMax))
    },
  }
}

const lane = (client: ReadLane['client']): ReadLane => ({ client, handle })

function plan(size: number | undefined, options: { start?: number; requestBytes?: number; budget?: ByteBudget } = {}) {
  const { start = 0, requestBytes = 10, budget = new ByteBudget(1000) } = options
  return { start, size, requestBytes, inFlightMax: 100, budget }
}

async function collect(reader: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of reader) chunks.push(chunk)
  return Buffer.concat(chunks)
}

const bytes = (length: number) => Buffer.from(Array.from({ length }, (_, i) => i % 251))

test('whatever the sizes, the content arrives whole and in order, and the budget comes back', async () => {
  const cases = fc.record({
    length: fc.nat(300),
    start: fc.nat(300),
    requestBytes: fc.integer({ min: 1, max: 40 }),
    answerMax: fc.integer({ min: 1, max: 50 }),
    sizeKnown: fc.boolean(),
    budget: fc.integer({ min: 0, max: 200 }),
  })
  await fc.assert(
    fc.asyncProperty(cases, async ({ length, start, requestBytes, answerMax, sizeKnown, budget: bytesMax }) => {
      const file = bytes(length)
      const budget = new ByteBudget(bytesMax)
      const from = Math.min(start, length)
      const reader = new Reader(
        lane(server(file, answerMax)),
        plan(sizeKnown ? length : undefined, { start: from, requestBytes, budget }),
      )
      expect(await collect(reader)).toEqual(file.subarray(from))
      await new Promise((resolve) => setTimeout(resolve, 0))
      await new Promise(setImmediate)
      expect(budget.free).toBe(bytesMax)
    }),
  )
})

test.each([
  ['twice the same short answer is a limit of the server, and is told', 60_000, 8192, [8192]],
  ['answers as long as asked for teach nothing', 60_000, 16_384, []],
  ['one short answer may be the end of a file, and teaches nothing', 10_000, 8192, []],
  ['very short answers are no limit of a server', 60_000, 1000, []],
])('%s', async (_, length, answerMax, lessons) => {
  const told = new Set<number>()
  const options = {
    ...plan(length, { requestBytes: 16_384, budget: new ByteBudget(1e6) }),
    inFlightMax: 65_536,
    learnRequestBytes: (bytes: number) => told.add(bytes),
  }
  expect(await collect(new Reader(lane(server(bytes(length), answerMax)), options))).toEqual(bytes(length))
  expect([...told]).toEqual(lessons)
})

test('a file of known size is asked for once, and its end once', async () => {
  const remote = server(bytes(25))
  await collect(new Reader(lane(remote), plan(25)))
  expect(remote.asked).toEqual([
    { offset: 0, length: 10 },
    { offset: 10, length: 10 },
    { offset: 20, length: 5 },
    { offset: 25, length: 10 },
  ])
})

test('a file that grows while it is read is read to its new end', async () => {
  expect(await collect(new Reader(lane(server(bytes(40))), plan(25)))).toEqual(bytes(40))
})

test('the end of a file that grows by the same number of bytes again and again is not a limit of the server', async () => {
  const learned: number[] = []
  const growing = {
    length: 8192,
    async read(_handle: Buffer, offset: number, length: number): Promise<Buffer | undefined> {
      await new Promise(setImmediate)
      // Somebody appends to it whenever a reader comes to its end, five times.
      if (offset >= this.length && this.length < 6 * 8192) this.length += 8192
      return offset < this.length ? Buffer.alloc(Math.min(length, this.length - offset)) : undefined
    },
  }
  const budget = new ByteBudget(2 ** 24)
  const reader = new Reader(lane(growing), {
    ...plan(8192, { requestBytes: 65_536, budget }),
    inFlightMax: 2 ** 20,
    learnRequestBytes: (bytes) => learned.push(bytes),
  })
  expect(await collect(reader)).toHaveLength(6 * 8192)
  expect(learned).toEqual([])
})

test('a file that became shorter is an error, not a short download', async () => {
  await expect(collect(new Reader(lane(server(bytes(20))), plan(25)))).rejects.toMatchObject({ kind: 'failed' })
})

test('an answer without bytes is an error, not the end', async () => {
  const read = async () => Buffer.alloc(0)
  await expect(collect(new Reader(lane({ read }), plan(25)))).rejects.toMatchObject({ kind: 'failed' })
})

test('a failure comes after the bytes that came before it', async () => {
  const file = bytes(30)
  const remote = server(file)
  const read = (h: Buffer, offset: number, length: number) =>
    offset === 20 ? Promise.reject(new BackendError('unavailable', 'lost')) : remote.read(h, offset, length)
  const chunks: Buffer[] = []
  const reading = (async () => {
    for await (const chunk of new Reader(lane({ read }), plan(30))) chunks.push(chunk)
  })()
  await expect(reading).rejects.toMatchObject({ kind: 'unavailable' })
  expect(Buffer.concat(chunks)).toEqual(file.subarray(0, 20))
})

test('short answers make later requests smaller', async () => {
  const remote = server(bytes(20_000), 600)
  await collect(new Reader(lane(remote), { ...plan(20_000, { requestBytes: 1000 }), inFlightMax: 100_000 }))
  expect(remote.asked.at(-1)?.length).toBe(600)
})

test.each([100, 5000])(
  'one answer of %i bytes, as of a server that is busy for a moment, does not make all later requests small',
  async (short) => {
    const file = bytes(500_000)
    const remote = server(file)
    let answers = 0
    const client = {
      async read(...request: Parameters<typeof remote.read>) {
        const answer = await remote.read(...request)
        return ++answers === 3 ? answer?.subarray(0, short) : answer
      },
    }
    const options = { ...plan(file.length, { requestBytes: 10_000, budget: new ByteBudget(1e6) }), inFlightMax: 40_000 }
    expect(await collect(new Reader(lane(client), options))).toEqual(file)
    expect(remote.asked.length).toBeLessThan(70)
  },
)

test('four requests are under way from the start, and never more than may be in flight', async () => {
  // How far it goes in between depends on the path, see pace.test.ts.
  const remote = server(bytes(2000))
  const reader = new Reader(lane(remote), plan(2000))
  for await (const _ of reader) {
    expect(remote.asked.length).toBeGreaterThanOrEqual(4)
    expect(remote.waiting).toBeLessThanOrEqual(10)
  }
  expect(remote.waitingMax).toBeGreaterThanOrEqual(4)
  expect(remote.waitingMax).toBeLessThanOrEqual(10)
})

test('a reader that is stopped asks no more', async () => {
  const remote = server(bytes(2000))
  const reader = new Reader(lane(remote), plan(2000))
  for await (const _ of reader) reader.stop()
  expect(remote.asked.length).toBeLessThan(6)
})
