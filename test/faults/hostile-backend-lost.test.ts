import { expect, test } from 'vitest'
import type { FileSystem } from '../../src/backend/backend.ts'
import { held, inArena, namesOf, noise, outcome, store } from '../support/hostile-sftp/arena.ts'
import {
  closeChannel,
  endOfData,
  failure,
  lostAtRequest,
  lostInAnswer,
  lostWithFarewell,
  silence,
} from '../support/hostile-sftp/misdeeds.ts'
import type { Fault, Misdeed, Operation } from '../support/hostile-sftp/scenario.ts'
import { allExtensions, type HostileServer } from '../support/hostile-sftp/server.ts'
import type { Node } from '../support/memory-tree.ts'

const posixRename = 'posix-rename@openssh.com'
const content = noise(600_000)

/** What makes the gateway send a request of each kind, in the place of it that matters most. */
interface Use {
  readonly on: Operation
  readonly nth?: number
  readonly by: (files: FileSystem, path: string) => Promise<unknown>
  /** What is different when the server has carried it out, and only its answer is lost. */
  readonly carriedOut?: string
}
const upload = (files: FileSystem, path: string) => store(files, path, content)
const iterate = async (files: FileSystem) => {
  const download = await files.read('/big', 0)
  for await (const chunk of download.content) expect(chunk.length).toBeGreaterThan(0)
}
const uses: readonly Use[] = [
  { on: 'open', by: upload },
  { on: 'open', by: iterate },
  { on: 'write', by: upload },
  { on: 'write', nth: 3, by: upload },
  { on: 'fsetstat', by: upload },
  { on: 'fsync@openssh.com', by: upload },
  { on: 'fstat', by: upload },
  { on: 'close', by: upload },
  { on: posixRename, by: upload, carriedOut: `, ${content.length} bytes in its place` },
  { on: 'lstat', by: upload },
  { on: 'fstat', by: iterate },
  { on: 'read', by: iterate },
  { on: 'read', nth: 9, by: iterate },
  { on: 'stat', by: (files, path) => files.stat(path) },
  { on: 'lstat', by: (files, path) => files.lstat(path) },
  { on: 'setstat', by: (files, path) => files.setMode(path, 0o600) },
  { on: 'opendir', by: (files) => namesOf(files, '/folder') },
  { on: 'readdir', by: (files) => namesOf(files, '/folder') },
  { on: 'readdir', nth: 2, by: (files) => namesOf(files, '/folder') },
  { on: 'remove', by: (files, path) => files.removeFile(path), carriedOut: ', the name is free' },
  { on: 'mkdir', by: (files, path) => files.makeDirectory(`${path}-folder`) },
  { on: 'rmdir', by: (files) => files.removeDirectory('/empty') },
  { on: 'readlink', by: (files) => files.readLink('/link') },
  // The first is part of the login.
  { on: 'realpath', nth: 2, by: (files) => store(files, '/link', content) },
  { on: posixRename, by: (files, path) => files.rename(path, `${path}-moved`), carriedOut: ', the name is free' },
]

/** Runs every use at the same time, each with a login of its own, and tells how each ended. */
async function inEvery(does: Misdeed, deadlineMs: number, extensions: readonly string[], cases = uses) {
  const faults = cases.map(({ on, nth = 1 }, i): Fault => ({ on, nth, does, login: `victim-${i}` }))
  const results: string[] = []
  await inArena({ faults, deadlineMs, extensions }, async ({ open, server }) => {
    const run = async ({ on, nth = 1, by }: Use, i: number) => {
      const path = `/file-${i}`
      const old = `the old content of ${path}`
      server.tree.addFile(path, old)
      const files = await open(`victim-${i}`)
      const ended = await outcome(by(files, path))
      const after = await outcome(files.lstat('/'))
      const kept = held(server, path)
      const changed =
        kept === old ? '' : kept === undefined ? ', the name is free' : `, ${kept.length} bytes in its place`
      results[i] = `${on} ${nth}: ${ended}, then ${after}${changed}${asides(server, old)}`
    }
    await Promise.all(cases.map(run))
  })
  return results
}

/** Whether the old content is held by another file than its own. */
function asides({ tree }: HostileServer, old: string): string {
  const others = [...tree.root.children].filter(
    ([name, node]) => /^\.[0-9a-f]{8}\.old$/.test(name) && isFileOf(node, old),
  )
  return others.length > 0 ? ', the old file beside it' : ''
}

function isFileOf(node: Node, content: string): boolean {
  return node.type === 'file' && node.content.toString('latin1') === content
}

