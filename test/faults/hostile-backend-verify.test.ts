import { expect, test } from 'vitest'
import { big, held, inArena, outcome, store } from '../support/hostile-sftp/arena.ts'
import { answer, answers, changes, lostAtRequest, string, u32 } from '../support/hostile-sftp/misdeeds.ts'
import type { Fault } from '../support/hostile-sftp/scenario.ts'

/*
 * A server that acknowledges a block and loses it: the size of the file is right all the same. Only reading it again finds out.
 */

const verify = 'hash'
const acknowledged = answers(answer.status, u32(0), string(''), string(''))
const lostBlock: Fault = { on: 'write', nth: 4, does: acknowledged }

test('F30 a block is acknowledged and lost: upload.verify: hash finds it, and nothing else does', async () => {
  await inArena({ faults: [lostBlock] }, async ({ open, server }) => {
    expect(await outcome(store(await open(), '/old', big))).toBe('done')
    expect(held(server, '/old')?.length).toBe(big.length)
    expect(held(server, '/old') === big.toString('latin1')).toBe(false)
  })
  await inArena({ faults: [lostBlock], verify }, async ({ open, server }) => {
    expect(await outcome(store(await open(), '/old', big))).toBe('failed')
    expect(held(server, '/old')).toBe('old content')
    const names = [...server.tree.findDirectory('/').children.keys()]
    expect(names.filter((name) => name.endsWith('.part'))).toEqual([])
  })
})

test('a byte that is given out otherwise than it was sent fails the upload', async () => {
  const spoilt = changes((honest) => [Buffer.concat([honest.subarray(0, -1), Buffer.of((honest.at(-1) ?? 0) ^ 1)])])
  await inArena({ faults: [{ on: 'read', nth: 3, does: spoilt }], verify }, async ({ open, server }) => {
    expect(await outcome(store(await open(), '/old', big))).toBe('failed')
    expect(held(server, '/old')).toBe('old content')
  })
})

test.each([
  ['a large file', big],
  ['an empty file', Buffer.alloc(0)],
  ['a file of one byte', Buffer.from('x')],
])('%s that is stored well is stored', async (_, content) => {
  await inArena({ verify }, async ({ open, server }) => {
    expect(await outcome(store(await open(), '/old', content))).toBe('done')
    expect(held(server, '/old') === content.toString('latin1')).toBe(true)
  })
})

test('what is appended is compared, and what was there stays', async () => {
  const append = { kind: 'append' } as const
  await inArena({ verify }, async ({ open, server }) => {
    expect(await outcome(store(await open(), '/old', Buffer.from(' and new'), append))).toBe('done')
    expect(held(server, '/old')).toBe('old content and new')
  })
})

test('an upload is compared over another connection when one is lost in between', async () => {
  const faults: Fault[] = [
    { on: 'write', nth: 3, does: lostAtRequest },
    { on: 'read', nth: 2, does: lostAtRequest },
  ]
  await inArena({ faults, verify, handlesStay: true, reconnectMs: 10_000 }, async ({ open, server }) => {
    expect(await outcome(store(await open(), '/old', big))).toBe('done')
    expect(held(server, '/old') === big.toString('latin1')).toBe(true)
  })
})
