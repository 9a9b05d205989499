import { expect, test } from 'vitest'
import type { FileSystem } from '../../src/backend/backend.ts'
import { big, fetch, held, inArena, outcome, store } from '../support/hostile-sftp/arena.ts'
import { failure, lostAtRequest, lostInAnswer, lostWithFarewell } from '../support/hostile-sftp/misdeeds.ts'
import type { Misdeed, Operation } from '../support/hostile-sftp/scenario.ts'

/*
 * A server whose connection is lost in the middle of a transfer, and which is there again at once. What was under way of
 * the lost connection is carried out or not; the client must not be able to tell.
 */

const reconnectMs = 10_000
const handlesStay = true

test.each<[Operation, number, Misdeed]>([
  ['write', 1, lostAtRequest],
  ['write', 1, lostInAnswer],
  ['write', 5, lostAtRequest],
  ['write', 5, lostInAnswer],
  ['write', 5, lostWithFarewell],
  ['write', 12, lostAtRequest],
  ['fsync@openssh.com', 1, lostAtRequest],
  ['fsync@openssh.com', 1, lostInAnswer],
  ['fstat', 1, lostAtRequest],
  ['close', 1, lostAtRequest],
  ['close', 1, lostInAnswer],
  ['posix-rename@openssh.com', 1, lostAtRequest],
  ['posix-rename@openssh.com', 1, lostInAnswer],
])('an upload goes on when the connection is lost at %s number %i', async (on, nth, does) => {
  await inArena({ faults: [{ on, nth, does }], handlesStay, reconnectMs }, async ({ open, server }) => {
    const files = await open()
    expect(await outcome(store(files, '/old', big))).toBe('done')
    expect(held(server, '/old') === big.toString('latin1')).toBe(true)
    // And so does the session.
    expect(await outcome(files.stat('/old'))).toBe('done')
    const names = [...server.tree.findDirectory('/').children.keys()]
    expect(names.filter((name) => name.endsWith('.part'))).toEqual([])
  })
})

test.each<[Operation, number, Misdeed]>([
  ['read', 1, lostAtRequest],
  ['read', 4, lostInAnswer],
  ['read', 9, lostWithFarewell],
  ['fstat', 1, lostAtRequest],
])('a download goes on when the connection is lost at %s number %i', async (on, nth, does) => {
  await inArena({ faults: [{ on, nth, does }], handlesStay, reconnectMs }, async ({ open }) => {
    const files = await open()
    expect((await fetch(files, '/big')).equals(big)).toBe(true)
    expect(await outcome(files.stat('/big'))).toBe('done')
  })
})

const again = { times: Number.POSITIVE_INFINITY }

test.each<[string, (files: FileSystem) => Promise<unknown>, Operation]>([
  ['an upload', (files) => store(files, '/old', big), 'write'],
  ['a download', (files) => fetch(files, '/big'), 'read'],
])('%s that is lost again and again at the same place fails', async (_, use, on) => {
  const faults = [{ on, nth: 2, ...again, does: lostAtRequest, login: 'victim' }]
  await inArena({ faults, handlesStay, reconnectMs }, async ({ open, server }) => {
    expect(await outcome(use(await open()))).toBe('unavailable')
    expect(held(server, '/old')).toBe('old content')
  })
})

test.each<[string, Misdeed]>([
  ['is gone', failure(2)],
  ['may not be opened', failure(3)],
])('an upload whose temporary file %s fails, and the file stays as it was', async (_, does) => {
  const faults = [
    { on: 'write', nth: 3, does: lostAtRequest },
    { on: 'open', nth: 2, does, login: 'victim' },
  ] as const
  await inArena({ faults, handlesStay, reconnectMs }, async ({ open, server }) => {
    expect(await outcome(store(await open(), '/old', big))).toBe('failed')
    expect(held(server, '/old')).toBe('old content')
  })
})
