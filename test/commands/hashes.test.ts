import { createHash } from 'node:crypto'
import { beforeEach, describe, expect, test } from 'vitest'
import { changed, usualDialect } from '../../src/ftp/dialect.ts'
import { FakeSession } from '../support/fake-session.ts'
import { failure } from '../support/memory-backend.ts'

const text = '123456789'
const of = (algorithm: string, content = text) => createHash(algorithm).update(content).digest('hex')

let session: FakeSession
beforeEach(async () => {
  session = await FakeSession.loggedIn()
  const { tree } = session.backend
  tree.addFile('/f', text)
  tree.addFile('/empty')
  tree.addFile('/with blank', text)
  tree.addFile('/report 3', text)
  tree.addFile('/say "hi"', text)
  tree.addDirectory('/dir')
})

describe.each([
  // The check value of CRC-32 for these bytes is cbf43926 (Rocksoft's catalogue).
  ['XCRC f', 250, 'CBF43926'],
  ['XCRC "f"', 250, 'CBF43926'],
  ['XCRC with blank', 250, 'CBF43926'],
  ['XCRC "with blank"', 250, 'CBF43926'],
  ['XCRC "say ""hi"""', 250, 'CBF43926'],
  ['XCRC empty', 250, '00000000'],
  ['XMD5 f', 250, of('md5')],
  ['XSHA f', 250, of('sha1')],
  ['XSHA1 f', 250, of('sha1')],
  ['XSHA256 f', 250, of('sha256')],
  ['XSHA512 f', 250, of('sha512')],
  ['XMD5 f 3', 250, of('md5', '456789')],
  ['XMD5 f 3 5', 250, of('md5', '45')],
  ['XMD5 f 0 9', 250, of('md5')],
  ['XMD5 f 0 100', 250, of('md5')],
  ['XMD5 f 3 3', 250, of('md5', '')],
  ['XMD5 "f" 3 5', 250, of('md5', '45')],
  ['XMD5 report 3', 250, of('md5')],
  ['XMD5 report 3 8', 250, of('md5', '9')],
  ['XMD5 "with blank" 3 5', 250, of('md5', '45')],
  ['XMD5 "f" 5 3', 501, 'Syntax: XMD5 "<path>" [<start> [<end>]]'],
  ['XMD5 "f" x', 501, 'Syntax: XMD5 "<path>" [<start> [<end>]]'],
  ['XMD5', 501, 'Syntax: XMD5 "<path>" [<start> [<end>]]'],
  ['XMD5 dir', 550, 'Not a regular file.'],
  ['MD5 f', 251, `f ${of('md5')}`],
  ['MD5 "with blank"', 251, `with blank ${of('md5')}`],
  ['MD5 dir', 550, 'Not a regular file.'],
  ['HASH f', 213, `SHA-256 0-8 ${of('sha256')} f`],
  ['HASH with blank', 213, `SHA-256 0-8 ${of('sha256')} with blank`],
  ['HASH empty', 213, `SHA-256 0-0 ${of('sha256', '')} empty`],
  ['HASH dir', 553, 'Is a directory.'],
  ['HASH', 501, 'Syntax: HASH <path>'],
])('%s', (line, code, reply) => {
  test(`is answered with ${code} ${reply}`, async () => {
    expect(await session.run(line)).toEqual({ code, lines: [reply] })
    expect(session.backend.openHandles).toBe(0)
  })

  test('is answered with 502 where checksums are switched off', async () => {
    session.dialect = changed(usualDialect, { hash: { commands: 'off' } })
    if (code !== 501) expect((await session.run(line)).code).toBe(502)
  })
})

test.each([
  ['SHA-256', of('sha256')],
  ['SHA-512', of('sha512')],
  ['SHA-1', of('sha1')],
  ['MD5', of('md5')],
  ['CRC32', 'cbf43926'],
])('OPTS HASH %s makes HASH use it, and FEAT mark it', async (name, hex) => {
  expect(await session.run(`OPTS HASH ${name}`)).toEqual({ code: 200, lines: [name] })
  expect(await session.run('OPTS HASH')).toEqual({ code: 200, lines: [name] })
  expect(await session.run('HASH f')).toEqual({ code: 213, lines: [`${name} 0-8 ${hex} f`] })
  const line = (await session.run('FEAT')).lines.find((feature) => feature.startsWith('HASH '))
  expect(line?.split(/[ ;]/).sort()).toEqual(
    ['HASH', ...['SHA-256', 'SHA-512', 'SHA-1', 'MD5', 'CRC32'].map((one) => (one === name ? `${one}*` : one))].sort(),
  )
})

test('where checksums are switched off, FEAT and OPTS know nothing of them', async () => {
  session.dialect = changed(usualDialect, { hash: { commands: 'off' } })
  expect((await session.run('OPTS HASH')).code).toBe(501)
  expect((await session.run('FEAT')).lines.join()).not.toMatch(/HASH|MD5|XCRC|XSHA/)
})

test('bytes are those that are stored, in TYPE A too', async () => {
  session.backend.tree.addFile('/lines', 'one\ntwo\n')
  await session.run('TYPE A')
  expect((await session.run('XMD5 lines')).lines).toEqual([of('md5', 'one\ntwo\n')])
})

test('more bytes than the dialect allows are refused, a part of such a file is not', async () => {
  session.dialect = changed(usualDialect, { hash: { maxBytes: 8 } })
  for (const line of ['HASH f', 'XCRC f', 'MD5 f']) expect((await session.run(line)).code).toBe(550)
  expect((await session.run('XMD5 f 0 8')).code).toBe(250)
  expect((await session.run('XMD5 f 1')).code).toBe(250)
})

test('what may not be read is 556 to HASH', async () => {
  session.backend.before = (operation) => {
    if (operation === 'read') throw failure('accessDenied')
  }
  expect((await session.run('HASH f')).code).toBe(556)
  await expect(session.run('XCRC f')).rejects.toMatchObject({ kind: 'accessDenied' })
})

test('what is missing is notFound, a start past the end badOffset', async () => {
  await expect(session.run('HASH none')).rejects.toMatchObject({ kind: 'notFound' })
  await expect(session.run('XCRC none 1 2')).rejects.toMatchObject({ kind: 'notFound' })
  await expect(session.run('XCRC f 10')).rejects.toMatchObject({ kind: 'badOffset' })
})

test('two are made at a time, a third is answered with 450', async () => {
  let goOn = () => {}
  const held = new Promise<void>((resolve) => {
    goOn = resolve
  })
  let reading = 0
  session.backend.before = (operation) => {
    if (operation !== 'readChunk') return
    reading++
    return held
  }
  const first = session.run('HASH f')
  const second = (await FakeSession.loggedIn(session.backend)).run('XCRC f')
  await expect.poll(() => reading).toBe(2)
  for (const line of ['HASH f', 'XMD5 f', 'MD5 f']) expect((await session.run(line)).code).toBe(450)
  goOn()
  expect([(await first).code, (await second).code]).toEqual([213, 250])
  expect((await session.run('HASH f')).code).toBe(213)
})

test('a session that ends gives up its checksum, although the server does not answer', async () => {
  let reading = false
  session.backend.before = (operation) => {
    if (operation !== 'readChunk') return
    reading = true
    return new Promise(() => {})
  }
  const running = session.run('HASH f')
  await expect.poll(() => reading).toBe(true)
  session.leave.abort()
  await expect(running).rejects.toMatchObject({ kind: 'failed' })
  expect(session.backend.openHandles).toBe(0)
})
