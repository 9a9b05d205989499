import { chmodSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Dialogue } from '../support/dialogue.ts'
import { finishedIn, keptIn, makeFixture, namesIn } from '../support/fixtures.ts'
import { usePlace } from '../support/place.ts'
import { mountTmpfs } from '../support/tmpfs.ts'

/** Acceptance test T17: what the backend refuses, has not, or has no room for; see lost-backend.test.ts for the rest. */

const place = usePlace()
let client: Dialogue

beforeEach(async () => {
  const { gateway, sshd } = place
  const options = { port: gateway.explicit, tls: 'explicit' as const, certificate: gateway.certificate }
  client = await Dialogue.logIn(options, sshd.user.name, sshd.user.password)
})

afterEach(async () => {
  // Whatever was refused, the session goes on.
  expect((await client.transfer('STOR last', Buffer.from('content'))).code).toBe(226)
  expect(readFileSync(join(place.home, 'last'), 'utf8')).toBe('content')
  await client.dialogue('> QUIT', '< 221')
})

test('T17: a directory where a file is wanted gets 550', async () => {
  await client.dialogue('> MKD folder', '< 257')
  expect((await client.transfer('RETR folder')).code).toBe(550)
  expect((await client.transfer('STOR folder', Buffer.from('x'))).code).toBe(550)
  expect((await client.transfer('APPE folder', Buffer.from('x'))).code).toBe(550)
  await client.dialogue('> DELE folder', '< 550', '> SIZE folder', '< 550', '> MKD folder', '< 550')
  expect(namesIn(place.home)).toEqual(['folder'])
})

test('a file where a directory is wanted gets 550', async () => {
  place.give('file', await makeFixture(place.local, 1))
  await client.dialogue('> CWD file', '< 550', '> RMD file', '< 550', '> MKD file/x', '< 550', '> MKD file', '< 550')
  expect((await client.transfer('STOR file/x', Buffer.from('x'))).code).toBe(550)
  expect(namesIn(place.home)).toEqual(['file'])
})

test('a name that does not exist gets 550', async () => {
  const commands = [
    'SIZE none',
    'MDTM none',
    'DELE none',
    'RNFR none',
    'CWD none',
    'RMD none',
    'MKD none/x',
    'MLST none',
  ]
  for (const command of commands) await client.dialogue(`> ${command}`, '< 550')
  for (const command of ['RETR none', 'LIST none', 'NLST none', 'MLSD none']) {
    expect((await client.transfer(command)).code, command).toBe(550)
  }
  expect((await client.transfer('STOR none/x', Buffer.from('x'))).code).toBe(550)
})

test('a directory that was looked at and then removed has no time any more: 550', async () => {
  await client.dialogue(
    '> MKD folder',
    '< 257',
    '> MLST folder',
    '< 250',
    '> RMD folder',
    '< 250',
    '> MDTM folder',
    '< 550',
  )
})

test('a directory that is not empty cannot be removed: 550', async () => {
  await client.dialogue('> MKD folder', '< 257', '> MKD folder/inner', '< 257', '> RMD folder', '< 550')
})

test("T17: what the backend's permissions deny gets 550", async () => {
  place.give('secret', await makeFixture(place.local, 1))
  chmodSync(join(place.home, 'secret'), 0o000)
  mkdirSync(join(place.home, 'shut'), { mode: 0o700 })
  mkdirSync(join(place.home, "root's"), { mode: 0o755 })
  expect((await client.transfer('RETR secret')).code).toBe(550)
  expect((await client.transfer('LIST shut')).code).toBe(550)
  expect((await client.transfer("STOR root's/new", Buffer.from('x'))).code).toBe(550)
  await client.dialogue('> CWD shut', '< 550', "> MKD root's/new", '< 550', '> RNFR secret', '< 350')
  await client.dialogue("> RNTO root's/moved", '< 550')
  expect(namesIn(place.home)).toEqual(["root's", 'secret', 'shut'])
  expect(namesIn(join(place.home, "root's"))).toEqual([])
})

test('F25 the disk is full: 452, the file that was there stays, nothing is left that takes space, and what fits is stored', async () => {
  const disk = join(place.home, 'disk')
  const unmount = await mountTmpfs(disk, place.sshd.user, '1m')
  try {
    place.give('disk/kept', await makeFixture(place.local, 16_385))
    const before = statSync(join(disk, 'kept'))
    const { path } = await makeFixture(place.local, 3_000_000)
    const content = readFileSync(path)
    expect((await client.transfer('STOR disk/kept', content)).code).toBe(452)
    expect((await client.transfer('STOR disk/new', content)).code).toBe(452)
    expect(finishedIn(disk)).toEqual(['kept'])
    expect(keptIn(disk)).toEqual(new Map([['kept', Buffer.alloc(0)]]))
    const after = statSync(join(disk, 'kept'))
    expect([after.ino, after.size, after.mtimeMs]).toEqual([before.ino, before.size, before.mtimeMs])
    // There is room again for what fits.
    expect((await client.transfer('STOR disk/new', content.subarray(0, 500_000))).code).toBe(226)
  } finally {
    await unmount()
  }
})
