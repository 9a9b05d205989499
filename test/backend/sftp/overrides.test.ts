import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import type { FileSystem } from '../../../src/backend/backend.ts'
import type { CapabilityOverrides } from '../../../src/backend/sftp/capabilities.ts'
import { SftpStatusError } from '../../../src/backend/sftp/failures.ts'
import type { SftpBackend } from '../../../src/backend/sftp/sftp-backend.ts'
import { SftpClient } from '../../../src/backend/sftp/sftp-client.ts'
import { Secret } from '../../../src/ftp/secret.ts'
import type { Event } from '../../../src/observe/observer.ts'
import { backendFor } from '../../support/backend-under-test.ts'
import { type Sshd, startSshd } from '../../support/sshd.ts'

let sshd: Sshd
beforeAll(async () => {
  sshd = await startSshd()
})
afterAll(() => sshd.stop())

const backends: SftpBackend[] = []
afterEach(async () => {
  vi.restoreAllMocks()
  for (const backend of backends.splice(0)) await backend.close()
})

function backendWith(capabilities: CapabilityOverrides, events: Event[] = []): SftpBackend {
  const backend = backendFor(sshd, { capabilities, observer: (event) => void events.push(event) })
  backends.push(backend)
  return backend
}

function open(backend: SftpBackend): Promise<FileSystem> {
  const { name: username, password } = sshd.user
  return backend.open({ kind: 'password', username, password: new Secret(password) })
}

async function put(files: FileSystem, name: string, text: string): Promise<string> {
  const path = join(sshd.home, name)
  const upload = await files.write(path, { kind: 'replace' })
  try {
    await pipeline([Buffer.from(text)], upload.sink)
    await upload.commit()
  } catch (error) {
    await upload.abandon('nothing')
    throw error
  }
  return path
}

async function get(files: FileSystem, path: string): Promise<string> {
  const download = await files.read(path, 0)
  try {
    return (await buffer(download.content)).toString()
  } finally {
    await download.close()
  }
}

test('the banner is known with its comment, where many products have their name', async () => {
  const events: Event[] = []
  await open(backendWith({}, events))
  const [ready] = events.filter((event) => event.kind === 'backendReady')
  expect(ready?.banner).toMatch(/^OpenSSH_[\d.p]+ Debian-\S+$/)
})

test('rename: plain leaves an existing target, and what should have replaced it', async () => {
  const files = await open(backendWith({ rename: 'plain' }))
  const from = await put(files, 'plain-from', 'new')
  const to = await put(files, 'plain-to', 'old')
  await expect(files.rename(from, to)).rejects.toMatchObject({ kind: 'failed' })
  expect([readFileSync(from, 'utf8'), readFileSync(to, 'utf8')]).toEqual(['new', 'old'])
  await expect(put(files, 'plain-to', 'newer')).rejects.toMatchObject({ kind: 'failed' })
  expect(readFileSync(to, 'utf8')).toBe('old')
  expect(readdirSync(sshd.home).filter((name) => /\.(old|part)$/.test(name))).toEqual([])
})

test('rename: swap replaces although the server could do it in one step', async () => {
  const posixRename = vi.spyOn(SftpClient.prototype, 'posixRename')
  const files = await open(backendWith({ rename: 'swap' }))
  await put(files, 'swapped', 'old')
  const path = await put(files, 'swapped', 'new')
  expect(readFileSync(path, 'utf8')).toBe('new')
  expect(posixRename).not.toHaveBeenCalled()
})

test('fsync: false and sizeAfterUpload: skip leave two requests out of an upload', async () => {
  const fsync = vi.spyOn(SftpClient.prototype, 'fsync')
  const fstat = vi.spyOn(SftpClient.prototype, 'fstat')
  const files = await open(backendWith({ fsync: false, sizeAfterUpload: 'skip' }))
  const path = await put(files, 'unchecked', 'text')
  expect(readFileSync(path, 'utf8')).toBe('text')
  expect([fsync, fstat].map(({ mock }) => mock.calls.length)).toEqual([0, 0])
})

