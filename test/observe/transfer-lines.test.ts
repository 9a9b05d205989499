import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { fromText } from '../../src/ftp/bytes.ts'
import type { TransferRecord } from '../../src/observe/observer.ts'
import { transferLine } from '../../src/observe/transfer-lines.ts'

/** In local time, which xferlog is written in. */
const end = new Date(2026, 2, 5, 7, 8, 9)

const upload: TransferRecord = {
  start: new Date(end.getTime() - 2345),
  end,
  seconds: 2.34549,
  session: 's-1',
  partner: 'acme',
  user: fromText('jörg'),
  address: '192.0.2.7',
  listener: 'explicit',
  verb: 'STOR',
  path: '/in/order.csv',
  bytes: 1000,
  stored: { bytes: 990, sha256: 'ab'.repeat(32) },
  outcome: 'ok',
  code: 226,
  whole: true,
  offset: 0,
  type: 'I',
  mode: 'S',
  data: { version: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256', reused: true },
}
const refused: TransferRecord = {
  start: end,
  end,
  seconds: 0,
  session: 's-1',
  partner: 'acme',
  user: 'u',
  address: '192.0.2.7',
  listener: 'explicit',
  verb: 'RETR',
  path: '/none',
  bytes: 0,
  outcome: 'refused',
  code: 550,
  whole: false,
  offset: 10,
  type: 'A',
  mode: 'Z',
}

/** Names that want to be lines of their own, or more fields. */
const nastyNames = ['/a\nb', '/a\r\nb', '/a b\tc', fromText('/a\u2028b\u0085c'), '/\xff \n\x00', '/%20']

describe('A JSON line', () => {
  const object = (record: TransferRecord): unknown => JSON.parse(transferLine(record, 'json'))

  test('says everything of an upload', () => {
    expect(object(upload)).toEqual({
      start: upload.start.toISOString(),
      end: end.toISOString(),
      seconds: 2.345,
      session: 's-1',
      partner: 'acme',
      user: 'jörg',
      address: '192.0.2.7',
      listener: 'explicit',
      verb: 'STOR',
      path: '/in/order.csv',
      bytes: 1000,
      storedBytes: 990,
      sha256: 'ab'.repeat(32),
      outcome: 'ok',
      cause: null,
      code: 226,
      extent: 'whole',
      offset: 0,
      type: 'I',
      mode: 'S',
      data: 'tls',
      tls: 'TLSv1.3',
      cipher: 'TLS_AES_128_GCM_SHA256',
      reused: true,
    })
  })

  test('has the same keys for a transfer that never began', () => {
    const line = object(refused)
    expect(Object.keys(line as object)).toEqual(Object.keys(object(upload) as object))
    expect(line).toMatchObject({ outcome: 'failed', cause: 'refused', code: 550, extent: 'partial', sha256: null })
    expect(line).toMatchObject({ data: 'none', tls: null, mode: 'Z', offset: 10 })
  })

  test('tells a plain data connection from none', () => {
    expect(object({ ...upload, data: 'plain' })).toMatchObject({ data: 'plain', tls: null, cipher: null, reused: null })
  })

  test.each(nastyNames)('stays one line with the name %j', (path) => {
    const line = transferLine({ ...upload, path }, 'json')
    expect(line).toMatch(/^\{[^\p{Cc}\u2028\u2029]*\}\n$/u)
  })

  test('has exactly the keys that the documentation explains', () => {
    const text = readFileSync(join(import.meta.dirname, '../../deploy/transfer-log.md'), 'utf8')
    const explained = [...text.matchAll(/^\| `(\w+)`/gm)].map(([, key]) => key)
    expect(explained).toEqual(Object.keys(object(upload) as object))
  })
})

describe('An xferlog line', () => {
  test('is as wu-ftpd writes it', () => {
    const line = 'Thu Mar  5 07:08:09 2026 2 192.0.2.7 1000 /in/order.csv b _ i r jörg ftp 0 * c\n'
    expect(transferLine(upload, 'xferlog')).toBe(line)
  })

  test('says of a transfer that never began that it is incomplete', () => {
    const line = 'Thu Mar  5 07:08:09 2026 1 192.0.2.7 0 /none a _ o r u ftp 0 * i\n'
    expect(transferLine(refused, 'xferlog')).toBe(line)
  })

  test.each(nastyNames)('has its 18 fields with the name %j, from which the name can be had again', (path) => {
    const line = transferLine({ ...upload, path, user: path }, 'xferlog')
    expect(line).toMatch(/^[^\p{Cc}\u2028\u2029]*\n$/u)
    const fields = line.trimEnd().split(/ +/)
    expect(fields).toHaveLength(18)
    const bytes = fromText(fields[8] ?? '').replace(/%(..)/g, (_, hex: string) =>
      String.fromCharCode(Number(`0x${hex}`)),
    )
    expect(bytes).toBe(path)
  })
})
