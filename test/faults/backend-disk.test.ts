import { chmodSync, mkdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { half, old, useFaultyPlace, whole } from '../support/faulty-place.ts'
import { beginUpload } from '../support/held-upload.ts'
import { sftpServerOf } from '../support/sftp-processes.ts'
import { type Injection, inject } from '../support/strace-sftp.ts'

/*
 * What the disk under the backend does to an upload that replaces a file; files.test.ts has the one that is full. SFTP has one
 * answer, FAILURE, to all of it: that a disk is full is found out by a second look, so an ENOSPC that is over by then is 451.
 */

const place = useFaultyPlace(() => ({}))
const careful = useFaultyPlace(() => ({ upload: { verify: 'hash' } }))

let injection: Injection | undefined
afterEach(async () => {
  await injection?.stop()
  injection = undefined
})

/** An upload of `f` is past its 150; what it will meet is set up. */
async function beginWith(what: string, at = place) {
  const client = await at.begin()
  const upload = await beginUpload(client, 'f')
  injection = await inject(await sftpServerOf(at.sshd), at.part('f') ?? '', what)
  return { client, upload, injection }
}

test.each([
  [
    'F26 one WRITE in the middle finds no space, and fsync and CLOSE succeed: 451, the old file stays, the next upload works',
    'write:error=ENOSPC:when=3',
  ],
  ['F27 fsync fails with EIO: 451, the old file stays, the next upload works', 'fsync:error=EIO:when=1'],
  ['F28 CLOSE fails with EDQUOT: 451, the old file stays, the next upload works', 'close:error=EDQUOT:when=1'],
  [
    'F29 the server writes 100 bytes of one WRITE: 451, the old file stays, the next upload works',
    'write:retval=100:when=3',
  ],
  ['F31 the rename fails with EXDEV: 451, the old file stays, the next upload works', 'rename:error=EXDEV:when=1'],
  ['F31 the rename fails with EACCES: 451, the old file stays, the next upload works', 'rename:error=EACCES:when=1'],
])('%s', async (_, what) => {
  const { client, upload, injection } = await beginWith(what)
  await upload.send(whole)
  expect(await upload.finish()).toBe(451)
  expect(injection.hits()).toBe(1)
  await injection.stop()
  place.holdsOnly(old)
  await place.goesOn(client)
  expect((await client.transfer('STOR f', whole)).code).toBe(226)
  place.holdsOnly(whole)
})

test('F30 a WRITE is acknowledged and lost, and upload.verify is hash: 451, the old file stays, the next upload works', async () => {
  const { client, upload, injection } = await beginWith(lostWrite, careful)
  await upload.send(whole)
  expect(await upload.finish()).toBe(451)
  expect(injection.hits()).toBe(1)
  careful.holdsOnly(old)
  await careful.goesOn(client)
})

test('F30 a WRITE is acknowledged and lost, and upload.verify is size: 226, for nothing but reading it again finds it', async () => {
  const { client, upload, injection } = await beginWith(lostWrite)
  await upload.send(whole)
  expect(await upload.finish()).toBe(226)
  expect(injection.hits()).toBe(1)
  const lost = Buffer.from(whole)
  lost.fill(0, 2 * writeBytes, 3 * writeBytes)
  place.holdsOnly(lost)
  await place.goesOn(client)
})

/** Data bytes of a WRITE to OpenSSH; sftp-server takes any other number for an error. */
const writeBytes = 261_120
const lostWrite = `write:retval=${writeBytes}:when=3`

test('F31 the folder is closed to writers before the rename: 451, the old file stays, and later uploads work', async () => {
  const { home } = place.sshd
  const client = await place.begin()
  const upload = await beginUpload(client, 'f')
  await upload.send(half)
  chmodSync(home, 0o555)
  try {
    expect(await upload.finish()).toBe(451)
    expect(place.stored('f').equals(old)).toBe(true)
    // Nothing can be removed here either; what has to stay is not shown.
    expect((await client.transfer('NLST')).content.toString()).toBe('f\r\n')
  } finally {
    chmodSync(home, 0o755)
  }
  await place.goesOn(client)
  expect((await client.transfer('STOR f', whole)).code).toBe(226)
  expect(place.stored('f').equals(whole)).toBe(true)
})

test('F31 a folder takes the final name before the rename: 451, the folder stays, and the temporary file goes', async () => {
  const folder = join(place.sshd.home, 'f')
  const client = await place.logIn()
  const upload = await beginUpload(client, 'f')
  await upload.send(half)
  mkdirSync(folder)
  expect(await upload.finish()).toBe(451)
  expect(statSync(folder).isDirectory()).toBe(true)
  expect(place.part('f')).toBeUndefined()
  rmSync(folder, { recursive: true })
  expect((await client.transfer('STOR f', whole)).code).toBe(226)
  await place.goesOn(client)
  place.holdsOnly(whole)
})

test('F43 every write takes the disk 200 ms: the client is held back, and gets 226 with equal bytes', async () => {
  const { client, upload, injection } = await beginWith('write:delay_enter=200000')
  const content = Buffer.concat(Array(16).fill(half))
  let taken = 0
  const sending = (async () => {
    for (; taken < content.length; taken += 500_000) await upload.send(content.subarray(taken, taken + 500_000))
  })()
  await place.arrived('f', 2_000_000)
  // Twice the time in which all of it would have come here: most of it is still the client's.
  await sleep(500)
  expect(taken).toBeLessThan(content.length / 2)
  expect(injection.hits()).toBeGreaterThan(5)
  await injection.stop()
  await sending
  expect(await upload.finish()).toBe(226)
  place.holdsOnly(content)
  await place.goesOn(client)
})