test('a file that can be read once is not looked at, and has one READ under way at a time', async () => {
  const fstat = vi.spyOn(SftpClient.prototype, 'fstat')
  const stat = vi.spyOn(SftpClient.prototype, 'stat')
  const files = await open(backendWith({ readOnce: true, readBytes: 4096 }))
  const text = 'x'.repeat(50_000)
  const path = await put(files, 'mailbox', text)
  fstat.mockClear()
  const read = SftpClient.prototype.read
  let underWay = 0
  let mostUnderWay = 0
  vi.spyOn(SftpClient.prototype, 'read').mockImplementation(async function (this: SftpClient, ...args) {
    mostUnderWay = Math.max(mostUnderWay, ++underWay)
    return read.apply(this, args).finally(() => underWay--)
  })
  expect(await get(files, path)).toBe(text)
  expect([mostUnderWay, fstat.mock.calls.length, stat.mock.calls.length]).toEqual([1, 0, 0])
})

test.each([
  [{ pipelinedReaddir: 1 }, 1, 1],
  [{}, 2, 16],
])(
  'with %o a large directory is read with %i to %i READDIRs under way, and completely',
  async (capabilities, least, most) => {
    const directory = join(sshd.home, `large-${most}`)
    mkdirSync(directory)
    for (let i = 0; i < 4000; i++) writeFileSync(join(directory, `f${i}`), '')
    const readdir = SftpClient.prototype.readdir
    let underWay = 0
    let mostUnderWay = 0
    vi.spyOn(SftpClient.prototype, 'readdir').mockImplementation(async function (this: SftpClient, ...args) {
      mostUnderWay = Math.max(mostUnderWay, ++underWay)
      return readdir.apply(this, args).finally(() => underWay--)
    })
    const files = await open(backendWith(capabilities))
    let found = 0
    for await (const batch of files.list(directory)) found += batch.length
    expect(found).toBe(4000)
    expect(mostUnderWay).toBeGreaterThanOrEqual(least)
    expect(mostUnderWay).toBeLessThanOrEqual(most)
  },
)

test('setModified: ignore refuses without asking', async () => {
  const setstat = vi.spyOn(SftpClient.prototype, 'setstat')
  const files = await open(backendWith({ setModified: 'ignore' }))
  const path = await put(files, 'timeless', 'text')
  await expect(files.setModified(path, 1_000_000_000)).rejects.toMatchObject({ kind: 'unsupported' })
  expect(setstat).not.toHaveBeenCalled()
})

test('a server that cannot set modes, tell sizes or set times is asked once, whichever login asks', async () => {
  const cannot = () => Promise.reject(new SftpStatusError(8, 'any', 'not here'))
  const fsetstat = vi.spyOn(SftpClient.prototype, 'fsetstat').mockImplementation(cannot)
  const fstat = vi.spyOn(SftpClient.prototype, 'fstat').mockImplementation(cannot)
  const setstat = vi.spyOn(SftpClient.prototype, 'setstat').mockImplementation(cannot)
  const backend = backendWith({})
  const one = await open(backend)
  const path = await put(one, 'objects', '1')
  await put(one, 'objects', '2')
  await expect(one.setModified(path, 1_000_000_000)).rejects.toMatchObject({ kind: 'unsupported' })
  const other = await open(backend)
  await put(other, 'objects', '3')
  await expect(other.setModified(path, 1_000_000_000)).rejects.toMatchObject({ kind: 'unsupported' })
  expect(readFileSync(path, 'utf8')).toBe('3')
  expect([fsetstat, fstat, setstat].map(({ mock }) => mock.calls.length)).toEqual([1, 1, 1])
})

test('a mode that cannot be set is an honest failure each time it is asked for', async () => {
  const backend = backendWith({ setMode: 'ignore' })
  const files = await open(backend)
  const path = await put(files, 'mode', 'text')
  await files.setMode(path, 0o600)
  expect(statSync(path).mode & 0o777).toBe(0o600)
  await put(files, 'mode', 'text')
  expect(statSync(path).mode & 0o777).not.toBe(0o600)
})
