import fc from 'fast-check'
import { expect, test } from 'vitest'
import { attrsLength, readAttrs, writeAttrs } from '../../../src/backend/sftp/attrs.ts'
import { decodeAnswer, decodeVersion } from '../../../src/backend/sftp/decode.ts'
import { encodeInit, encodeRequest, encodeWrite, writeHeaderLength } from '../../../src/backend/sftp/encode.ts'
import { MalformedMessage, MessageReader } from '../../../src/backend/sftp/message-reader.ts'
import { request } from '../../../src/backend/sftp/wire.ts'

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')

test('INIT carries the version in the place of the id', () => {
  expect(encodeInit(3)).toEqual(hex('00000005 01 00000003'))
})

test('a request is length, type, id and fields', () => {
  const handle = Buffer.from('h')
  const message = encodeRequest(request.read, 7, [{ string: handle }, { u64: 2 ** 32 + 1 }, { u32: 9 }])
  expect(message).toEqual(hex('00000016 05 00000007 00000001 68 0000000100000001 00000009'))
})

test('a name goes out as the bytes that it is', () => {
  const message = encodeRequest(request.remove, 1, [{ string: 'f\xfc' }])
  expect(message.subarray(-2)).toEqual(hex('66fc'))
})

test('a WRITE gets its header in front of data that is already in place', () => {
  const handle = Buffer.from('abcd')
  const header = writeHeaderLength(handle)
  const message = Buffer.alloc(header + 10)
  message.write('data', header)
  const written = encodeWrite(message, 5, handle, 3, 4)
  expect(written).toEqual(
    encodeRequest(request.write, 5, [{ string: handle }, { u64: 3 }, { string: Buffer.from('data') }]),
  )
})

test('attributes survive the wire', () => {
  const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 })
  const attrs = fc.record({
    size: fc.option(fc.maxSafeNat(), { nil: undefined }),
    owner: fc.option(fc.record({ uid: u32, gid: u32 }), { nil: undefined }),
    permissions: fc.option(u32, { nil: undefined }),
    times: fc.option(fc.record({ accessed: u32, modified: u32 }), { nil: undefined }),
  })
  fc.assert(
    fc.property(attrs, ({ size, owner, permissions, times }) => {
      const sent = { size, permissions, ...owner, ...times }
      const message = Buffer.alloc(attrsLength(sent))
      expect(writeAttrs(message, 0, sent)).toBe(message.length)
      expect(readAttrs(new MessageReader(message))).toEqual({
        size,
        permissions,
        uid: owner?.uid,
        gid: owner?.gid,
        accessed: times?.accessed,
        modified: times?.modified,
      })
    }),
  )
})

test('a STATUS without text is understood (Cisco, Maverick)', () => {
  expect(decodeAnswer(hex('65 00000001 00000002'))).toEqual({ id: 1, answer: { type: 'status', code: 2, message: '' } })
})

test('ids above 2^31 are matched as they are', () => {
  expect(decodeAnswer(hex('65 fffffffe 00000000')).id).toBe(0xffff_fffe)
})

test.each([
  ['an empty handle', '66 00000001 00000000'],
  ['data longer than its message', '67 00000001 0000ffff 00'],
  ['more names than there are', '68 00000001 ffffffff'],
  ['a type that no answer has', '63 00000001'],
])('%s is malformed', (_what, message) => {
  expect(() => decodeAnswer(hex(message))).toThrow(MalformedMessage)
})

test('VERSION tells the extensions by name', () => {
  const message = Buffer.concat([hex('02 00000003'), ...['a@b', '1'].map((s) => encodeString(s))])
  expect(decodeVersion(message)).toEqual({ version: 3, extensions: new Map([['a@b', '1']]) })
})

test('no bytes make the decoder do anything but answer or throw MalformedMessage', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 5, maxLength: 80 }),
      fc.constantFrom(101, 102, 103, 104, 105),
      (bytes, type) => {
        const message = Buffer.from(bytes)
        message[0] = type
        try {
          decodeAnswer(message)
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedMessage)
        }
      },
    ),
  )
})

function encodeString(text: string): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(text.length)
  return Buffer.concat([length, Buffer.from(text)])
}
