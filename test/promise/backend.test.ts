import { expect, test } from 'vitest'
import type { FileSystem } from '../../src/backend/backend.ts'
import { ByteBudget } from '../../src/backend/sftp/byte-budget.ts'
import { createHostKeyPolicy } from '../../src/backend/sftp/host-keys.ts'
import { Secret } from '../../src/ftp/secret.ts'
import { backendTo } from '../support/backend-under-test.ts'
import { held, inArena, noise, outcome, store } from '../support/hostile-sftp/arena.ts'
import { changes, failure, lostAtRequest, lostInAnswer, silence } from '../support/hostile-sftp/misdeeds.ts'
import { type HostileServer, startHostileServer, victim } from '../support/hostile-sftp/server.ts'

const whole = noise(3_000_000)
const cutAt = 1_500_000
async function interrupt(files: FileSystem, path: string, bytes = whole.subarray(0, cutAt)) {
  const upload = await files.write(path, { kind: 'replace' })
  upload.sink.write(bytes)
  await upload.abandon('bytes')
}
const text = (bytes: Buffer) => bytes.toString('latin1')
const parts = ({ tree }: HostileServer) => [...tree.root.children.keys()].filter((name) => name.endsWith('.part'))

test('the answer to the RENAME that takes a partial file is lost: SIZE and REST do not lead into the old file', async () => {
  await inArena({ handlesStay: true }, async ({ open, server }) => {
    await interrupt(await open(), '/old')
    server.misbehave({ faults: [{ on: 'rename', nth: 1, does: lostInAnswer }] })
    const files = await open()
    const { size: first = 0 } = await files.stat('/old', 'SIZE')
    expect(first).toBe(cutAt - 1)
    expect(await outcome(store(files, '/old', whole.subarray(first), { kind: 'restart', offset: first }))).toBe(
      'unavailable',
    )
    server.misbehave({})
    const again = await open()
    const { size: offset = 0 } = await again.stat('/old', 'SIZE')
    const told = await outcome(
      store(again, '/old', whole.subarray(offset), offset > 0 ? { kind: 'restart', offset } : { kind: 'replace' }),
    )
    if (told === 'done') expect(held(server, '/old') === text(whole), `mixed: it was told ${offset}`).toBe(true)
  })
})

test('the RENAME that takes a partial file is refused once: APPE does not begin a file with its tail', async () => {
  await inArena({ handlesStay: true }, async ({ open, server }) => {
    const files = await open()
    await interrupt(files, '/new')
    const { size: offset = 0 } = await files.stat('/new', 'SIZE')
    server.misbehave({ faults: [{ on: 'rename', nth: 1, does: failure() }] })
    const told = await outcome(store(files, '/new', whole.subarray(offset), { kind: 'append' }))
    if (told === 'done') expect(held(server, '/new')?.length).toBe(whole.length)
  })
})

test('the RENAME that takes a partial file is carried out while the next session looks for it: it is not told the old size', async () => {
  await inArena({ handlesStay: true }, async ({ open, server }) => {
    await interrupt(await open(), '/old')
    server.misbehave({ faults: [{ on: 'rename', nth: 1, does: lostAtRequest }] })
    const files = await open()
    await files.stat('/old', 'SIZE')
    expect(await outcome(store(files, '/old', whole, { kind: 'append' }))).toBe('unavailable')
    // Between the look at the one place and that at the other.
    const late = changes((honest) => {
      const { children } = server.tree.root
      const [name = ''] = parts(server)
      const file = children.get(name)
      children.delete(name)
      if (file) children.set('.elsewhere', file)
      return [honest]
    })
    server.misbehave({ faults: [{ on: 'posix-rename@openssh.com', nth: 1, does: late }] })
    const { size } = await (await open()).stat('/old', 'SIZE')
    expect(size).toBe(cutAt - 1)
  })
})

for (const on of ['lstat', 'rename', 'open'] as const)
  test(`${on} is lost while APPE goes on in a partial file of which nobody knows the place: what came of it is kept`, async () => {
    for (const nth of [1, 2, 3])
      await inArena({ handlesStay: true }, async ({ open, server }) => {
        server.misbehave({ faults: [{ on: 'posix-rename@openssh.com', nth: 1, does: lostInAnswer }] })
        await interrupt(await open(), '/new')
        const files = await open()
        server.misbehave({ faults: [{ on, nth, does: lostAtRequest }] })
        const told = await outcome(store(files, '/new', whole.subarray(cutAt - 1), { kind: 'append' }))
        server.misbehave({})
        if (told === 'done') return
        const { size = 0 } = await (await open()).stat('/new', 'SIZE')
        expect(size, `request ${nth}`).toBeGreaterThanOrEqual(cutAt - 1)
        expect(await outcome(store(await open(), '/new', whole.subarray(size), { kind: 'append' }))).toBe('done')
        expect(held(server, '/new') === text(whole), `request ${nth}`).toBe(true)
      })
  })

