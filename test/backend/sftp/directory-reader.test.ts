import { expect, test } from 'vitest'
import type { Entry } from '../../../src/backend/backend.ts'
import { BackendError } from '../../../src/backend/backend.ts'
import type { NameEntry } from '../../../src/backend/sftp/decode.ts'
import { readDirectory } from '../../../src/backend/sftp/directory-reader.ts'

const handle = Buffer.from('h')

function names(...filenames: string[]): NameEntry[] {
  return filenames.map((filename) => ({ filename, longname: '', attrs: {} }))
}

/** A directory of so many answers of one name each; what is asked and not answered yet is under way. */
class Directory {
  underWay = 0
  underWayMax = 0
  asked = 0
  closes = 0
  answered = 0
  letClose: () => void = () => {}
  readonly #answers: number
  readonly #failsAt: number
  constructor(answers: number, failsAt = Number.POSITIVE_INFINITY) {
    this.#answers = answers
    this.#failsAt = failsAt
  }
  async readdir(): Promise<readonly NameEntry[] | undefined> {
    const turn = this.asked++
    this.underWayMax = Math.max(this.underWayMax, ++this.underWay)
    await new Promise(setImmediate)
    this.underWay--
    this.answered++
    if (turn === this.#failsAt) throw new BackendError('failed', `answer ${turn}`)
    return turn < this.#answers ? names(`f${turn}`) : undefined
  }
  close(): Promise<void> {
    this.closes++
    return new Promise((resolve) => {
      this.letClose = resolve
    })
  }
}

const inOrder = (pipelinedReaddir: number) => ({ pipelinedReaddir, answersInOrder: true })

async function collect(batches: AsyncIterable<readonly Entry[]>): Promise<string[]> {
  const found: string[] = []
  for await (const batch of batches) found.push(...batch.map(({ name }) => name))
  return found
}

test.each([1, 2, 16])(
  'a server that bears %i READDIRs at a time gets no more, and all names arrive in order',
  async (most) => {
    const directory = new Directory(100)
    const found = await collect(readDirectory(directory, handle, inOrder(most)))
    expect(found).toEqual(Array.from({ length: 100 }, (_, i) => `f${i}`))
    expect(directory.underWayMax).toBe(most)
  },
)

test('a small directory is asked for little more than it has', async () => {
  const directory = new Directory(1)
  await collect(readDirectory(directory, handle, inOrder(16)))
  expect(directory.asked).toBeLessThanOrEqual(6)
})

test('a taker that takes nothing holds no more than what is under way', async () => {
  const directory = new Directory(10_000)
  const batches = readDirectory(directory, handle, inOrder(16))
  let taken = 0
  for (; taken < 50; taken++) await batches.next()
  for (let i = 0; i < 20; i++) await new Promise(setImmediate)
  expect(directory.answered - taken).toBeLessThanOrEqual(16)
  expect(directory.asked - taken).toBeLessThanOrEqual(16)
  await batches.return()
  expect(directory.closes).toBe(1)
})

test('a taker that is slower than the server has two answers waiting in the end', async () => {
  const directory = new Directory(10_000)
  const batches = readDirectory(directory, handle, inOrder(16))
  for (let taken = 0; taken < 50; taken++) await batches.next()
  expect(directory.underWayMax).toBe(16)
  for (let taken = 50; taken < 150; taken++) {
    await batches.next()
    for (let i = 0; i < 3; i++) await new Promise(setImmediate)
  }
  expect(directory.asked - 150).toBeLessThanOrEqual(2)
})

test('a failure is thrown where its turn comes, and the handle is closed', async () => {
  const directory = new Directory(100, 3)
  const found: string[] = []
  const reading = (async () => {
    for await (const batch of readDirectory(directory, handle, inOrder(16)))
      found.push(...batch.map(({ name }) => name))
  })()
  await expect(reading).rejects.toThrow('answer 3')
  expect([found, directory.closes]).toEqual([['f0', 'f1', 'f2'], 1])
})

test('the end does not wait for CLOSE where requests are carried out in order, and does where they are not', async () => {
  const quick = new Directory(1)
  await collect(readDirectory(quick, handle, inOrder(16)))
  expect(quick.closes).toBe(1)

  const careful = new Directory(1)
  let ended = false
  const reading = collect(readDirectory(careful, handle, { pipelinedReaddir: 1, answersInOrder: false })).then(() => {
    ended = true
  })
  while (careful.closes === 0) await new Promise(setImmediate)
  await new Promise(setImmediate)
  expect(ended).toBe(false)
  careful.letClose()
  await reading
})

test('names that could break out of the directory, and partial files, are left out', async () => {
  let turn = 0
  const odd = ['.', '..', '', 'a/b', 'a\nb', 'a\rb', 'a\0b', '.x.0123abcd.part', 'plain', '.x.0123abcd.par']
  const client = { readdir: async () => (turn++ === 0 ? names(...odd) : undefined), close: async () => {} }
  expect(await collect(readDirectory(client, handle, inOrder(2)))).toEqual(['a\nb', 'a\rb', 'plain', '.x.0123abcd.par'])
})
