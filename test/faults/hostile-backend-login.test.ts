import { describe, expect, test } from 'vitest'
import { big, fetch, held, inArena, outcome, store } from '../support/hostile-sftp/arena.ts'
import {
  answer,
  answers,
  bigU64,
  bytes,
  closeChannel,
  failure,
  lostAtRequest,
  lostInAnswer,
  names,
  ok,
  packet,
  silence,
  string,
  u32,
} from '../support/hostile-sftp/misdeeds.ts'
import type { Misdeed, Operation } from '../support/hostile-sftp/scenario.ts'
import type { SshFaults } from '../support/hostile-sftp/server.ts'

const limits = 'limits@openssh.com'
const always = Number.POSITIVE_INFINITY

test.each<[string, Misdeed]>([
  ['is version 6', bytes(packet(answer.version, u32(6)))],
  ['is version 2', bytes(packet(answer.version, u32(2)))],
  ['is version 0', bytes(packet(answer.version, u32(0)))],
  ['is a STATUS', failure()],
  ['has no version', bytes(packet(answer.version))],
  ['has an extension without a value', bytes(packet(answer.version, u32(3), string('fsync@openssh.com')))],
  ['has an extension that is cut', bytes(packet(answer.version, u32(3), u32(100), Buffer.from('fsync')))],
  ['has an extension of 2^32-1 bytes', bytes(packet(answer.version, u32(3), u32(2 ** 32 - 1)))],
  ['is an empty packet', bytes(u32(0))],
  ['is text, as a chatty shell prints it', bytes(Buffer.from('Welcome to the file server!\r\n'))],
  ['is the end of the channel', closeChannel],
  ['is the end of the connection', lostAtRequest],
  ['is half there when the connection is lost', lostInAnswer],
])('a login fails at once where VERSION %s', async (_what, does) => {
  await inArena({ faults: [{ on: 'init', does }] }, async ({ open }) => {
    expect(await outcome(open())).toBe('unavailable')
    // The next login is a new try.
    expect((await fetch(await open(), '/big')).equals(big)).toBe(true)
  })
})

test.each<[Operation, string, Misdeed]>([
  ['realpath', 'no name', names([])],
  ['realpath', 'a relative path', names(['home/victim'])],
  ['realpath', 'an empty path', names([''])],
  ['realpath', 'a path with a line break', names(['/home\r\n226 Done'])],
  ['realpath', 'a path with NUL', names(['/home\0'])],
  ['realpath', 'a path of 100 kB', names([`/${'x'.repeat(100_000)}`])],
  ['realpath', 'FAILURE', failure()],
  ['realpath', 'HANDLE', answers(answer.handle, string('h'))],
  [limits, 'three numbers', answers(answer.extended, ...[1n, 2n, 3n].map(bigU64))],
  [limits, 'nothing', answers(answer.extended)],
  [limits, 'STATUS OK', ok],
  [limits, 'the end of the connection', lostInAnswer],
])('a login fails at once where %s is answered with %s', async (on, _what, does) => {
  await inArena({ faults: [{ on, does }], apart: true }, async ({ open }) => {
    expect(await outcome(open())).toBe('unavailable')
    expect((await fetch(await open(), '/big')).equals(big)).toBe(true)
  })
})

test.each(['/folder/', '//folder', '/folder/.', '/empty/../folder'])(
  'a home that is told as %s is a plain path',
  async (told) => {
    await inArena({ faults: [{ on: 'realpath', does: names([told]) }] }, async ({ open }) => {
      expect((await open()).home).toBe('/folder')
    })
  },
)

test('of two names that REALPATH answers the first counts', async () => {
  await inArena({ faults: [{ on: 'realpath', does: names(['/folder', '/empty']) }] }, async ({ open }) => {
    expect((await open()).home).toBe('/folder')
  })
})