for (const [what, does, told] of [
  ['is refused', failure(3), 'accessDenied'],
  ['meets the loss of the backend', lostAtRequest, 'unavailable'],
] as const)
  test(`a STOR that starts over ${what} before its first byte: what came of the one before is still there`, async () => {
    await inArena({ handlesStay: true }, async ({ open, server }) => {
      await interrupt(await open(), '/old')
      const files = await open()
      server.misbehave({ faults: [{ on: 'open', nth: 1, does }] })
      expect(await outcome(store(files, '/old', whole))).toBe(told)
      server.misbehave({})
      const again = await open()
      const { size: offset = 0 } = await again.stat('/old', 'SIZE')
      expect(offset).toBe(cutAt - 1)
      await store(again, '/old', whole.subarray(offset), { kind: 'append' })
      expect(held(server, '/old') === text(whole)).toBe(true)
    })
  })

test('what came of an upload cannot get its lasting name: nobody goes on in the file that it was to replace', async () => {
  await inArena({ handlesStay: true }, async ({ open, server }) => {
    const refused = (['posix-rename@openssh.com', 'rename'] as const).map((on) => ({ on, does: failure(3) }))
    server.misbehave({ faults: refused })
    await interrupt(await open(), '/old')
    server.misbehave({})
    const files = await open()
    const { size: offset = 0 } = await files.stat('/old', 'SIZE')
    expect(await outcome(store(files, '/old', whole.subarray(offset), { kind: 'append' }))).toBe('badOffset')
    expect(await outcome(store(files, '/old', whole))).toBe('done')
    expect(await outcome(store(files, '/old', Buffer.from('more'), { kind: 'append' }))).toBe('done')
  })
})

test('no 226 where the temporary file is gone before its rename was carried out', async () => {
  await inArena({ handlesStay: true, reconnectMs: 10_000 }, async ({ open, server }) => {
    const files = await open()
    const sweep = changes((honest) => {
      // Somebody tidies up between the two connections (find -name '*.part' -delete, a folder that was renamed).
      for (const name of parts(server)) server.tree.root.children.delete(name)
      return [honest]
    })
    server.misbehave({
      faults: [
        { on: 'posix-rename@openssh.com', nth: 1, does: lostAtRequest },
        { on: 'realpath', nth: 1, does: sweep },
      ],
    })
    const told = await outcome(store(files, '/old', whole))
    expect(told === 'done').toBe(held(server, '/old') === text(whole))
  })
})

function unordered(server: HostileServer) {
  const { host, port, fingerprint } = server
  const hostKeys = createHostKeyPolicy({ host, port, fingerprints: [fingerprint], knownHostsText: undefined })
  return backendTo(
    { host, port, hostKeys },
    {
      budget: new ByteBudget(8 << 20),
      capabilities: { answersInOrder: false, writeBytes: 100_000 },
      requestMs: 3_000,
      closeMs: 3_000,
    },
  )
}

test('a server that carries out WRITEs in any order: what is kept of an upload has no hole', async () => {
  const server = await startHostileServer({})
  const backend = unordered(server)
  try {
    const login = () => backend.open({ kind: 'password', username: victim, password: new Secret('x') })
    const files = await login()
    // WRITE 5 is late: it is carried out behind CLOSE, which is an error. WRITE 6 is carried out behind FSETSTAT.
    const late = changes((honest) => {
      for (const name of parts(server)) {
        const node = server.tree.peek(`/${name}`)
        if (node?.type !== 'file') continue
        const content = Buffer.alloc(600_000)
        node.content.copy(content)
        whole.copy(content, 500_000, 500_000, 600_000)
        node.content = content
      }
      return [honest]
    })
    server.misbehave({
      faults: [
        { on: 'write', nth: 5, times: 2, does: silence },
        { on: 'fsetstat', nth: 1, does: late },
      ],
    })
    const upload = await files.write('/new', { kind: 'replace' })
    upload.sink.on('error', () => {})
    upload.sink.write(whole.subarray(0, 600_000))
    await new Promise((resolve) => setTimeout(resolve, 300))
    // As TransferRunner does when the data connection is reset: receiveInto destroys the sink first.
    upload.sink.destroy()
    await upload.abandon('bytes')
    server.misbehave({})
    const again = await login()
    const { size: offset = 0 } = await again.stat('/new', 'SIZE').catch(() => ({ size: 0 }))
    await store(again, '/new', whole.subarray(offset), offset > 0 ? { kind: 'restart', offset } : { kind: 'replace' })
    expect(held(server, '/new') === text(whole), `it was told ${offset}`).toBe(true)
  } finally {
    await backend.close()
    await server.stop()
  }
})

test('an upload is not failed by the loss of another session of its login', async () => {
  await inArena({ handlesStay: true, deadlineMs: 2_000 }, async ({ open, server }) => {
    const [one, two] = [await open(), await open()]
    server.misbehave({ faults: [{ on: 'opendir', nth: 1, does: silence }] })
    const lost = outcome(one.stat('/old', 'SIZE'))
    await new Promise((resolve) => setTimeout(resolve, 200))
    const told = await outcome(store(two, '/new', whole))
    expect(await lost).toBe('unavailable')
    expect(told).toBe('done')
  })
})
