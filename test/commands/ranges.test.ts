import { createHash } from 'node:crypto'
import { beforeEach, describe, expect, test } from 'vitest'
import { changed, usualDialect } from '../../src/ftp/dialect.ts'
import { FakeSession } from '../support/fake-session.ts'

let session: FakeSession
beforeEach(async () => {
  session = await FakeSession.loggedIn()
  session.dialect = changed(usualDialect, { commands: { rang: true } })
  session.backend.tree.addFile('/f', '0123456789')
  // Smaller than the ranges and than what is left out.
  session.backend.chunkLength = 3
})

test.each([
  ['RANG 2 5', 350, 'Restarting at 2. End byte range at 5.'],
  ['RANG 0 0', 350, 'Restarting at 0. End byte range at 0.'],
  ['RANG 5000000000 6000000000', 350, 'Restarting at 5000000000. End byte range at 6000000000.'],
  ['RANG 1 0', 350, 'Range reset.'],
  ['RANG 5 2', 501, 'Syntax: RANG <start> <end>'],
  ['RANG 5', 501, 'Syntax: RANG <start> <end>'],
  ['RANG -1 5', 501, 'Syntax: RANG <start> <end>'],
  ['RANG', 501, 'Syntax: RANG <start> <end>'],
])('%s is answered with %i %s', async (line, code, text) => {
  expect(await session.run(line)).toEqual({ code, lines: [text] })
})

describe.each([
  ['RANG 2 5', '2345'],
  ['RANG 0 0', '0'],
  ['RANG 0 9', '0123456789'],
  ['RANG 8 100', '89'],
  ['RANG 10 20', ''],
  ['RANG 1 0', '0123456789'],
])('after %s', (rang, part) => {
  test('RETR sends those bytes, and the next one the whole file', async () => {
    await session.run(rang)
    expect(await session.fetch('RETR f')).toBe(part)
    expect(session.transfer?.mark).toContain(`(${part.length} bytes)`)
    expect(await session.fetch('RETR f')).toBe('0123456789')
    expect(session.backend.openHandles).toBe(0)
  })

  test('HASH is of those bytes, and the next one of the whole file', async () => {
    const of = (text: string) => createHash('sha256').update(text).digest('hex')
    await session.run(rang)
    expect((await session.run('HASH f')).lines[0]?.split(' ')[2]).toBe(of(part))
    expect((await session.run('HASH f')).lines[0]).toBe(`SHA-256 0-9 ${of('0123456789')} f`)
  })
})

test('HASH names the range that it is about', async () => {
  await session.run('RANG 2 5')
  expect((await session.run('HASH f')).lines[0]).toMatch(/^SHA-256 2-5 /)
  await session.run('RANG 8 100')
  expect((await session.run('HASH f')).lines[0]).toMatch(/^SHA-256 8-9 /)
})

test('a range that begins past the end is badOffset, which is 554', async () => {
  await session.run('RANG 11 12')
  await expect(session.run('RETR f')).rejects.toMatchObject({ kind: 'badOffset' })
})

test('RANG and REST: the later one counts', async () => {
  await session.run('RANG 2 5')
  await session.run('REST 7')
  expect(await session.fetch('RETR f')).toBe('789')
  await session.run('REST 7')
  await session.run('RANG 2 5')
  expect(await session.fetch('RETR f')).toBe('2345')
})

test('in text there are no ranges', async () => {
  await session.run('RANG 2 5')
  await session.run('TYPE A')
  expect((await session.run('RANG 2 5')).code).toBe(504)
  expect((await session.run('RETR f')).code).toBe(504)
})

test.each(['STOR f', 'APPE f', 'STOU f'])('%s takes no range', async (line) => {
  await session.run('RANG 2 5')
  expect((await session.run(line)).code).toBe(504)
  expect(session.backend.content('/f')?.toString()).toBe('0123456789')
  expect((await session.run(line)).code).toBe(226)
})

test('FEAT tells of RANG where the dialect offers it; elsewhere it is answered with 502', async () => {
  expect((await session.run('FEAT')).lines).toContain('RANG STREAM')
  session.dialect = usualDialect
  expect((await session.run('FEAT')).lines).not.toContain('RANG STREAM')
  expect((await session.run('RANG 2 5')).code).toBe(502)
  expect(await session.fetch('RETR f')).toBe('0123456789')
})
