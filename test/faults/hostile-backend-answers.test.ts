import { describe, expect, test } from 'vitest'
import { big, fetch, held, inArena, leftOvers, namesOf, noise, outcome, store } from '../support/hostile-sftp/arena.ts'
import {
  answer,
  answers,
  attributes,
  bigU64,
  bytes,
  changes,
  data,
  endOfFile,
  failure,
  fileAttrs,
  lengthOnly,
  names,
  ok,
  packet,
  someAttrs,
  someHandle,
  string,
  u32,
} from '../support/hostile-sftp/misdeeds.ts'
import type { Misdeed, Operation } from '../support/hostile-sftp/scenario.ts'

const always = Number.POSITIVE_INFINITY
const posixRename = 'posix-rename@openssh.com'
const fsync = 'fsync@openssh.com'

describe('An upload is not stored, and the old file stays, when', () => {
  test.each<[Operation, string, Misdeed]>([
    ['open', 'STATUS OK', ok],
    ['open', 'ATTRS', someAttrs],
    ['write', 'HANDLE', someHandle],
    ['write', 'DATA', data(Buffer.alloc(10))],
    ['write', 'end of file', endOfFile],
    ['write', 'FAILURE', failure()],
    [fsync, 'FAILURE', failure()],
    [fsync, 'HANDLE', someHandle],
    [fsync, 'an empty EXTENDED_REPLY', answers(answer.extended)],
    ['fstat', 'STATUS OK', ok],
    ['fstat', 'a smaller size', answers(answer.attrs, attributes({ size: 2_999_999 }))],
    ['fstat', 'a larger size', answers(answer.attrs, attributes({ size: 3_000_001 }))],
    ['fstat', 'a size of 2^64-1', answers(answer.attrs, attributes({ size: 2n ** 64n - 1n }))],
    ['close', 'FAILURE', failure()],
    ['close', 'HANDLE', someHandle],
    ['close', 'end of file', endOfFile],
    [posixRename, 'FAILURE', failure()],
    [posixRename, 'HANDLE', someHandle],
    [posixRename, 'an empty EXTENDED_REPLY', answers(answer.extended)],
  ])('%s is answered with %s', async (on, _what, does) => {
    // The directory is closed as well, which was looked through for what a killed gateway has left.
    const times = on === 'close' ? 2 : 1
    await inArena({ faults: [{ on, times, does }], handlesStay: true }, async ({ open, server }) => {
      const files = await open()
      expect(await outcome(store(files, '/old', big))).toBe('failed')
      expect(held(server, '/old')).toBe('old content')
      expect(leftOvers(server)).toEqual([])
      // The session goes on.
      await store(files, '/old', big)
      expect(held(server, '/old')).toBe(big.toString('latin1'))
    })
  })

  test.each([1, 2, 7, 12])('WRITE number %i fails', async (nth) => {
    await inArena({ faults: [{ on: 'write', nth, does: failure() }] }, async ({ open, server }) => {
      const files = await open()
      expect(await outcome(store(files, '/old', big))).toBe('failed')
      expect(held(server, '/old')).toBe('old content')
      expect(leftOvers(server)).toEqual([])
    })
  })

  test('RENAME fails on a server without posix-rename, whichever of its steps it is', async () => {
    for (const nth of [2, 3]) {
      const faults = [{ on: 'rename', nth, does: failure() }] as const
      await inArena({ faults, extensions: [] }, async ({ open, server }) => {
        const files = await open()
        expect(await outcome(store(files, '/old', big))).toBe('failed')
        expect(held(server, '/old')).toBe('old content')
        expect(leftOvers(server)).toEqual([])
      })
    }
  })
})

test('an upload is stored all the same when only the mode of the old file cannot be kept', async () => {
  await inArena({ faults: [{ on: 'fsetstat', does: failure() }] }, async ({ open, server }) => {
    await store(await open(), '/old', big)
    expect(held(server, '/old')).toBe(big.toString('latin1'))
  })
})

