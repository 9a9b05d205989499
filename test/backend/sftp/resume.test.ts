import { randomBytes } from 'node:crypto'
import { chownSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Entry, FileSystem, Upload, WriteMode } from '../../../src/backend/backend.ts'
import type { SftpBackend } from '../../../src/backend/sftp/sftp-backend.ts'
import { backendFor, keyOf, passwordOf } from '../../support/backend-under-test.ts'
import { emptyFolder } from '../../support/fixtures.ts'
import { processTree, signal } from '../../support/processes.ts'
import { type Sshd, startSshd } from '../../support/sshd.ts'

const old = Buffer.from('the file that was there')
const content = randomBytes(3_000_000)
const cutAt = 1_234_567
/** What its login is told of it: a client must not take an upload that was interrupted for whole. */
const told = cutAt - 1

let sshd: Sshd
let backend: SftpBackend
let files: FileSystem
let opened: FileSystem[] = []

beforeAll(async () => {
  sshd = await startSshd()
  backend = backendFor(sshd)
  files = await logIn('alice')
})
afterEach(async () => {
  for (const each of opened.splice(1)) await each.close()
  emptyFolder(sshd.home)
})
afterAll(async () => {
  await backend?.close()
  await sshd?.stop()
})

async function logIn(owner: string): Promise<FileSystem> {
  const login = await backend.open(keyOf(sshd), undefined, owner)
  opened.push(login)
  return login
}
const path = (name: string) => `${files.home}/${name}`
const disk = (name: string) => readFileSync(join(sshd.home, name))
const names = () => readdirSync(sshd.home).sort()

function give(name: string, bytes: Buffer): void {
  writeFileSync(join(sshd.home, name), bytes)
  chownSync(join(sshd.home, name), sshd.user.uid, sshd.user.gid)
}

/** Resolves when the backend has acknowledged all that was written. */
async function send(upload: Upload, bytes: Buffer): Promise<void> {
  await new Promise<void>((resolve, reject) =>
    upload.sink.end(bytes, (error?: Error | null) => (error ? reject(error) : resolve())),
  )
}

async function put(
  login: FileSystem,
  name: string,
  bytes: Buffer,
  mode: WriteMode = { kind: 'replace' },
): Promise<void> {
  const upload = await login.write(path(name), mode)
  await send(upload, bytes)
  await upload.commit()
}

/** Sends the beginning, and then the client is gone. */
async function interrupt(
  login: FileSystem,
  name: string,
  bytes = content.subarray(0, cutAt),
  mode: WriteMode = { kind: 'replace' },
) {
  const upload = await login.write(path(name), mode)
  upload.sink.write(bytes)
  await upload.abandon('bytes')
}

async function listed(login: FileSystem): Promise<Entry[]> {
  const entries: Entry[] = []
  for await (const batch of login.list(files.home)) entries.push(...batch)
  return entries.sort((a, b) => (a.name < b.name ? -1 : 1))
}
const sizes = async (login: FileSystem) => (await listed(login)).map(({ name, size }) => [name, size])

describe('A file that is finished and is written into', () => {
  const middle = Buffer.from('other bytes')
  const patched = (offset: number) =>
    Buffer.concat([content.subarray(0, offset), middle, content.subarray(offset + middle.length)])

  test.each([0, 1, 1_000_000])('keeps what is behind the bytes that come at %i', async (offset) => {
    give('file', content)
    await put(files, 'file', middle, { kind: 'restart', offset })
    expect(disk('file').equals(patched(offset))).toBe(true)
    expect(names()).toEqual(['file'])
  })

  test('is as it was where an APPE never got a byte, and loses none to the next one', async () => {
    give('file', content)
    await interrupt(files, 'file', Buffer.alloc(0), { kind: 'append' })
    expect((await files.stat(path('file'), 'SIZE')).size).toBe(content.length)
    await put(files, 'file', middle, { kind: 'append' })
    expect(disk('file').equals(Buffer.concat([content, middle]))).toBe(true)
  })

  test('is as it was where that is interrupted, and its login sees it so', async () => {
    give('file', content)
    await interrupt(files, 'file', middle, { kind: 'restart', offset: 1000 })
    expect(disk('file').equals(content)).toBe(true)
    expect((await files.stat(path('file'), 'SIZE')).size).toBe(content.length)
    expect(names()).toEqual(['file'])
  })
})

