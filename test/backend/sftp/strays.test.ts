import { randomBytes } from 'node:crypto'
import { chownSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { FileSystem } from '../../../src/backend/backend.ts'
import type { CapabilityOverrides } from '../../../src/backend/sftp/capabilities.ts'
import { collectingPath, type Filling, keptPath, loginTag } from '../../../src/backend/sftp/part-name.ts'
import type { SftpBackend } from '../../../src/backend/sftp/sftp-backend.ts'
import { backendFor, keyOf } from '../../support/backend-under-test.ts'
import { emptyFolder } from '../../support/fixtures.ts'
import { type Sshd, startSshd } from '../../support/sshd.ts'

/*
 * A gateway was killed while it was writing: its file has a name that is used once. Here another run of the same gateway,
 * or another gateway, comes to the directory.
 */

const whole = randomBytes(500_000)
const part = whole.subarray(0, 200_000)
/** One byte fewer: see `toldOf`. */
const told = part.length - 1
const old = Buffer.alloc(300_000, 'the file that was to be replaced ')
const seconds = () => Math.floor(Date.now() / 1000)

let sshd: Sshd
let backend: SftpBackend
const opened: FileSystem[] = []

beforeEach(async () => {
  sshd = await startSshd()
  backend = made('aaaa')
})
afterEach(async () => {
  for (const each of opened.splice(0)) await each.close()
  await backend.close()
  emptyFolder(sshd.home)
  await sshd.stop()
})

function made(instance: string, capabilities: CapabilityOverrides = {}): SftpBackend {
  return backendFor(sshd, { gateway: { instance, run: '2222' }, abandonedAfterMs: 600_000, capabilities })
}
async function logIn(owner = 'alice'): Promise<FileSystem> {
  const files = await backend.open(keyOf(sshd), undefined, owner)
  opened.push(files)
  return files
}

function give(name: string, bytes: Buffer, modified = seconds() - 5): void {
  const path = join(sshd.home, name)
  writeFileSync(path, bytes)
  chownSync(path, sshd.user.uid, sshd.user.gid)
  utimesSync(path, modified, modified)
}

interface Left {
  readonly bytes?: Buffer
  readonly instance?: string
  readonly run?: string
  readonly filling?: Filling
  readonly modified?: number
  readonly name?: string
}
/** What a run of a gateway that was killed has left. */
function leave({
  bytes = part,
  instance = 'aaaa',
  run = '1111',
  filling = 'sequence',
  modified,
  name,
}: Left = {}): void {
  const owner = { tag: loginTag('alice'), gateway: { instance, run } }
  give(collectingPath(`/${name ?? 'orders.csv'}`, owner, filling).slice(1), bytes, modified)
}
const names = () => readdirSync(sshd.home).sort()
const disk = (name: string) => readFileSync(join(sshd.home, name))
const at = (files: FileSystem, name = 'orders.csv') => `${files.home}/${name}`
const sizeOf = async (files: FileSystem, name?: string) => (await files.stat(at(files, name), 'SIZE')).size

async function send(files: FileSystem, bytes: Buffer, offset?: number): Promise<void> {
  const mode = offset === undefined ? ({ kind: 'replace' } as const) : ({ kind: 'restart', offset } as const)
  const upload = await files.write(at(files), mode)
  await new Promise<void>((resolve, reject) =>
    upload.sink.end(bytes, (error?: Error | null) => (error ? reject(error) : resolve())),
  )
  await upload.commit()
}
async function listed(files: FileSystem) {
  const entries: (readonly [string, number | undefined])[] = []
  for await (const batch of files.list(files.home))
    entries.push(...batch.map(({ name, size }) => [name, size] as const))
  return entries.sort(([a], [b]) => (a < b ? -1 : 1))
}

describe('What a killed run of this gateway was writing', () => {
  test('is what SIZE tells its login, not the file that was to be replaced; and is gone on with', async () => {
    give('orders.csv', old)
    leave()
    const files = await logIn()
    expect(await sizeOf(files)).toBe(told)
    await send(files, whole.subarray(told), told)
    expect(disk('orders.csv').equals(whole)).toBe(true)
    expect(names()).toEqual(['orders.csv'])
  })

  test('is gone on with by REST alone, without a question for its size', async () => {
    leave()
    await send(await logIn(), whole.subarray(told), told)
    expect(disk('orders.csv').equals(whole)).toBe(true)
    expect(names()).toEqual(['orders.csv'])
  })

  test('is in the listing of its login, and in nobody else’s', async () => {
    give('orders.csv', old)
    leave()
    leave({ name: 'new.csv' })
    expect(await listed(await logIn('bob'))).toEqual([['orders.csv', old.length]])
    const files = await logIn()
    const expected = [
      ['new.csv', told],
      ['orders.csv', told],
    ]
    expect(await listed(files)).toEqual(expected)
    expect(await sizeOf(files)).toBe(told)
    expect(await listed(files)).toEqual(expected)
  })

  test('is over with a new upload, whose size SIZE tells then', async () => {
    leave()
    const files = await logIn()
    await send(files, old)
    expect(await sizeOf(await logIn())).toBe(old.length)
    expect(names()).toEqual(['orders.csv'])
  })

  test('is over where its target has been uploaded since', async () => {
    give('orders.csv', old)
    leave({ modified: seconds() - 60 })
    expect(await sizeOf(await logIn())).toBe(old.length)
    expect(names()).toEqual(['orders.csv'])
  })

  test('is removed by DELE', async () => {
    leave()
    const files = await logIn()
    await files.removeFile(at(files))
    expect(names()).toEqual([])
  })

  test('is the newest of several, and the others are removed', async () => {
    leave({ bytes: old, modified: seconds() - 100 })
    leave({ modified: seconds() - 50 })
    leave({ bytes: old, modified: seconds() - 70 })
    expect(await sizeOf(await logIn())).toBe(told)
    expect(names()).toEqual([keptPath('/orders.csv', { tag: loginTag('alice') }).slice(1)])
  })

  test('counts as begun and without bytes where there may be gaps between them', async () => {
    give('orders.csv', old)
    leave({ filling: 'gaps' })
    const files = await logIn()
    expect(await sizeOf(files)).toBe(0)
    await send(files, whole)
    expect(disk('orders.csv').equals(whole)).toBe(true)
    expect(names()).toEqual(['orders.csv'])
  })

  test('is removed where it was a copy, which is nobody’s upload', async () => {
    give('orders.csv', old)
    leave({ filling: 'copy' })
    expect(await sizeOf(await logIn())).toBe(old.length)
    expect(names()).toEqual(['orders.csv'])
  })

  test('is found under a name that was too long for its ending', async () => {
    const name = `${'n'.repeat(240)}.csv`
    leave({ name })
    const files = await logIn()
    expect(await sizeOf(files, name)).toBe(told)
  })

  test('does not disturb an upload of the same file that has begun', async () => {
    const files = await logIn()
    const upload = await files.write(at(files), { kind: 'replace' })
    leave()
    leave({ name: 'other.csv' })
    // Another directory entry of the same login, seen by a listing.
    expect(await listed(await logIn())).toEqual([['other.csv', told]])
    await new Promise<void>((done) => upload.sink.end(whole, () => done()))
    await upload.commit()
    expect(disk('orders.csv').equals(whole)).toBe(true)
    expect(await sizeOf(files)).toBe(whole.length)
  })
})

test('a server that comes to itself and writes more of it changes nothing of what its login was told', async () => {
  leave()
  const files = await logIn()
  expect(await sizeOf(files)).toBe(told)
  const late = () => give(keptPath('/orders.csv', { tag: loginTag('alice') }).slice(1), whole.subarray(0, 400_000))
  late()
  expect(await sizeOf(files)).toBe(told)
  late()
  const upload = await files.write(at(files), { kind: 'append' })
  await new Promise<void>((done) => upload.sink.end(whole.subarray(told), () => done()))
  await upload.commit()
  expect(disk('orders.csv').equals(whole)).toBe(true)
  expect(names()).toEqual(['orders.csv'])
})

describe('What may still be written to is left alone', () => {
  test.each([
    ['a file of this run', { run: '2222' }],
    ['one of another gateway', { instance: 'bbbb' }],
  ])('%s', async (_, left) => {
    give('orders.csv', old)
    leave(left)
    const before = names()
    const files = await logIn()
    expect(await sizeOf(files)).toBe(old.length)
    expect(await listed(files)).toEqual([['orders.csv', old.length]])
    expect(names()).toEqual(before)
  })

  test('until another gateway cannot be writing to it any more', async () => {
    give('orders.csv', old, seconds() - 1000)
    leave({ instance: 'bbbb', modified: seconds() - 700 })
    expect(await sizeOf(await logIn())).toBe(told)
  })
})

test('of a server that answers in any order nothing is taken to be without gaps', async () => {
  await backend.close()
  backend = made('aaaa', { answersInOrder: false })
  const files = await logIn()
  const upload = await files.write(at(files), { kind: 'replace' })
  expect(names()[0]).toMatch(/^\.orders\.csv\.[0-9a-f]{8}-gaaaa2222[0-9a-f]{8}\.part$/)
  await upload.abandon('nothing')
})
