import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MalformedMessage } from '../../../src/backend/sftp/message-reader.ts'
import { MessageSplitter } from '../../../src/backend/sftp/message-splitter.ts'

function framed(message: Uint8Array): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(message.length)
  return Buffer.concat([length, message])
}

function split(stream: Buffer, cuts: readonly number[]): Buffer[] {
  const splitter = new MessageSplitter()
  const messages: Buffer[] = []
  let at = 0
  for (const cut of [...cuts.map((c) => c % (stream.length + 1)).sort((a, b) => a - b), stream.length]) {
    splitter.push(stream.subarray(at, cut), (message) => messages.push(Buffer.from(message)))
    at = Math.max(at, cut)
  }
  return messages
}

test('any segmentation of the stream gives the same messages', () => {
  const message = fc.uint8Array({ minLength: 5, maxLength: 300 })
  fc.assert(
    fc.property(fc.array(message, { maxLength: 8 }), fc.array(fc.nat(), { maxLength: 20 }), (messages, cuts) => {
      const found = split(Buffer.concat(messages.map(framed)), cuts)
      expect(found).toEqual(messages.map((m) => Buffer.from(m)))
    }),
  )
})

test('one byte at a time works', () => {
  const stream = Buffer.concat([framed(Buffer.from('hello')), framed(Buffer.from('world!'))])
  expect(split(stream, [...stream.keys()]).map(String)).toEqual(['hello', 'world!'])
})

test.each([
  ['shorter than a type and an id', 4],
  ['longer than 16 MiB', 16 * 1024 * 1024 + 1],
  ['negative when read as signed', 0xffff_ffff],
])('a length that is %s is refused before anything is allocated', (_what, length) => {
  const header = Buffer.alloc(4)
  header.writeUInt32BE(length)
  expect(() => new MessageSplitter().push(header, () => {})).toThrow(MalformedMessage)
})

test('a message that lies whole in one chunk is not copied', () => {
  const chunk = framed(Buffer.from('whole'))
  new MessageSplitter().push(chunk, (message) => expect(message.buffer).toBe(chunk.buffer))
})
