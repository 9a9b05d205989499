import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { deflateSync, inflateSync } from 'node:zlib'
import { afterEach, expect, test } from 'vitest'
import type { DialectChanges } from '../../src/ftp/dialect.ts'
import type { TransferEvent } from '../../src/observe/observer.ts'
import type { Dialogue } from '../support/dialogue.ts'
import { type MemoryGateway, startMemoryGateway } from '../support/memory-gateway.ts'

let gateway: MemoryGateway
afterEach(async () => {
  await gateway.stop()
  expect(gateway.backend.openHandles).toBe(0)
  expect(gateway.events.filter(({ kind }) => kind === 'bug')).toEqual([])
})

/** A client that has logged in and switched to MODE Z. */
async function inModeZ(dialect: DialectChanges = {}): Promise<Dialogue> {
  gateway = await startMemoryGateway({ tls: 'explicit', dialect: { commands: { modeZ: true }, ...dialect } })
  const client = await gateway.logIn()
  await client.dialogue('> PBSZ 0', '< 200', '> PROT P', '< 200', '> MODE Z', '< 200 Mode set to Z.')
  return client
}

const transfers = () => gateway.events.filter((event): event is TransferEvent => event.kind === 'transfer')
const text = 'to be or not to be, '.repeat(10_000)
const packed = deflateSync(text)
const stored = (path: string) => gateway.backend.content(path)?.toString('latin1')

test('MODE Z is refused unless it is offered', async () => {
  gateway = await startMemoryGateway({ tls: 'explicit' })
  const client = await gateway.logIn()
  await client.dialogue('> MODE Z', '< 504', '> OPTS MODE Z LEVEL 6', '< 501', '> STAT', '< 211')
  expect(client.transcript.at(-4)).toContain('MODE: S')
})

test('in MODE Z files and listings are deflated, until MODE S', async () => {
  const client = await inModeZ()
  gateway.backend.tree.addFile('/f', text)
  await client.dialogue('> OPTS MODE Z LEVEL 9', '< 200', '> STAT', '< 211 TYPE: I, STRU: F, MODE: Z')
  const file = await client.transfer('RETR f')
  expect([file.code, file.content.length < 5000]).toEqual([226, true])
  expect(file.replies[0]?.lines).toEqual(['150 Opening BINARY mode data connection for f.'])
  expect(inflateSync(file.content).toString()).toBe(text)
  for (const [command, shown] of [
    ['NLST', 'f\r\n'],
    ['LIST', / f\r\n$/],
    ['MLSD', /; f\r\n$/],
  ] as const) {
    expect(inflateSync((await client.transfer(command)).content).toString()).toMatch(shown)
  }
  gateway.backend.tree.addDirectory('/empty')
  expect(inflateSync((await client.transfer('LIST empty')).content)).toHaveLength(0)
  await client.dialogue('> MODE S', '< 200')
  expect((await client.transfer('RETR f')).content.toString()).toBe(text)
})

test('in MODE Z uploads are inflated, appended and restarted', async () => {
  const client = await inModeZ()
  expect((await client.transfer('STOR f', packed)).code).toBe(226)
  expect(stored('/f')).toBe(text)
  expect(transfers().at(-1)).toMatchObject({ bytes: packed.length, inflatedBytes: text.length })
  expect((await client.transfer('APPE f', deflateSync('the end'))).code).toBe(226)
  expect(stored('/f')).toBe(`${text}the end`)
  await client.dialogue('> REST 3', '< 350')
  expect(inflateSync((await client.transfer('RETR f')).content).toString()).toBe(`${text.slice(3)}the end`)
  await client.dialogue('> REST 3', '< 350')
  expect((await client.transfer('STOR f', deflateSync('XX'))).code).toBe(226)
  expect(stored('/f')).toBe(`to XX${text.slice(5)}the end`)
  expect((await client.transfer('STOR empty', deflateSync(''))).code).toBe(226)
  expect(stored('/empty')).toBe('')
})

test('in MODE Z text is converted before it is deflated, and restarted in converted bytes', async () => {
  const client = await inModeZ()
  await client.dialogue('> TYPE A', '< 200')
  expect((await client.transfer('STOR f', deflateSync('a\r\nb\r\n'))).code).toBe(226)
  expect(stored('/f')).toBe('a\nb\n')
  await client.dialogue('> REST 1', '< 350')
  expect(inflateSync((await client.transfer('RETR f')).content).toString()).toBe('\r\nb\r\n')
})

test('in MODE Z ALLO declares the size of the file', async () => {
  const client = await inModeZ()
  await client.dialogue(`> ALLO ${text.length}`, '< 202')
  expect((await client.transfer('STOR f', packed)).code).toBe(226)
  await client.dialogue(`> ALLO ${packed.length}`, '< 202')
  expect((await client.transfer('STOR g', packed)).code).toBe(426)
  expect(stored('/g')).toBeUndefined()
})

test.each([
  ['is not compressed', Buffer.from(text)],
  ['is empty', Buffer.alloc(0)],
  ['ends too early', packed.subarray(0, -1)],
  ['has no checksum', packed.subarray(0, -4)],
  ['goes on behind its end', Buffer.concat([packed, Buffer.of(0)])],
])('an upload in MODE Z that %s changes nothing', async (_, bytes) => {
  const client = await inModeZ()
  gateway.backend.tree.addFile('/f', 'as it was')
  expect((await client.transfer('STOR f', bytes)).code).toBe(426)
  expect((await client.transfer('STOR fresh', bytes)).code).toBe(426)
  expect([stored('/f'), stored('/fresh')]).toEqual(['as it was', undefined])
  expect(transfers().map(({ outcome }) => outcome)).toEqual(['truncated', 'truncated'])
  expect((await client.transfer('STOR f', packed)).code).toBe(226)
})

test.each(['STOR f', 'RETR large'])('ABOR ends %s in MODE Z, and nothing is left', async (command) => {
  gateway = await startMemoryGateway({ dialect: { commands: { modeZ: true } } })
  const client = await gateway.logIn()
  gateway.backend.tree.addFile('/large', randomBytes(30_000_000))
  const [epsv] = await client.dialogue('> MODE Z', '< 200', '> EPSV', '< 229').then((replies) => replies.slice(1))
  const data = connect(Number(/\|(\d+)\|/.exec(epsv?.lines[0] ?? '')?.[1]), '127.0.0.1').on('error', () => {})
  await once(data, 'connect')
  await client.dialogue(`> ${command}`, '< 150')
  data.write(packed.subarray(0, 200))
  await client.dialogue('> ABOR', '< 426', '< 226', '> MODE S', '< 200', '> NOOP', '< 200')
  expect(stored('/f')).toBeUndefined()
  data.destroy()
  await expect.poll(() => gateway.backend.openHandles).toBe(0)
})