describe('A replacement that was begun and came to nothing', () => {
  const begun = async (leave: 'bytes' | 'trace') => {
    give('file', old)
    const upload = await files.write(path('file'), { kind: 'replace' })
    if (leave === 'trace') upload.sink.write(content.subarray(0, cutAt))
    await upload.abandon(leave)
  }

  test.each(['bytes', 'trace'] as const)(
    'is seen by its login as a file without bytes, and by nobody else (%s)',
    async (leave) => {
      await begun(leave)
      expect((await files.stat(path('file'), 'SIZE')).size).toBe(0)
      expect(await sizes(files)).toEqual([['file', 0]])
      expect((await (await logIn('bob')).stat(path('file'), 'SIZE')).size).toBe(old.length)
      expect(disk('file')).toEqual(old)
    },
  )

  test('does not lead a client that goes on where the file ends into the old one', async () => {
    await begun('trace')
    const { size: offset = -1 } = await files.stat(path('file'), 'SIZE')
    await put(files, 'file', content.subarray(offset), { kind: 'restart', offset })
    expect(disk('file').equals(content)).toBe(true)
    expect(names()).toEqual(['file'])
  })

  test('is over with the next upload, and leaves nothing where the name was free or nobody is to go on', async () => {
    await begun('trace')
    await put(files, 'file', content)
    expect((await files.stat(path('file'), 'SIZE')).size).toBe(content.length)
    for (const [name, leave] of [
      ['new', 'trace'],
      ['new', 'bytes'],
      ['file', 'nothing'],
    ] as const) {
      await (await files.write(path(name), { kind: 'replace' })).abandon(leave)
    }
    expect(names()).toEqual(['file'])
  })
})

describe.each([
  ['a file has the name', true],
  ['the name is free', false],
])('An upload was interrupted where %s: its login', (_, exists) => {
  const interrupted = async () => {
    if (exists) give('file', old)
    await interrupt(files, 'file')
  }

  test('sees what came of it, and nobody else does', async () => {
    await interrupted()
    expect((await files.stat(path('file'), 'SIZE')).size).toBe(told)
    expect(await sizes(files)).toEqual([['file', told]])
    const bob = await logIn('bob')
    if (exists) expect((await bob.stat(path('file'), 'SIZE')).size).toBe(old.length)
    else await expect(bob.stat(path('file'), 'SIZE')).rejects.toMatchObject({ kind: 'notFound' })
    expect(await sizes(bob)).toEqual(exists ? [['file', old.length]] : [])
    // The file itself is as it was.
    if (exists) expect(disk('file')).toEqual(old)
  })

  test.each([told, cutAt, 1, 700_000])('continues it by REST %i', async (offset) => {
    await interrupted()
    await put(files, 'file', content.subarray(offset), { kind: 'restart', offset })
    expect(disk('file').equals(content)).toBe(true)
    expect(names()).toEqual(['file'])
  })

  test('continues it by REST with less than there was', async () => {
    await interrupted()
    await put(files, 'file', content.subarray(1000, 2000), { kind: 'restart', offset: 1000 })
    expect(disk('file').equals(content.subarray(0, 2000))).toBe(true)
  })

  test('continues it by APPE', async () => {
    await interrupted()
    await put(files, 'file', content.subarray(told), { kind: 'append' })
    expect(disk('file').equals(content)).toBe(true)
    expect(names()).toEqual(['file'])
  })

  test('continues it in several pieces', async () => {
    await interrupted()
    await interrupt(files, 'file', content.subarray(cutAt, 2_000_000), { kind: 'restart', offset: cutAt })
    expect((await files.stat(path('file'), 'SIZE')).size).toBe(1_999_999)
    await interrupt(files, 'file', Buffer.alloc(0), { kind: 'append' })
    expect((await files.stat(path('file'), 'MDTM')).size).toBe(1_999_999)
    await put(files, 'file', content.subarray(1_999_999), { kind: 'append' })
    expect(disk('file').equals(content)).toBe(true)
    expect(names()).toEqual(['file'])
  })

  test('may not continue behind its end', async () => {
    await interrupted()
    const behind = files.write(path('file'), { kind: 'restart', offset: cutAt + 1 })
    await expect(behind).rejects.toMatchObject({ kind: 'badOffset' })
    expect((await files.stat(path('file'), 'SIZE')).size).toBe(told)
    await put(files, 'file', content.subarray(told), { kind: 'append' })
    expect(disk('file').equals(content)).toBe(true)
  })

  test('starts over by STOR', async () => {
    await interrupted()
    await put(files, 'file', content.subarray(0, 10))
    expect(disk('file').equals(content.subarray(0, 10))).toBe(true)
    expect(names()).toEqual(['file'])
    expect((await files.stat(path('file'), 'SIZE')).size).toBe(10)
  })

  test('removes it by DELE', async () => {
    await interrupted()
    await files.removeFile(path('file'))
    expect(names()).toEqual([])
    await expect(files.removeFile(path('file'))).rejects.toMatchObject({ kind: 'notFound' })
  })

  test.each(['renamed', 'copied'])('sees no more of it once another file was %s there', async (how) => {
    await interrupted()
    give('other', old)
    if (how === 'renamed') await files.rename(path('other'), path('file'))
    else await files.copy(path('other'), path('file'))
    expect((await files.stat(path('file'), 'SIZE')).size).toBe(old.length)
    expect(disk('file')).toEqual(old)
  })

  test('must ask again before it appends, where it asked while the upload was still under way', async () => {
    if (exists) give('file', old)
    const upload = await files.write(path('file'), { kind: 'replace' })
    upload.sink.write(content.subarray(0, cutAt))
    const again = await logIn('alice')
    const { size } = await again.stat(path('file'), 'SIZE').catch(() => ({ size: undefined }))
    expect(size).toBe(exists ? old.length : undefined)
    await again.stat(path('file'), 'MDTM').catch(() => {})
    await upload.abandon('bytes')
    await expect(again.write(path('file'), { kind: 'append' })).rejects.toMatchObject({ kind: 'busy' })
    expect((await again.stat(path('file'), 'SIZE')).size).toBe(told)
    await put(again, 'file', content.subarray(told), { kind: 'append' })
    expect(disk('file').equals(content)).toBe(true)
    // A listing says the same as SIZE.
    const third = await files.write(path('file'), { kind: 'replace' })
    await listed(again)
    await third.abandon('bytes')
    await expect(again.write(path('file'), { kind: 'append' })).rejects.toMatchObject({ kind: 'busy' })
    await listed(again)
    await put(again, 'file', content, { kind: 'append' })
    expect(disk('file').equals(content)).toBe(true)
  })

  test('uploads it once at a time', async () => {
    await interrupted()
    const upload = await files.write(path('file'), { kind: 'append' })
    for (const mode of [{ kind: 'append' }, { kind: 'replace' }, { kind: 'restart', offset: 1 }] as const) {
      await expect((await logIn('alice')).write(path('file'), mode)).rejects.toMatchObject({ kind: 'busy' })
    }
    const other = await (await logIn('bob')).write(path('file'), { kind: 'replace' })
    await other.abandon('nothing')
    await send(upload, content.subarray(told))
    await upload.commit()
    expect(disk('file').equals(content)).toBe(true)
    expect(names()).toEqual(['file'])
  })

  test('continues it after a restart of the gateway', async () => {
    await interrupted()
    const again = backendFor(sshd)
    const login = await again.open(passwordOf(sshd), undefined, 'alice')
    expect((await login.stat(path('file'), 'SIZE')).size).toBe(told)
    expect(await sizes(login)).toEqual([['file', told]])
    await put(login, 'file', content.subarray(told), { kind: 'append' })
    expect(disk('file').equals(content)).toBe(true)
    await again.close()
  })
})

