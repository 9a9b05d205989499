import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { FileSystem, Upload, WriteMode } from '../../../src/backend/backend.ts'
import type { SftpBackend, SftpBackendOptions } from '../../../src/backend/sftp/sftp-backend.ts'
import { backendFor, keyOf } from '../../support/backend-under-test.ts'
import { type Sshd, startSshd } from '../../support/sshd.ts'

const content = randomBytes(900_000)
const old = Buffer.from('the file that was there, and is a little longer than nothing')

let sshd: Sshd
let backend: SftpBackend
let files: FileSystem

async function begin(options: Partial<SftpBackendOptions>): Promise<void> {
  backend = backendFor(sshd, options)
  files = await backend.open(keyOf(sshd))
}
beforeEach(async () => {
  sshd = await startSshd()
})
afterEach(async () => {
  await files.close()
  await backend.close()
  await sshd.stop()
})

const path = (name: string) => `${files.home}/${name}`
const disk = (name: string) => readFileSync(join(sshd.home, name))
const names = (folder = '') => readdirSync(join(sshd.home, folder)).sort()
function give(name: string, bytes: Buffer): void {
  writeFileSync(join(sshd.home, name), bytes)
  chownSync(join(sshd.home, name), sshd.user.uid, sshd.user.gid)
}
const send = (upload: Upload, bytes: Buffer) =>
  new Promise<void>((resolve, reject) =>
    upload.sink.end(bytes, (error?: Error | null) => (error ? reject(error) : resolve())),
  )
async function put(name: string, bytes: Buffer, mode: WriteMode = { kind: 'replace' }): Promise<void> {
  const upload = await files.write(path(name), mode)
  await send(upload, bytes)
  await upload.commit()
}
async function listed(folder = files.home) {
  const entries: (readonly [string, number | undefined])[] = []
  for await (const batch of files.list(folder)) entries.push(...batch.map(({ name, size }) => [name, size] as const))
  return entries.sort(([a], [b]) => (a < b ? -1 : 1))
}

describe.each([
  ['because the operator says so', { uploadMode: 'in-place' }],
  ['because nothing can be renamed', { capabilities: { rename: 'none' } }],
  ['on a server that answers in any order', { uploadMode: 'in-place', capabilities: { answersInOrder: false } }],
] as const)('In place, %s,', (_, options) => {
  beforeEach(() => begin(options))

  test.each([old, Buffer.alloc(2_000_000, 'x')])(
    'an upload writes over the file that is there, and ends it',
    async (before) => {
      give('file', before)
      const upload = await files.write(path('file'), { kind: 'replace' })
      expect(upload.inPlace).toBe(true)
      expect(names()).toEqual(['file'])
      await send(upload, content)
      await upload.commit()
      expect(disk('file').equals(content)).toBe(true)
      expect(names()).toEqual(['file'])
    },
  )

  test('a file loses nothing before the first byte comes', async () => {
    give('file', old)
    const upload = await files.write(path('file'), { kind: 'replace' })
    await upload.abandon('bytes')
    expect(disk('file')).toEqual(old)
  })

  test('an upload that is interrupted leaves what came of it, as every old server does, and can be gone on with', async () => {
    give('file', Buffer.alloc(2_000_000, 'x'))
    const upload = await files.write(path('file'), { kind: 'replace' })
    upload.sink.write(content.subarray(0, 300_000))
    await upload.abandon('bytes')
    expect(disk('file').equals(content.subarray(0, 300_000))).toBe(true)
    const { size: offset = 0 } = await files.stat(path('file'), 'SIZE')
    await put('file', content.subarray(offset), { kind: 'restart', offset })
    expect(disk('file').equals(content)).toBe(true)
  })

  test('an upload without a byte makes an empty file, but not where it is interrupted', async () => {
    give('file', old)
    await put('file', Buffer.alloc(0))
    expect(disk('file')).toHaveLength(0)
    const upload = await files.write(path('new'), { kind: 'replace' })
    await upload.abandon('trace')
    expect(names()).toEqual(['file'])
  })

  test('APPE appends, and STOU finds a free name', async () => {
    give('file', old)
    await put('file', content, { kind: 'append' })
    expect(disk('file').equals(Buffer.concat([old, content]))).toBe(true)
    await expect(files.write(path('file'), { kind: 'unique' })).rejects.toMatchObject({ kind: 'alreadyExists' })
    await put('free', content, { kind: 'unique' })
    expect(disk('free').equals(content)).toBe(true)
    const upload = await files.write(path('part'), { kind: 'unique' })
    upload.sink.write(content)
    await upload.abandon('bytes')
    expect(names()).toEqual(['file', 'free'])
  })

  test('a login writes to a file once at a time', async () => {
    const upload = await files.write(path('file'), { kind: 'replace' })
    const again = await backend.open(keyOf(sshd))
    for (const kind of ['replace', 'append'] as const)
      await expect(again.write(path('file'), { kind })).rejects.toMatchObject({ kind: 'busy' })
    await send(upload, content)
    await upload.commit()
    await (await again.write(path('file'), { kind: 'append' })).abandon('nothing')
    await again.close()
    expect(disk('file').equals(content)).toBe(true)
  })
})

