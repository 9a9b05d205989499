import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  lchownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { FileSystem, Upload, WriteMode } from '../../src/backend/backend.ts'
import { collectingPath, type Filling, keptPath, loginTag } from '../../src/backend/sftp/part-name.ts'
import type { SftpBackend, SftpBackendOptions } from '../../src/backend/sftp/sftp-backend.ts'
import { backendFor, keyOf, passwordOf } from '../support/backend-under-test.ts'
import { emptyFolder } from '../support/fixtures.ts'
import { processTree, signal } from '../support/processes.ts'
import { type Sshd, type SshdOptions, startSshd } from '../support/sshd.ts'

const content = randomBytes(3_000_000)
const cutAt = 1_234_567
const old = Buffer.alloc(300_000, 'the file that was there ')
const seconds = () => Math.floor(Date.now() / 1000)

let sshd: Sshd
let backend: SftpBackend
const backends: SftpBackend[] = []

async function begin(options: Partial<SftpBackendOptions> = {}, how: SshdOptions = {}) {
  sshd = await startSshd(how)
  backend = another(options)
}
function another(options: Partial<SftpBackendOptions> = {}) {
  const made = backendFor(sshd, { gateway: { instance: 'aaaa', run: '2222' }, ...options })
  backends.push(made)
  return made
}
afterEach(async () => {
  for (const each of backends.splice(0)) await each.close()
  emptyFolder(sshd.home)
  await sshd.stop()
})
const logIn = (owner = 'alice', of = backend) => of.open(keyOf(sshd), undefined, owner)
const at = (name: string) => `${sshd.home}/${name}`
const disk = (name: string) => readFileSync(join(sshd.home, name))
const names = () => readdirSync(sshd.home).sort()
function give(name: string, bytes: Buffer, modified = seconds() - 5): void {
  writeFileSync(at(name), bytes)
  chownSync(at(name), sshd.user.uid, sshd.user.gid)
  utimesSync(at(name), modified, modified)
}
const kept = (name: string, owner = 'alice', staging?: string) => keptPath(at(name), { tag: loginTag(owner), staging })
const stray = (
  name: string,
  filling: Filling,
  { instance = 'aaaa', owner = 'alice', staging = undefined as string | undefined } = {},
) => collectingPath(at(name), { tag: loginTag(owner), gateway: { instance, run: '1111' }, staging }, filling)
const pause = () => new Promise((resolve) => setTimeout(resolve, 300))
const local = (path: string) => path.slice(sshd.home.length + 1)

async function send(upload: Upload, bytes: Buffer) {
  await new Promise<void>((resolve, reject) =>
    upload.sink.end(bytes, (e?: Error | null) => (e ? reject(e) : resolve())),
  )
}
async function put(files: FileSystem, name: string, bytes: Buffer, mode: WriteMode = { kind: 'replace' }) {
  const upload = await files.write(at(name), mode)
  await send(upload, bytes)
  await upload.commit()
}
async function interrupt(
  files: FileSystem,
  name: string,
  bytes = content.subarray(0, cutAt),
  mode: WriteMode = { kind: 'replace' },
) {
  const upload = await files.write(at(name), mode)
  if (bytes.length > 0) upload.sink.write(bytes)
  await upload.abandon('bytes')
}
const sizeOf = async (files: FileSystem, name: string) => (await files.stat(at(name), 'SIZE')).size ?? -1
async function listed(files: FileSystem, directory = sshd.home) {
  const entries: [string, number | undefined][] = []
  for await (const batch of files.list(directory)) for (const { name, size } of batch) entries.push([name, size])
  return entries.sort(([a], [b]) => (a < b ? -1 : 1))
}

