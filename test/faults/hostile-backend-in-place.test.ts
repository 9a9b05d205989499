import { expect, test } from 'vitest'
import type { WriteMode } from '../../src/backend/backend.ts'
import { held, inArena, noise, outcome, store } from '../support/hostile-sftp/arena.ts'
import {
  answer,
  answers,
  attributes,
  failure,
  lostAtRequest,
  someAttrs,
  someHandle,
} from '../support/hostile-sftp/misdeeds.ts'
import type { Misdeed, Operation } from '../support/hostile-sftp/scenario.ts'

const append = { kind: 'append' } as const
const restart = { kind: 'restart', offset: 4 } as const
const content = noise(300_000)

/*
 * APPE and REST go on in a copy, or where there is none in the file itself: what was there must stay.
 */

test.each<[string, WriteMode, Misdeed]>([
  ['APPE', append, someAttrs],
  ['REST', restart, someAttrs],
  ['APPE', append, answers(answer.attrs, attributes({ mode: 0o100644 }))],
  ['APPE', append, answers(answer.attrs, attributes({ size: 2n ** 64n - 1n }))],
  ['APPE', append, answers(answer.attrs, attributes({ size: 2n ** 53n + 1n }))],
  ['APPE', append, someHandle],
  ['APPE', append, failure()],
])(
  '%s overwrites nothing when the server does not tell how long the file is, or tells nonsense',
  async (_verb, mode, does) => {
    await inArena({ faults: [{ on: 'fstat', does }] }, async ({ open, server }) => {
      const files = await open()
      expect(await outcome(store(files, '/old', content, mode))).not.toBe('done')
      expect(held(server, '/old')).toBe('old content')
      expect(await outcome(files.stat('/old'))).toBe('done')
    })
  },
)

test.each<[Operation, number, Misdeed]>([
  ['write', 1, failure()],
  ['write', 2, failure()],
  ['fstat', 2, answers(answer.attrs, attributes({ size: 10 }))],
  ['fsync@openssh.com', 1, failure()],
  // Number 1 is that of the directory, which is looked through; number 2 of what is copied.
  ['close', 3, failure()],
  ['close', 1, lostAtRequest],
])('APPE is not told to be stored when %s number %i fails, and what was there stays', async (on, nth, does) => {
  await inArena({ faults: [{ on, nth, does }], handlesStay: true }, async ({ open, server }) => {
    expect(await outcome(store(await open(), '/old', content, append))).not.toBe('done')
    expect(held(server, '/old')?.startsWith('old content')).toBe(true)
  })
})