test('In place, a server that takes a file away as soon as it is closed gets it as a whole', async () => {
  const taken = join(sshd.folder, 'taken')
  mkdirSync(taken)
  const script = `inotifywait -q -m -e close_write --format %f "$1" | while read -r name; do mv "$1/$name" "$2/$name"; done`
  const watcher = spawn('sh', ['-c', script, 'sh', sshd.home, taken], { stdio: 'ignore', detached: true })
  try {
    // It has no word for being ready: a file of ours tells.
    await vi.waitFor(() => {
      writeFileSync(join(sshd.home, 'ready'), '')
      expect(readdirSync(taken)).toEqual(['ready'])
    }, 10_000)
    await begin({ uploadMode: 'in-place' })
    for (const name of ['a', 'b', 'a']) await put(name, content)
    await vi.waitFor(() => expect(readdirSync(taken).sort()).toEqual(['a', 'b', 'ready']), 10_000)
    for (const name of ['a', 'b']) expect(readFileSync(join(taken, name)).equals(content), name).toBe(true)
  } finally {
    process.kill(-(watcher.pid ?? 0))
  }
})

describe('In a staging folder', () => {
  beforeEach(() => begin({ uploadMode: 'atomic', staging: '.incoming' }))
  const cut = async (name: string) => {
    const upload = await files.write(path(name), { kind: 'replace' })
    upload.sink.write(content.subarray(0, 300_001))
    await upload.abandon('bytes')
  }

  test('an upload is collected, which is made for it, and nothing is beside its target meanwhile', async () => {
    give('file', old)
    const upload = await files.write(path('file'), { kind: 'replace' })
    await send(upload, content)
    expect(names()).toEqual(['.incoming', 'file'])
    expect(names('.incoming')).toEqual([
      expect.stringMatching(/^\.file\.[0-9a-f]{8}\.[0-9a-f]{8}-s[0-9a-f]{16}\.part$/),
    ])
    expect(disk('file')).toEqual(old)
    await upload.commit()
    expect(disk('file').equals(content)).toBe(true)
    expect(names('.incoming')).toEqual([])
  })

  test('what was interrupted waits to be continued, for each directory its own', async () => {
    mkdirSync(join(sshd.home, 'sub'))
    chownSync(join(sshd.home, 'sub'), sshd.user.uid, sshd.user.gid)
    give('file', old)
    await cut('file')
    await cut('sub/file')
    await cut('sub/other')
    expect(names('sub')).toEqual([])
    const home = (await listed()).filter(([name]) => name === 'file')
    expect(home).toEqual([['file', 300_000]])
    expect(await listed(path('sub'))).toEqual([
      ['file', 300_000],
      ['other', 300_000],
    ])
    await put('sub/file', content.subarray(300_000), { kind: 'restart', offset: 300_000 })
    expect(disk('sub/file').equals(content)).toBe(true)
    expect(disk('file')).toEqual(old)
    await files.removeFile(path('sub/other'))
    expect((await files.stat(path('file'), 'SIZE')).size).toBe(300_000)
    await put('file', content)
    expect((await files.stat(path('file'), 'SIZE')).size).toBe(content.length)
    expect(names('.incoming')).toEqual([])
  })

  test('its files are in no listing, and copies are made there as well', async () => {
    await cut('file')
    expect(await listed(path('.incoming'))).toEqual([])
    give('from', content)
    await files.copy(path('from'), path('to'))
    expect(disk('to').equals(content)).toBe(true)
  })

  test('may have an absolute name', async () => {
    await files.close()
    await backend.close()
    await begin({ staging: `${sshd.home}/apart` })
    await cut('file')
    expect(names()).toEqual(['apart'])
    await put('file', content)
    expect(disk('file').equals(content)).toBe(true)
    expect(existsSync(join(sshd.home, '.incoming'))).toBe(false)
  })
})