describe('plain OpenSSH', () => {
  beforeEach(() => begin())

  test('an APPE whose data connection never comes takes no byte from the finished file when it is done again', async () => {
    give('log', old)
    const files = await logIn()
    // What TransferRunner does for a 425: abandon('bytes') without a byte.
    await interrupt(files, 'log', Buffer.alloc(0), { kind: 'append' })
    expect.soft(await sizeOf(files, 'log')).toBe(old.length)
    await put(files, 'log', Buffer.from('a record\n'), { kind: 'append' })
    expect(disk('log').equals(Buffer.concat([old, Buffer.from('a record\n')]))).toBe(true)
  })

  test.each(['gaps', 'sequence'] as const)(
    'a link named like a stray (%s) leads nobody to empty another file',
    async (filling) => {
      give('precious', old)
      mkdirSync(at('shared'))
      chownSync(at('shared'), sshd.user.uid, sshd.user.gid)
      const link = stray('shared/x', filling)
      symlinkSync(at('precious'), link)
      lchownSync(link, sshd.user.uid, sshd.user.gid)
      const files = await logIn()
      await listed(files, at('shared'))
      await files.stat(at('shared/x'), 'SIZE').catch(() => {})
      expect(disk('precious').length).toBe(old.length)
    },
  )

  test('two logins that append to a file at once: what was answered 226 is in it', async () => {
    give('log', old)
    const [alice, bob] = [await logIn('alice'), await logIn('bob')]
    const one = await alice.write(at('log'), { kind: 'append' })
    const outcomes: string[] = []
    await put(bob, 'log', Buffer.from('record of bob\n'), { kind: 'append' })
    outcomes.push('bob')
    await send(one, Buffer.from('record of alice\n'))
    await one.commit().then(
      () => outcomes.push('alice'),
      () => {},
    )
    for (const who of outcomes) expect(disk('log').includes(`record of ${who}`), `226 to ${who}`).toBe(true)
  })

  test('two sessions of a login go on at once by APPE: the one that gets 226 has not stored its tail alone', async () => {
    const first = await logIn()
    const bad: string[] = []
    for (let i = 0; i < 20; i++) {
      await interrupt(first, 'f')
      const [a, b] = [await logIn(), await logIn()]
      const told = await sizeOf(a, 'f')
      expect(await sizeOf(b, 'f')).toBe(told)
      const open = async (files: FileSystem) => files.write(at('f'), { kind: 'append' })
      const uploads = await Promise.allSettled([open(a), open(b)])
      for (const upload of uploads) {
        if (upload.status === 'rejected') continue
        await send(upload.value, content.subarray(told))
        await upload.value.commit()
        const tail = disk('f').equals(content.subarray(told))
        if (!disk('f').equals(content)) bad.push(tail ? 'the tail alone' : `${disk('f').length} bytes`)
      }
      for (const each of [a, b]) await each.close()
      emptyFolder(sshd.home)
    }
    expect(bad).toEqual([])
  })

  test('SIZE and APPE by a link: what is stored is the file', async () => {
    give('real', old)
    symlinkSync(at('real'), at('link'))
    const files = await logIn()
    await interrupt(files, 'link')
    const told = await sizeOf(files, 'link')
    await put(files, 'link', content.subarray(told), { kind: 'append' })
    expect(disk('real').equals(content)).toBe(true)
  })

  test('LIST and APPE in a directory of more than 500 entries', async () => {
    const files = await logIn()
    const all = Array.from({ length: 1500 }, (_, i) => `f${i}`)
    for (const name of all) give(name, Buffer.from('old old'))
    // Every tenth, as the order of READDIR is the file system's.
    for (const name of all.slice(0, 40)) await interrupt(files, name, content.subarray(0, 1000))
    const shown = await listed(files)
    const wrong: string[] = []
    for (const name of all.slice(0, 40)) {
      const told = shown.find(([each]) => each === name)?.[1] ?? 0
      const done = await put(files, name, content.subarray(told, 2000), { kind: 'append' }).then(
        () => true,
        () => false,
      )
      if (done && !disk(name).equals(content.subarray(0, 2000))) wrong.push(`${name} told ${told}`)
    }
    const twice = shown.filter(([name], i) => shown[i + 1]?.[0] === name)
    expect.soft(twice).toEqual([])
    expect(wrong).toEqual([])
  }, 60_000)

  test('LIST and APPE of a name of 230 bytes', async () => {
    const name = 'n'.repeat(230)
    give(name, old)
    const files = await logIn()
    await interrupt(files, name)
    const told = (await listed(files)).find(([each]) => each === name)?.[1] ?? 0
    await put(files, name, content.subarray(told), { kind: 'append' }).catch(() => {})
    const found = disk(name)
    expect(found.equals(content) || found.equals(old)).toBe(true)
  })

  test('a session that has listed while another uploaded is not refused APPE for ever', async () => {
    give('f', old)
    const [one, two] = [await logIn(), await logIn()]
    const upload = await one.write(at('f'), { kind: 'replace' })
    await listed(two)
    await send(upload, content)
    await upload.commit()
    expect(await listed(two)).toEqual([['f', content.length]])
    const outcome = await put(two, 'f', old, { kind: 'append' }).then(
      () => 'done',
      (e) => e.kind,
    )
    expect(outcome).toBe('done')
  })

  test('partial files past their time go, although their login only uploads', async () => {
    const files = await logIn()
    give(local(kept('yesterday')), old, seconds() - 3 * 86_400)
    give(local(stray('before', 'sequence', { instance: 'bbbb' })), old, seconds() - 3 * 86_400)
    await put(files, 'today', content)
    await files.stat(at('today'), 'SIZE')
    await listed(await logIn('bob'))
    await put(await logIn('alice'), 'today2', content)
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(names()).toEqual(['today', 'today2'])
  })

  test('STOU of one name by two sessions of a login at once: both get a name', async () => {
    const [one, two] = [await logIn(), await logIn()]
    const first = await one.write(at('u'), { kind: 'unique' })
    // openUnique goes on to the next name only for `alreadyExists`.
    await expect(two.write(at('u'), { kind: 'unique' })).rejects.toMatchObject({ kind: 'alreadyExists' })
    await first.abandon('nothing')
  })

  test('a directory named like a kept partial does not keep its login from uploading and asking', async () => {
    mkdirSync(kept('f'))
    chownSync(kept('f'), sshd.user.uid, sshd.user.gid)
    const files = await logIn()
    await put(files, 'f', content)
    expect((await (await logIn()).stat(at('f'), 'SIZE')).type).toBe('file')
  })

  test('a login cannot give another one a partial file', async () => {
    const [alice, bob] = [await logIn('alice'), await logIn('bob')]
    await put(alice, local(kept('orders', 'bob')), Buffer.alloc(1000, 'alice wrote this ')).catch(() => {})
    const told = await sizeOf(bob, 'orders').catch(() => 0)
    await put(bob, 'orders', content.subarray(told), told > 0 ? { kind: 'restart', offset: told } : { kind: 'replace' })
    expect(disk('orders').equals(content)).toBe(true)
  })

  test('DELE of a link, RNTO away: the partial goes with its name', async () => {
    const files = await logIn()
    give('f', old)
    await interrupt(files, 'f')
    await files.rename(at('f'), at('g'))
    expect(await listed(files)).toEqual([['g', old.length]])
  })

  test('after SIGHUP with a changed configuration (a new backend object, the same run): a file whose backend was lost is still known', async () => {
    give('f', old)
    const login = await backend.open(passwordOf(sshd), undefined, 'alice')
    const upload = await login.write(at('f'), { kind: 'replace' })
    upload.sink.on('error', () => {})
    upload.sink.write(content.subarray(0, cutAt))
    await pause()
    for (const pid of processTree(sshd.pid).slice(1)) signal(pid, 'SIGKILL')
    await new Promise((resolve) => upload.sink.once('close', resolve))
    await upload.abandon('bytes')
    const reloaded = another({ partials: backend.partials })
    const files = await logIn('alice', reloaded)
    const told = await sizeOf(files, 'f')
    await put(files, 'f', content.subarray(told), { kind: 'restart', offset: told })
    expect(disk('f').equals(content), `it was told ${told}`).toBe(true)
  })

  test('after SIGHUP with a changed configuration: a second upload of the same name by the same login is refused', async () => {
    const upload = await (await logIn()).write(at('f'), { kind: 'replace' })
    await expect(
      (await logIn('alice', another({ partials: backend.partials }))).write(at('f'), { kind: 'replace' }),
    ).rejects.toMatchObject({
      kind: 'busy',
    })
    await upload.abandon('nothing')
  })

  test('what is kept of a private file is as private', async () => {
    give('secret', old)
    chmodSync(at('secret'), 0o600)
    await interrupt(await logIn(), 'secret')
    expect((statSync(kept('secret')).mode & 0o777).toString(8)).toBe('600')
  })

  test('a partial file of before does not come back over what another login has stored since', async () => {
    const [alice, bob] = [await logIn('alice'), await logIn('bob')]
    await interrupt(alice, 'f')
    await new Promise((resolve) => setTimeout(resolve, 1_100))
    await put(bob, 'f', old)
    await put(await logIn('alice'), 'f', Buffer.from('a record'), { kind: 'append' }).catch(() => {})
    expect(disk('f').subarray(0, old.length).equals(old)).toBe(true)
  })

  test('what is kept of an upload outlives a try to go on with it that cannot be continued (MODE Z cut, full disk, wrong ALLO)', async () => {
    const files = await logIn()
    await interrupt(files, 'f')
    const again = await files.write(at('f'), { kind: 'append' })
    again.sink.write(Buffer.alloc(10))
    await again.abandon('trace')
    expect(await sizeOf(files, 'f').catch(() => 'gone')).toBe(cutAt - 1)
  })

  test('another login replaces a file while an APPE to it is being sent: the replacement, which had its 226, is not lost', async () => {
    give('log', old)
    const [one, two] = [await logIn('alice'), await logIn('bob')]
    const append = await one.write(at('log'), { kind: 'append' })
    await put(two, 'log', content)
    await send(append, Buffer.from('a record\n'))
    const told = await append.commit().then(
      () => '226',
      () => 'refused',
    )
    if (told === '226') expect(disk('log').subarray(0, content.length).equals(content)).toBe(true)
  })

  test('a size that was told while the file was being replaced is not gone on from in the old file', async () => {
    give('f', old)
    const [one, two] = [await logIn(), await logIn()]
    const upload = await one.write(at('f'), { kind: 'replace' })
    expect(await sizeOf(two, 'f')).toBe(old.length)
    await upload.abandon('nothing')
    for (const kind of ['append', 'restart'] as const) {
      const mode: WriteMode = kind === 'append' ? { kind } : { kind, offset: old.length }
      await expect(two.write(at('f'), mode)).rejects.toMatchObject({ kind: 'busy' })
    }
    expect(await sizeOf(two, 'f')).toBe(old.length)
    await put(two, 'f', Buffer.from('more'), { kind: 'append' })
    expect(disk('f').equals(Buffer.concat([old, Buffer.from('more')]))).toBe(true)
  })

  test('what was told of an interrupted upload is not gone on from in the old file, when the rest of it is gone', async () => {
    give('f', old)
    const [one, two] = [await logIn(), await logIn()]
    await interrupt(one, 'f')
    expect(await sizeOf(two, 'f')).toBe(cutAt - 1)
    await one.removeFile(at('f'))
    give('f', old)
    await expect(two.write(at('f'), { kind: 'append' })).rejects.toMatchObject({ kind: 'busy' })
    expect(disk('f').equals(old)).toBe(true)
  })

  test('STOR that never got a byte (425) leaves the file as it was, for APPE too', async () => {
    give('log', old)
    const files = await logIn()
    await (await files.write(at('log'), { kind: 'replace' })).abandon('trace')
    await put(await logIn(), 'log', Buffer.from('a record\n'), { kind: 'append' })
    expect(disk('log').length).toBe(old.length + 9)
  })
})

