import { expect, test } from 'vitest'
import { big, fetch, held, inArena, namesOf, outcome, store } from '../support/hostile-sftp/arena.ts'
import { besidesUnknownId, twice, wrongId } from '../support/hostile-sftp/misdeeds.ts'
import type { Misdeed } from '../support/hostile-sftp/scenario.ts'

test.each<[string, Misdeed]>([
  ['in another order than they were asked for', { do: 'hold', forMs: 5 }],
  ['twice', twice],
  ['besides answers to requests that nobody made', besidesUnknownId],
  ['a few bytes at a time', { do: 'drip', bytes: 100_000, everyMs: 1 }],
])('F38 answers come %s: they find their requests', async (_how, does) => {
  await inArena(
    { faults: [{ on: 'any', nth: 4, times: Number.POSITIVE_INFINITY, does }] },
    async ({ open, server }) => {
      const files = await open()
      expect((await fetch(files, '/big')).equals(big)).toBe(true)
      await store(files, '/old', big)
      expect(held(server, '/old')).toBe(big.toString('latin1'))
      expect((await namesOf(files, '/folder')).sort()).toEqual(['a', 'b'])
    },
  )
})

test('F38 an answer has another id than the one that was asked: the request ends at its deadline', async () => {
  const misbehaviour = { faults: [{ on: 'mkdir', does: wrongId }], deadlineMs: 1_200 } as const
  await inArena(misbehaviour, async ({ open }) => {
    const files = await open()
    expect(await outcome(files.makeDirectory('/new'))).toBe('unavailable')
    expect(await outcome(files.stat('/old'))).toBe('unavailable')
  })
})