describe('A finished file', () => {
  test.each<[WriteMode, Buffer]>([
    [{ kind: 'append' }, Buffer.concat([old, content])],
    [{ kind: 'restart', offset: 4 }, Buffer.concat([old.subarray(0, 4), content])],
  ])('stays whole until %j has committed', async (mode, expected) => {
    give('file', old)
    const upload = await files.write(path('file'), mode)
    await send(upload, content)
    expect(disk('file')).toEqual(old)
    expect(upload.inPlace).toBe(false)
    await upload.commit()
    expect(disk('file').equals(expected)).toBe(true)
    expect(names()).toEqual(['file'])
  })

  test('is copied through the gateway where the server copies nothing', async () => {
    const plain = await startSshd({ subsystem: 'internal-sftp -d {home} -P copy-data' })
    const other = backendFor(plain)
    const login = await other.open(passwordOf(plain))
    try {
      writeFileSync(join(plain.home, 'file'), content)
      chownSync(join(plain.home, 'file'), plain.user.uid, plain.user.gid)
      const upload = await login.write(`${plain.home}/file`, { kind: 'append' })
      await send(upload, old)
      await upload.commit()
      expect(readFileSync(join(plain.home, 'file')).equals(Buffer.concat([content, old]))).toBe(true)
      expect(readdirSync(plain.home)).toEqual(['file'])
    } finally {
      await other.close()
      await plain.stop()
    }
  })
})

describe('An upload whose connection to the backend is lost', () => {
  test('is seen and continued by the next session of its login', async () => {
    const login = await backend.open(passwordOf(sshd), undefined, 'alice')
    const upload = await login.write(path('file'), { kind: 'replace' })
    upload.sink.on('error', () => {})
    upload.sink.write(content.subarray(0, cutAt))
    await new Promise((resolve) => setTimeout(resolve, 300))
    for (const pid of processTree(sshd.pid).slice(1)) signal(pid, 'SIGKILL')
    await new Promise((resolve) => upload.sink.once('close', resolve))
    await upload.abandon('bytes')
    opened = []
    files = await logIn('alice')
    const { size = 0 } = await files.stat(path('file'), 'SIZE')
    expect(size).toBeGreaterThan(0)
    expect(size).toBeLessThanOrEqual(cutAt)
    await put(files, 'file', content.subarray(size), { kind: 'restart', offset: size })
    expect(disk('file').equals(content)).toBe(true)
    expect(names()).toEqual(['file'])
  })
})

test('partial files past their time are removed by a listing, others stay', async () => {
  await interrupt(files, 'fresh')
  await interrupt(files, 'stale')
  const stale = names().find((name) => name.startsWith('.stale'))
  utimesSync(join(sshd.home, stale ?? ''), 0, Date.now() / 1000 - 90_000)
  expect(await sizes(files)).toEqual([['fresh', told]])
  await files.stat(files.home)
  expect(names()).toHaveLength(1)
})