test('a server that does not answer LSTAT and STAT: APPE loses nothing', async () => {
  await begin({}, { subsystem: 'internal-sftp -d {home} -P lstat,stat' })
  give('log', old)
  const files = await logIn()
  await put(files, 'log', Buffer.from('a record'), { kind: 'append' }).then(
    () => '226',
    (e) => e.kind,
  )
  expect(disk('log').subarray(0, old.length).equals(old)).toBe(true)
})

test('an upload that comes slowly is not taken for left behind by another gateway', async () => {
  const abandonedAfterMs = 2_000
  await begin({ abandonedAfterMs })
  const there = another({ abandonedAfterMs, gateway: { instance: 'bbbb', run: '3333' } })
  const upload = await (await logIn('alice')).write(at('f'), { kind: 'replace' })
  upload.sink.write(Buffer.alloc(100, 'x'))
  await new Promise((resolve) => setTimeout(resolve, 4_000))
  await listed(await logIn('alice', there))
  await send(upload, Buffer.alloc(700, 'x'))
  await upload.commit()
  expect(disk('f').length).toBe(800)
})

test('where nothing is kept, nobody goes on in the file that was to be replaced, until it is replaced', async () => {
  await begin({ keepPartialMs: 0 })
  give('f', old)
  const files = await logIn()
  await interrupt(files, 'f')
  const offset = await sizeOf(files, 'f')
  for (const mode of [{ kind: 'restart', offset }, { kind: 'append' }] as const)
    await expect(files.write(at('f'), mode)).rejects.toMatchObject({ kind: 'badOffset' })
  expect(disk('f').equals(old)).toBe(true)
  await put(files, 'f', content)
  await put(files, 'f', Buffer.from('more'), { kind: 'append' })
  expect(disk('f').equals(Buffer.concat([content, Buffer.from('more')]))).toBe(true)
})