describe('A download', () => {
  const halved = changes((honest) => {
    const length = Math.max(1, Math.floor(honest.readUInt32BE(9) / 2))
    return [packet(answer.data, honest.subarray(5, 9), string(honest.subarray(13, 13 + length)))]
  })
  const oneByte = changes((honest) =>
    honest[4] === answer.data
      ? [packet(answer.data, honest.subarray(5, 9), string(honest.subarray(13, 14)))]
      : [honest],
  )

  test.each<[string, Misdeed, number, number]>([
    ['the first time', halved, 1, 1],
    ['the third time', halved, 3, 1],
    ['one byte', oneByte, 4, 1],
  ])('F39 READ answers with less than was asked for, %s: the download is whole', async (_which, does, nth, times) => {
    await inArena({ faults: [{ on: 'read', nth, times, does }] }, async ({ open }) => {
      expect((await fetch(await open(), '/big')).equals(big)).toBe(true)
    })
  })

  test('F39 READ answers with one byte at a time: the download is whole', async () => {
    const faults = [{ on: 'read', times: always, does: oneByte }] as const
    await inArena({ faults }, async ({ open, server }) => {
      server.tree.addFile('/small', noise(1000))
      expect((await fetch(await open(), '/small')).equals(noise(1000))).toBe(true)
    })
  })

  test.each<[string, Misdeed]>([
    ['without bytes', data(Buffer.alloc(0))],
    ['with more bytes than asked for', data(Buffer.alloc(300_000))],
  ])('fails at DATA %s, in the middle of the file', async (_what, does) => {
    await inArena({ faults: [{ on: 'read', nth: 5, does }] }, async ({ open }) => {
      const files = await open()
      expect(await outcome(fetch(files, '/big'))).toBe('failed')
      expect((await fetch(files, '/big')).equals(big)).toBe(true)
    })
  })

  test.each<[Operation, string, Misdeed]>([
    ['open', 'STATUS OK', ok],
    ['open', 'NAME', names(['x'])],
    ['fstat', 'STATUS OK', ok],
    ['fstat', 'HANDLE', someHandle],
    ['read', 'STATUS OK', ok],
    ['read', 'HANDLE', someHandle],
    ['read', 'ATTRS', someAttrs],
    ['read', 'end of file, too early', endOfFile],
    ['read', 'FAILURE', failure()],
  ])('fails when %s is answered with %s', async (on, _what, does) => {
    await inArena({ faults: [{ on, does }] }, async ({ open }) => {
      const files = await open()
      expect(await outcome(fetch(files, '/big'))).toBe('failed')
      expect((await fetch(files, '/big')).equals(big)).toBe(true)
    })
  })

  test.each([
    ['smaller than it is', big.length - 500_000, 'done'],
    ['larger than it is', big.length + 1, 'failed'],
  ])('of a file whose size is told %s is whole or fails', async (_what, size, expected) => {
    const does = answers(answer.attrs, attributes({ size, mode: 0o100644 }))
    await inArena({ faults: [{ on: 'fstat', does }] }, async ({ open }) => {
      let content: Buffer = Buffer.alloc(0)
      const fetching = open().then(async (files) => {
        content = await fetch(files, '/big')
      })
      expect(await outcome(fetching)).toBe(expected)
      if (expected === 'done') expect(content.equals(big)).toBe(true)
    })
  })

  test.each([
    ['shrinks', big.subarray(0, 1_000_000), 'failed'],
    ['grows', Buffer.concat([big, big]), 'done'],
  ])('of a file that %s while it is read is not told to be whole when it is not', async (_what, content, expected) => {
    await inArena({}, async ({ open, server }) => {
      const files = await open()
      const change = changes((honest) => {
        const file = server.tree.find('/big')
        if (file.type === 'file') file.content = content
        return [honest]
      })
      server.misbehave({ faults: [{ on: 'read', nth: 3, does: change }] })
      let received: Buffer = Buffer.alloc(0)
      const fetching = fetch(files, '/big').then((all) => {
        received = all
      })
      expect(await outcome(fetching)).toBe(expected)
      if (expected === 'done') expect(received.subarray(0, big.length).equals(big)).toBe(true)
    })
  })
})

