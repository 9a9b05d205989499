import { expect, test } from 'vitest'
import { big, held, inArena, leftOvers, outcome } from '../support/hostile-sftp/arena.ts'
import { answer, answers, attributes, failure, lostAtRequest } from '../support/hostile-sftp/misdeeds.ts'
import type { Misdeed, Operation } from '../support/hostile-sftp/scenario.ts'

/* A copy that fails leaves the file whose name it was to take, and no part of itself. */

test.each<[Operation, number, Misdeed]>([
  ['read', 1, failure()],
  ['read', 3, failure()],
  ['write', 1, failure()],
  ['write', 3, failure()],
  ['fstat', 1, failure()],
  ['fstat', 2, answers(answer.attrs, attributes({ size: 10 }))],
  ['fsync@openssh.com', 1, failure()],
  ['close', 1, failure()],
  ['posix-rename@openssh.com', 1, failure()],
])('a copy is not told to be made when %s number %i fails, and the target stays', async (on, nth, does) => {
  await inArena({ faults: [{ on, nth, does }], handlesStay: true }, async ({ open, server }) => {
    expect(await outcome((await open()).copy('/big', '/old'))).not.toBe('done')
    expect([held(server, '/old'), held(server, '/big')?.length]).toEqual(['old content', big.length])
    expect(leftOvers(server)).toEqual([])
  })
})

test('a copy during which the server is lost is not told to be made, and the target stays', async () => {
  const faults = [{ on: 'write', nth: 2, does: lostAtRequest }] as const
  await inArena({ faults, handlesStay: true }, async ({ open, server }) => {
    expect(await outcome((await open()).copy('/big', '/old'))).not.toBe('done')
    expect(held(server, '/old')).toBe('old content')
  })
})

test('a copy that meets no fault is whole', async () => {
  await inArena({ faults: [] }, async ({ open, server }) => {
    expect(await outcome((await open()).copy('/big', '/old'))).toBe('done')
    expect(held(server, '/old')).toBe(held(server, '/big'))
    expect(leftOvers(server)).toEqual([])
  })
})