test('in place, a file is written by one upload at a time, whoever they are and whatever link leads there', async () => {
  await begin({ uploadMode: 'in-place' })
  give('f', old)
  symlinkSync(at('f'), at('link'))
  const [a, b] = [await logIn('alice'), await logIn('bob')]
  const one = await a.write(at('f'), { kind: 'replace' })
  for (const mode of [{ kind: 'replace' }, { kind: 'append' }] as const)
    await expect(b.write(at('link'), mode)).rejects.toMatchObject({ kind: 'busy' })
  await send(one, content)
  await one.commit()
  await put(b, 'link', Buffer.from('more'), { kind: 'append' })
  expect(disk('f').equals(Buffer.concat([content, Buffer.from('more')]))).toBe(true)
})

test('rename plain: two sessions of a login that append at once', async () => {
  await begin({ capabilities: { rename: 'plain' } })
  give('log', old)
  const [a, b] = [await logIn(), await logIn()]
  const one = await a.write(at('log'), { kind: 'append' })
  const two = await b.write(at('log'), { kind: 'append' }).catch((e) => e.kind as string)
  await send(one, Buffer.from('record of a\n'))
  await one.commit()
  if (typeof two === 'string') return expect(two).toBe('busy')
  await send(two, Buffer.from('record of bbbb\n'))
  await two.commit()
  expect(disk('log').includes('record of a\n')).toBe(true)
  expect(disk('log').includes('record of bbbb\n')).toBe(true)
})