test.each<[string, Misdeed]>([
  ['a packet of 0 bytes', lengthOnly(0)],
  ['a packet of 4 bytes', bytes(u32(4), u32(0))],
  ['a packet of 2^31 bytes', lengthOnly(2 ** 31)],
  ['a packet of 2^32-1 bytes', lengthOnly(2 ** 32 - 1)],
  ['a packet of 16 MiB and a byte', lengthOnly(16 * 1024 * 1024 + 1)],
  ['a packet of type 0', answers(0)],
  ['a packet of type 99', answers(99)],
  ['a STATUS without a code', answers(answer.status)],
  ['a STATUS whose text is cut', answers(answer.status, u32(4), u32(2 ** 32 - 1))],
  ['a HANDLE without bytes', answers(answer.handle, string(''))],
  ['a HANDLE of 257 bytes', answers(answer.handle, string(Buffer.alloc(257)))],
  ['a HANDLE of 2^32-1 bytes', answers(answer.handle, u32(2 ** 32 - 1))],
  ['DATA of 2^31 bytes', answers(answer.data, u32(2 ** 31), Buffer.alloc(100))],
  ['a NAME with 2^32-1 entries', answers(answer.name, u32(2 ** 32 - 1), string('x'), string('x'), fileAttrs)],
  ['a NAME with an endless longname', answers(answer.name, u32(1), string('x'), u32(2 ** 31))],
  ['ATTRS without flags', answers(answer.attrs)],
  ['ATTRS that end in the size', answers(answer.attrs, u32(1), u32(0))],
  ['ATTRS with 2^32-1 extended pairs', answers(answer.attrs, u32(0x80000000), u32(2 ** 32 - 1), string('a'))],
  ['ATTRS with an extended pair that is cut', answers(answer.attrs, u32(0x80000000), u32(1), u32(9), u32(0))],
])('%s ends the session at once, and no other', async (_what, does) => {
  await inArena({ faults: [{ on: 'stat', does }] }, async ({ open }) => {
    const files = await open()
    const others = [files.lstat('/old'), files.stat('/old'), files.lstat('/folder')].map(outcome)
    expect((await Promise.all(others)).slice(1)).toEqual(['unavailable', expect.any(String)])
    expect(await outcome(files.lstat('/old'))).toBe('unavailable')
  })
})

test('a malformed answer to statvfs leaves a failed upload what it was', async () => {
  const faults = [
    { on: 'write', does: failure() },
    { on: 'statvfs@openssh.com', does: answers(answer.extended, bigU64(4096n)) },
  ] as const
  await inArena({ faults }, async ({ open }) => {
    expect(await outcome(store(await open(), '/old', big))).toBe('failed')
  })
})

test('servers that leave out the text of STATUS, or the attributes of a NAME, are understood', async () => {
  const bare = answers(answer.name, u32(1), string('bare'), string(''))
  const faults = [
    { on: 'mkdir', does: answers(answer.status, u32(0)) },
    { on: 'readdir', does: bare },
  ] as const
  await inArena({ faults }, async ({ open }) => {
    const files = await open()
    await files.makeDirectory('/new')
    expect(await namesOf(files, '/empty')).toEqual(['bare'])
  })
})

test('F42 odd sizes, times and modes reach nobody as nonsense', async () => {
  const odd = Buffer.concat([
    u32(0xf),
    bigU64(2n ** 64n - 1n),
    u32(2 ** 32 - 1),
    u32(0),
    u32(0),
    u32(0),
    u32(2 ** 32 - 1),
  ])
  await inArena({ faults: [{ on: 'stat', times: always, does: answers(answer.attrs, odd) }] }, async ({ open }) => {
    const entry = await (await open()).stat('/old')
    expect(entry).toMatchObject({ type: 'file', mode: 0, modified: 2 ** 32 - 1, uid: 2 ** 32 - 1 })
    expect(entry.size).toBeGreaterThan(0)
  })
})