const allLost = uses.map(({ on, nth = 1 }) => `${on} ${nth}: unavailable, then unavailable`)

test('a server that is silent to any one request is given up at the deadline, and no file is changed', async () => {
  expect(await inEvery(silence, 1_200, allExtensions)).toEqual(allLost)
})

test.each([
  ['connection is lost', lostAtRequest],
  ['connection is ended with DISCONNECT', lostWithFarewell],
  ['channel is closed', closeChannel],
  ["channel's data is ended", endOfData],
])('when the %s inside any operation it ends at once, and no file is changed', async (_what, does) => {
  expect(await inEvery(does, 60_000, allExtensions)).toEqual(allLost)
})

test('a connection that is lost in the middle of any answer ends the operation at once, and what was carried out stays', async () => {
  const expected = uses.map(({ carriedOut = '' }, i) => `${allLost[i]}${carriedOut}`)
  expect(await inEvery(lostInAnswer, 60_000, allExtensions)).toEqual(expected)
})

const renames: readonly Use[] = [
  // An upload renames in place of the old file; the server refuses, and the gateway swaps: 1, 2, 3.
  { on: 'rename', nth: 1, by: upload },
  { on: 'rename', nth: 2, by: upload },
  { on: 'rename', nth: 3, by: upload },
]

test.each([
  ['silent', silence, 1_200],
  ['lost', lostAtRequest, 60_000],
])(
  'without posix-rename a rename at which the server is %s leaves the old file, under its name or beside it',
  async (_how, does, deadlineMs) => {
    const ended = await inEvery(does, deadlineMs, ['fsync@openssh.com'], renames)
    expect(ended).toEqual([
      'rename 1: unavailable, then unavailable',
      'rename 2: unavailable, then unavailable',
      'rename 3: unavailable, then unavailable, the name is free, the old file beside it',
    ])
  },
)

test.each([
  ['silent', silence, 1_200],
  ['lost', lostAtRequest, 60_000],
])(
  'when the server is %s at the look that explains a failure, the upload has failed all the same',
  async (_how, does, deadlineMs) => {
    const faults: Fault[] = [
      { on: 'write', does: failure() },
      { on: 'statvfs@openssh.com', does },
    ]
    await inArena({ faults, deadlineMs }, async ({ open, server }) => {
      expect(await outcome(store(await open(), '/old', content))).toBe('unavailable')
      expect(held(server, '/old')).toBe('old content')
    })
  },
)

test.each([
  ['silent', silence],
  ['lost', lostAtRequest],
])('a download that is there in full is whole although the server is %s at its CLOSE', async (_how, does) => {
  await inArena({ faults: [{ on: 'close', does }], deadlineMs: 1_200 }, async ({ open }) => {
    const files = await open()
    const download = await files.read('/big', 0)
    let bytes = 0
    for await (const chunk of download.content) bytes += chunk.length
    await download.close()
    expect(bytes).toBe(3_000_000)
    // Asked seldom: every answer is a sign that the server is alive.
    const later = { interval: 3_000, timeout: 30_000 }
    await expect.poll(() => outcome(files.stat('/old')), later).toBe('unavailable')
  })
})

test('a server that drips its answers is waited for as long as whole answers come in time', async () => {
  const drip = (everyMs: number): Misdeed => ({ do: 'drip', bytes: 5, everyMs })
  await inArena(
    {
      deadlineMs: 1_500,
      faults: [
        { on: 'stat', does: drip(5) },
        { on: 'lstat', does: drip(2_000) },
      ],
    },
    async ({ open }) => {
      const files = await open()
      expect(await outcome(files.stat('/old'))).toBe('done')
      expect(await outcome(files.lstat('/old'))).toBe('unavailable')
    },
  )
})

test.each<[string, Fault[], (files: FileSystem) => Promise<unknown>]>([
  [
    'an OPEN',
    [
      { on: 'open', does: failure() },
      { on: 'stat', does: lostAtRequest },
    ],
    (files) => upload(files, '/old'),
  ],
  [
    'an RMDIR',
    [
      { on: 'rmdir', does: failure() },
      { on: 'lstat', does: lostAtRequest },
    ],
    (files) => files.removeDirectory('/empty'),
  ],
])(
  'a server that is lost while it is asked why %s failed is reported as lost: trying again can help',
  async (_, faults, use) => {
    await inArena({ faults }, async ({ open }) => {
      expect(await outcome(use(await open()))).toBe('unavailable')
    })
  },
)
