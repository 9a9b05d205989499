import { once } from 'node:events'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BackendError } from '../../../src/backend/backend.ts'
import { ByteBudget } from '../../../src/backend/sftp/byte-budget.ts'
import { writeHeaderLength } from '../../../src/backend/sftp/encode.ts'
import { type WriteLane, Writer } from '../../../src/backend/sftp/writer.ts'

const handle = Buffer.from('h')

/** A server that keeps what it is sent, and answers in the next turn of the loop, or when `release` is called. */
function server(hold = false) {
  const writes: { offset: number; data: Buffer }[] = []
  const held: (() => void)[] = []
  return {
    writes,
    held,
    waiting: 0,
    waitingMax: 0,
    async write(message: Buffer, _handle: Buffer, offset: number, length: number): Promise<void> {
      const header = writeHeaderLength(handle)
      writes.push({ offset, data: Buffer.from(message.subarray(header, header + length)) })
      this.waiting += length
      this.waitingMax = Math.max(this.waiting, this.waitingMax)
      await new Promise<void>((resolve) => (hold ? held.push(resolve) : setImmediate(resolve)))
      this.waiting -= length
    },
  }
}

const lane = (client: WriteLane['client']): WriteLane => ({ client, handle, queued: () => 0 })

function plan(options: { start?: number; requestBytes?: number; inFlightMax?: number; budget?: ByteBudget } = {}) {
  const { start = 0, requestBytes = 10, inFlightMax = 30, budget = new ByteBudget(1000) } = options
  return { start, requestBytes, inFlightMax, budget, explain: async (error: unknown) => error as Error }
}

test('whatever the chunks, every byte is written once, in strictly increasing offset order, within the bounds', async () => {
  const cases = fc.record({
    chunks: fc.array(fc.uint8Array({ minLength: 1, maxLength: 60 }), { maxLength: 20 }),
    start: fc.nat(100),
    requestBytes: fc.integer({ min: 1, max: 20 }),
    inFlightMax: fc.integer({ min: 1, max: 100 }),
    bytesMax: fc.nat(100),
  })
  await fc.assert(
    fc.asyncProperty(cases, async ({ chunks, start, requestBytes, inFlightMax, bytesMax }) => {
      const remote = server()
      const budget = new ByteBudget(bytesMax)
      const writer = new Writer(lane(remote), plan({ start, requestBytes, inFlightMax, budget }))
      await pipeline(Readable.from(chunks.map((chunk) => Buffer.from(chunk))), writer)
      const content = Buffer.concat(chunks)
      let next = start
      for (const { offset, data } of remote.writes) {
        expect(offset).toBe(next)
        next += data.length
      }
      expect(Buffer.concat(remote.writes.map(({ data }) => data))).toEqual(content)
      expect(writer.contiguous).toBe(content.length)
      expect(remote.waitingMax).toBeLessThanOrEqual(Math.max(inFlightMax, requestBytes))
      expect(budget.free).toBe(bytesMax)
    }),
  )
})

test('it does not finish before the last acknowledgement', async () => {
  const remote = server(true)
  const writer = new Writer(lane(remote), plan())
  writer.end(Buffer.alloc(15))
  await new Promise((resolve) => setTimeout(resolve, 5))
  expect(writer.writableFinished).toBe(false)
  remote.held.shift()?.()
  await new Promise((resolve) => setTimeout(resolve, 5))
  expect(writer.writableFinished).toBe(false)
  const finished = once(writer, 'finish')
  remote.held.shift()?.()
  await finished
})

test('the first failure latches, and no success after it makes the upload finish', async () => {
  const remote = server()
  const write = (message: Buffer, h: Buffer, offset: number, length: number) =>
    offset === 10 ? Promise.reject(new BackendError('failed', 'disk')) : remote.write(message, h, offset, length)
  const writer = new Writer(lane({ write }), plan())
  const sending = pipeline(Readable.from([Buffer.alloc(35)]), writer)
  await expect(sending).rejects.toMatchObject({ message: 'disk' })
  expect(writer.writableFinished).toBe(false)
})

test('a failure is reported as what it is explained to be', async () => {
  const write = () => Promise.reject(new BackendError('failed', 'FAILURE'))
  const explain = async () => new BackendError('noSpace', 'full')
  const writer = new Writer(lane({ write }), { ...plan(), explain })
  await expect(pipeline(Readable.from([Buffer.alloc(35)]), writer)).rejects.toMatchObject({ kind: 'noSpace' })
})

test('an empty upload sends nothing and finishes', async () => {
  const remote = server()
  await pipeline(Readable.from([]), new Writer(lane(remote), plan()))
  expect(remote.writes).toEqual([])
})