test.each([0n, 1n, 2n ** 31n, 2n ** 63n, 2n ** 64n - 1n])('limits of %i do not stop transfers', async (limit) => {
  const does = answers(answer.extended, ...[limit, limit, limit, limit].map(bigU64))
  await inArena({ faults: [{ on: limits, does }] }, async ({ open, server }) => {
    const files = await open()
    expect((await fetch(files, '/big')).equals(big)).toBe(true)
    await store(files, '/old', big)
    expect(held(server, '/old')).toBe(big.toString('latin1'))
    const requests = server.asked.filter((operation) => operation === 'write' || operation === 'read')
    expect(requests.length, 'a request for every few bytes would flood both sides').toBeLessThan(2_000)
  })
})

test('an extension that is offered a thousand times, or by an odd name, is nothing', async () => {
  const pairs = Array.from({ length: 1000 }, (_, i) => [string(i % 2 ? '' : '\r\nfsync'), string(String(i))]).flat()
  const faults = [{ on: 'init', does: bytes(packet(answer.version, u32(3), ...pairs)) }] as const
  await inArena({ faults, extensions: [] }, async ({ open, server }) => {
    await store(await open(), '/old', big)
    expect(held(server, '/old')).toBe(big.toString('latin1'))
  })
})

describe('A login ends at its deadline where the server is silent', () => {
  test.each<[string, SshFaults]>([
    ['to the password', { passwordAnswer: 'silence' }],
    ['when a channel is opened', { channelOpen: 'silence' }],
    ['when the subsystem is asked for', { subsystem: 'silence' }],
    ['because its window stays shut', { window: 0 }],
  ])('%s', async (_when, ssh) => {
    await inArena({ ssh, deadlineMs: 1_200, loginMs: 2_000 }, async ({ open, server }) => {
      expect(await outcome(open())).toBe('unavailable')
      server.misbehave({})
      expect((await fetch(await open(), '/big')).equals(big)).toBe(true)
    })
  })

  test.each<Operation>(['init', 'realpath', limits])('to %s', async (on) => {
    await inArena({ faults: [{ on, times: always, does: silence }], deadlineMs: 1_200 }, async ({ open, server }) => {
      expect(await outcome(open())).toBe('unavailable')
      server.misbehave({})
      expect((await fetch(await open(), '/big')).equals(big)).toBe(true)
    })
  })
})

describe('A login fails at once where the server', () => {
  test.each<[string, SshFaults]>([
    ['refuses the channel', { channelOpen: 'refuse' }],
    ['refuses the subsystem', { subsystem: 'refuse' }],
    ['hangs up at the password', { passwordAnswer: 'disconnect' }],
    ['hangs up when a channel is opened', { channelOpen: 'disconnect' }],
    ['hangs up when the subsystem is asked for', { subsystem: 'disconnect' }],
    ['takes packets of 0 bytes', { packetSize: 0 }],
    ['takes packets of 1 byte', { packetSize: 1 }],
    ['takes packets of 20 bytes', { packetSize: 20 }],
  ])('%s', async (_what, ssh) => {
    await inArena({ ssh }, async ({ open, server }) => {
      expect(await outcome(open())).toBe('unavailable')
      server.misbehave({})
      expect((await fetch(await open(), '/big')).equals(big)).toBe(true)
    })
  })
})

test.each<[string, SshFaults]>([
  ['small packets', { packetSize: 1024 }],
  ['a window of 4 GiB', { window: 2 ** 32 - 1 }],
])('a server that takes %s gets the whole file', async (_what, ssh) => {
  await inArena({ ssh }, async ({ open, server }) => {
    await store(await open(), '/old', big.subarray(0, 600_000))
    expect(held(server, '/old')).toBe(big.subarray(0, 600_000).toString('latin1'))
  })
})

test('a late refusal of a password is a refusal, and is not asked for again', async () => {
  await inArena({ ssh: { passwordAnswer: { afterMs: 500, accept: false } } }, async ({ open }) => {
    expect(await outcome(open())).toBe('loginRefused')
  })
})

test('a password that is accepted late is accepted', async () => {
  await inArena({ ssh: { passwordAnswer: { afterMs: 500, accept: true } } }, async ({ open }) => {
    expect((await fetch(await open(), '/big')).equals(big)).toBe(true)
  })
})
