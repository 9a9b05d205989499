import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { changed, type DialectChanges, usualDialect } from '../../src/ftp/dialect.ts'
import type { Dialogue } from '../support/dialogue.ts'
import { FakeSession } from '../support/fake-session.ts'
import { type MemoryGateway, startMemoryGateway } from '../support/memory-gateway.ts'

let session: FakeSession
beforeEach(async () => {
  session = await FakeSession.loggedIn()
})

type Text = NonNullable<DialectChanges['ascii']>
/** The TYPE, where the dialect says so. */
const set = (type: string, ascii: Text) => {
  session.dialect = changed(usualDialect, { ascii })
  return session.run(`TYPE ${type}`)
}

describe('T13: TYPE', () => {
  test.each<[string, Text, string, string]>([
    ['A', {}, 'a\nb\r\nc\rd\0', 'a\r\nb\r\nc\rd\0'],
    ['A', { lineEnds: 'crlf' }, 'a\nb\r\n', 'a\nb\r\n'],
    ['A', { convert: false }, 'a\nb\r\n', 'a\nb\r\n'],
    ['I', {}, 'a\nb\r\n', 'a\nb\r\n'],
    ['E', { ebcdic: 'ibm1047' }, 'a\nb\r\n[', '\x81\x15\x82\x15\xad'],
    ['E', { ebcdic: 'ibm037' }, 'a\n[', '\x81\x15\xba'],
    ['E', { ebcdic: 'ibm037', convert: false, lineEnds: 'crlf' }, 'a\r\n', '\x81\x15'],
    ['A', {}, '', ''],
  ])('%s with %j sends %j as %j', async (type, ascii, stored, sent) => {
    await set(type, ascii)
    session.backend.tree.addFile('/f', stored)
    expect(await session.fetch('RETR f')).toBe(sent)
  })

  test.each<[string, Text, string, string]>([
    ['A', {}, 'a\r\nb\nc\rd\r', 'a\nb\nc\rd\r'],
    ['A', { lineEnds: 'crlf' }, 'a\r\nb\n', 'a\r\nb\n'],
    ['A', { convert: false }, 'a\r\n', 'a\r\n'],
    ['E', { ebcdic: 'ibm1047' }, '\x81\x15\x82\x0d\x25\xad', 'a\nb\n['],
    ['E', { ebcdic: 'ibm037', lineEnds: 'crlf' }, '\x81\x15\xba', 'a\r\n['],
    ['A', {}, '', ''],
  ])('%s with %j stores %j as %j', async (type, ascii, sent, stored) => {
    await set(type, ascii)
    for (const verb of ['STOR', 'APPE']) {
      session.upload = Buffer.from(sent, 'latin1')
      expect((await session.run(`${verb} ${verb}`)).code).toBe(226)
      expect(session.backend.content(`/${verb}`)?.toString('latin1')).toBe(stored)
    }
  })
})

describe('T13: REST 2 in TYPE', () => {
  test.each<[string, Text, string | number, number]>([
    ['A', {}, '\na\r\n', 554],
    ['A', { convert: false }, 'a\n', 226],
    ['A', { lineEnds: 'crlf' }, 'a\n', 226],
    ['E', { ebcdic: 'ibm1047' }, '\x81\x15', 554],
    ['I', {}, 'a\n', 226],
  ])('%s with %j sends %j, and answers STOR and APPE with %d', async (type, ascii, sent, code) => {
    await set(type, ascii)
    session.backend.tree.addFile('/f', '1\na\n')
    expect((await session.run('REST 2')).code).toBe(350)
    expect(await session.fetch('RETR f')).toBe(sent)
    for (const verb of ['STOR', 'APPE']) {
      await session.run('REST 2')
      expect((await session.run(`${verb} f`)).code).toBe(code)
    }
    await session.run('REST 0')
    expect((await session.run('STOR f')).code).toBe(226)
  })

  test('A is counted in converted bytes up to 64 MB, and E likewise', async () => {
    for (const type of ['A', 'E']) {
      await set(type, { ebcdic: 'ibm037' })
      session.backend.tree.addFile('/f', '1\na\n')
      await session.run(`REST ${64 * 1024 * 1024}`)
      expect(await session.fetch('RETR f')).toBe('')
      await session.run(`REST ${64 * 1024 * 1024 + 1}`)
      expect((await session.run('RETR f')).code).toBe(554)
    }
  })
})

describe('T13: SIZE', () => {
  test.each<[string, Text, number, string]>([
    ['A', {}, 213, '4'],
    ['A', { size: 'exact' }, 213, '6'],
    ['A', { size: 'exact', lineEnds: 'crlf' }, 213, '4'],
    ['A', { size: 'exact', convert: false }, 213, '4'],
    ['A', { size: 'deny' }, 550, 'SIZE not allowed in TYPE A, use TYPE I.'],
    ['A', { size: 'deny', convert: false }, 213, '4'],
    ['I', { size: 'deny' }, 213, '4'],
    ['I', { size: 'exact' }, 213, '4'],
    ['E', { size: 'exact', ebcdic: 'ibm1047' }, 213, '4'],
    ['E', { size: 'deny', ebcdic: 'ibm1047' }, 550, 'SIZE not allowed in TYPE E, use TYPE I.'],
  ])('in TYPE %s with %j is %d %s', async (type, ascii, code, text) => {
    await set(type, ascii)
    session.backend.tree.addFile('/f', '1\na\n')
    expect(await session.run('SIZE f')).toEqual({ code, lines: [text] })
    expect(session.backend.openHandles).toBe(0)
  })

  test('exact counts files of up to 10 MB', async () => {
    await set('A', { size: 'exact' })
    const largest = 10 * 1024 * 1024
    session.backend.tree.addFile('/largest', Buffer.alloc(largest, '\n'))
    session.backend.tree.addFile('/larger', Buffer.alloc(largest + 1, '\n'))
    expect((await session.run('SIZE largest')).lines).toEqual([String(2 * largest)])
    expect((await session.run('SIZE larger')).code).toBe(550)
  })
})

describe('T13: NUL bytes in text are reported once for a transfer:', () => {
  let gateway: MemoryGateway
  let client: Dialogue
  beforeEach(async () => {
    gateway = await startMemoryGateway({ tls: 'explicit' })
    client = await gateway.logIn()
    await client.dialogue('> PBSZ 0', '< 200', '> PROT P', '< 200')
  })
  afterEach(() => gateway.stop())

  test.each([
    ['a large file', 'A', 'STOR', 'a\0'.repeat(200_000), 1],
    ['a small file', 'A', 'APPE', 'a\0b', 1],
    ['a download', 'A', 'RETR', 'a\0b', 1],
    ['text', 'A', 'STOR', 'plain text\r\n', 0],
    ['bytes', 'I', 'STOR', 'a\0b', 0],
  ])('%s in TYPE %s, %s', async (_, type, verb, content, warnings) => {
    gateway.backend.tree.addFile('/f', verb === 'RETR' ? content : '')
    await client.dialogue(`> TYPE ${type}`, '< 200')
    const { code } = await client.transfer(`${verb} f`, verb === 'RETR' ? undefined : Buffer.from(content))
    expect(code).toBe(226)
    const told = gateway.events.filter((event) => event.kind === 'warning' && event.topic === 'text.binary')
    expect(told).toHaveLength(warnings)
    for (const event of told) expect(event).toMatchObject({ message: expect.stringContaining(`${verb} /f`) })
  })
})