test('bytes that are put into its room arrive as those that are written, whatever their pieces', async () => {
  const cases = fc.record({
    pieces: fc.array(fc.integer({ min: 1, max: 25 }), { maxLength: 30 }),
    start: fc.nat(100),
    requestBytes: fc.integer({ min: 1, max: 20 }),
    inFlightMax: fc.integer({ min: 1, max: 60 }),
  })
  await fc.assert(
    fc.asyncProperty(cases, async ({ pieces, start, requestBytes, inFlightMax }) => {
      const remote = server()
      const budget = new ByteBudget(1000)
      const writer = new Writer(lane(remote), plan({ start, requestBytes, inFlightMax, budget }))
      const content: number[] = []
      for (const piece of pieces) {
        const room = writer.room()
        const length = Math.min(piece, room.length)
        for (let i = 0; i < length; i++) {
          room[i] = content.length % 251
          content.push(room[i] ?? 0)
        }
        const hasRoom = new Promise<void>((resolve) => {
          writer.onRoom = resolve
        })
        if (!writer.filled(length)) await hasRoom
      }
      await new Promise<void>((resolve) => writer.end(resolve))
      expect(Buffer.concat(remote.writes.map(({ data }) => data))).toEqual(Buffer.from(content))
      expect(remote.writes.map(({ offset }) => offset)).toEqual(remote.writes.map((_, i) => start + i * requestBytes))
      expect(remote.waitingMax).toBeLessThanOrEqual(Math.max(inFlightMax, requestBytes))
      expect(budget.free).toBe(1000)
    }),
  )
})

test('what comes into its room after a failure is dropped, and harms nobody', async () => {
  const write = () => Promise.reject(new BackendError('failed', 'disk'))
  const writer = new Writer(lane({ write }), plan())
  const failed = once(writer, 'error')
  writer.room().fill(1)
  writer.filled(10)
  await failed
  expect(writer.filled(writer.room().length)).toBe(true)
  expect(writer.filled(writer.room().length)).toBe(true)
})

test('over another lane only what was not acknowledged is sent again, wherever the first ones are lost', async () => {
  const cases = fc.record({
    bytes: fc.integer({ min: 1, max: 300 }),
    requestBytes: fc.integer({ min: 1, max: 20 }),
    inFlightMax: fc.integer({ min: 1, max: 100 }),
    /** WRITEs that each lane acknowledges before it is lost. */
    lives: fc.array(fc.nat(6), { maxLength: 5 }),
  })
  await fc.assert(
    fc.asyncProperty(cases, async ({ bytes, requestBytes, inFlightMax, lives }) => {
      const content = Buffer.from(Array.from({ length: bytes }, (_, i) => i))
      const stored = Buffer.alloc(bytes)
      const acknowledged = new Set<number>()
      const budget = new ByteBudget(1000)
      let writer: Writer | undefined
      const mortal = (life: number): WriteLane => {
        let left = life
        let dead = false
        const client = {
          async write(message: Buffer, _handle: Buffer, offset: number, length: number): Promise<void> {
            expect(acknowledged.has(offset)).toBe(false)
            const header = writeHeaderLength(handle)
            message.copy(stored, offset, header, header + length)
            await new Promise((resolve) => setImmediate(resolve))
            if (left-- <= 0 && !dead) {
              dead = true
              writer?.lost(new BackendError('unavailable', 'lost'))
            }
            if (dead) throw new BackendError('unavailable', 'lost')
            acknowledged.add(offset)
          },
        }
        return lane(client)
      }
      const lanes = [...lives, Number.POSITIVE_INFINITY].map(mortal)
      const next = () => lanes.shift() ?? lane(server())
      const renew = async () => next()
      writer = new Writer(next(), { ...plan({ requestBytes, inFlightMax, budget }), renew })
      await pipeline(Readable.from([content]), writer)
      expect(stored).toEqual(content)
      expect(writer.contiguous).toBe(bytes)
      expect(budget.free).toBe(1000)
    }),
  )
})

test('without another lane the loss is what fails it, and nothing of the budget is kept', async () => {
  const budget = new ByteBudget(1000)
  const client = { write: () => new Promise<void>(() => {}) }
  const renew = () => Promise.reject(new BackendError('unavailable', 'it does not come back'))
  const writer = new Writer(lane(client), { ...plan({ budget }), renew })
  writer.write(Buffer.alloc(25))
  writer.lost(new BackendError('unavailable', 'lost'))
  const [error] = await once(writer, 'error')
  expect(error).toMatchObject({ kind: 'unavailable', message: 'it does not come back' })
  expect(budget.free).toBe(1000)
  expect(writer.contiguous).toBe(0)
})
