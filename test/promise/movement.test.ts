import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { FileSystem } from '../../src/backend/backend.ts'
import { held, inArena, noise, outcome, store } from '../support/hostile-sftp/arena.ts'
import { failure } from '../support/hostile-sftp/misdeeds.ts'

const sent = noise(300_000)
const stored = noise(50_000).reverse()
const text = (bytes: Buffer) => bytes.toString('latin1')

/** An upload whose client has gone, which the gateway hears only when somebody else of its login is there already. */
async function uploading(files: FileSystem, path: string) {
  const upload = await files.write(path, { kind: 'replace' })
  upload.sink.write(sent)
  return upload
}
/** Settles as the operation does; `early` is whether that was before the upload ended. */
async function besides(operation: Promise<unknown>, end: () => Promise<void>) {
  let early = false
  const told = outcome(operation).finally(() => {
    early = true
  })
  await sleep(100)
  const before = early
  await end()
  return { told: await told, early: before }
}

test('a file is renamed over one whose upload is just breaking off: REST goes on in the renamed file', async () => {
  await inArena({ handlesStay: true }, async ({ open, server }) => {
    const [first, second] = [await open(), await open()]
    await store(second, '/other', stored)
    const upload = await uploading(first, '/old')
    const { told, early } = await besides(second.rename('/other', '/old'), () => upload.abandon('bytes'))
    expect([told, early]).toEqual(['done', false])
    await store(await open(), '/old', Buffer.from('tail'), { kind: 'restart', offset: 1000 })
    const whole = Buffer.from(stored)
    whole.write('tail', 1000)
    expect(held(server, '/old') === text(whole)).toBe(true)
  })
})

test('a file that its login goes on uploading is not replaced by a renamed one', async () => {
  await inArena({ handlesStay: true }, async ({ open, server }) => {
    const [first, second] = [await open(), await open()]
    await store(second, '/other', stored)
    const upload = await uploading(first, '/old')
    expect(await outcome(second.rename('/other', '/old'))).toBe('busy')
    expect(held(server, '/other') === text(stored)).toBe(true)
    await upload.abandon('bytes')
    expect((await second.stat('/old', 'SIZE')).size).toBe(sent.length - 1)
  })
})

for (const [what, operation] of [
  ['deleted', (files: FileSystem) => files.removeFile('/old')],
  ['renamed', (files: FileSystem) => files.rename('/old', '/new')],
] as const) {
  test(`a file is ${what} while its upload is just breaking off: APPE begins another one`, async () => {
    await inArena({ handlesStay: true }, async ({ open, server }) => {
      const [first, second] = [await open(), await open()]
      const upload = await uploading(first, '/old')
      const { told, early } = await besides(operation(second), () => upload.abandon('bytes'))
      expect([told, early]).toEqual(['done', false])
      await store(await open(), '/old', stored, { kind: 'append' })
      expect(held(server, '/old') === text(stored)).toBe(true)
    })
  })

  test(`a file is ${what} while its login goes on uploading it: nothing is kept when that breaks off`, async () => {
    await inArena({ handlesStay: true }, async ({ open, server }) => {
      const [first, second] = [await open(), await open()]
      const upload = await uploading(first, '/old')
      expect(await outcome(operation(second))).toBe('done')
      await upload.abandon('bytes')
      expect(await outcome(second.stat('/old', 'SIZE'))).toBe('notFound')
      await store(await open(), '/old', stored, { kind: 'append' })
      expect(held(server, '/old') === text(stored)).toBe(true)
    })
  })

  test(`an upload is kept although its file could not be ${what} meanwhile`, async () => {
    await inArena({ handlesStay: true }, async ({ open, server }) => {
      const [first, second] = [await open(), await open()]
      const upload = await uploading(first, '/none')
      const refused = what === 'deleted' ? second.removeFile('/none') : second.rename('/none', '/new')
      expect(await outcome(refused)).toBe('notFound')
      await upload.abandon('bytes')
      expect((await second.stat('/none', 'SIZE')).size).toBe(sent.length - 1)
      expect(held(server, '/new')).toBeUndefined()
    })
  })
}

test('a file could not be renamed over one that was being uploaded: nobody goes on in the old one for the upload', async () => {
  await inArena({ handlesStay: true }, async ({ open, server }) => {
    const files = await open()
    await store(files, '/other', stored)
    await (await uploading(files, '/old')).abandon('bytes')
    server.misbehave({
      faults: (['posix-rename@openssh.com', 'rename'] as const).map((on) => ({ on, does: failure(3) })),
    })
    expect(await outcome(files.rename('/other', '/old'))).toBe('accessDenied')
    server.misbehave({})
    const { size: offset = 0 } = await files.stat('/old', 'SIZE')
    expect(await outcome(store(files, '/old', sent.subarray(offset), { kind: 'append' }))).toBe('badOffset')
    await files.rename('/other', '/old')
    expect(await outcome(store(files, '/old', Buffer.from('more'), { kind: 'append' }))).toBe('done')
    expect(held(server, '/old') === `${text(stored)}more`).toBe(true)
  })
})
