import { describe, expect, test } from 'vitest'
import { lineBytesMax, ReplyReader, replyBytesMax } from '../../src/legacy/replies.ts'

function read(...chunks: string[]) {
  const reader = new ReplyReader()
  return chunks.flatMap((chunk) => reader.push(Buffer.from(chunk, 'latin1')))
}

describe('Replies of an old server', () => {
  test('are read one by one, however their bytes come', () => {
    const text = '220-Welcome\r\n to the old server\r\n220 Ready.\r\n331 Password?\r\n'
    const whole = read(text)
    expect(whole.map(({ code }) => code)).toEqual([220, 331])
    expect(read(...text)).toEqual(whole)
  })

  test('keep every byte: indents, line ends, and text that is no text', () => {
    const odd = '214-Help\n   USER\tPASS \xe9\xff\xff \r\n550 is no end here\r\n214-nor this\r\n214 End\r\n'
    expect(read(odd)).toEqual([expect.objectContaining({ code: 214, verbatim: odd })])
  })

  test('have their text without code and line end', () => {
    expect(read('257 "/a ""b""" is here\r\n')[0]?.lines).toEqual(['"/a ""b""" is here'])
  })

  test('may have nothing behind the code', () => {
    expect(read('200\r\n')).toEqual([expect.objectContaining({ code: 200, verbatim: '200\r\n', lines: [''] })])
  })

  test('take what stands before their code along', () => {
    expect(read('\r\nhello\r\n220 Ready\r\n')[0]?.verbatim).toBe('\r\nhello\r\n220 Ready\r\n')
  })

  test('may be as long as the listing of a large directory, and no longer', () => {
    const line = ` ${'x'.repeat(998)}\n`
    const lines = Math.floor(replyBytesMax / line.length) - 1
    expect(read(`213-\n${line.repeat(lines)}213 End\n`)[0]?.verbatim).toHaveLength(5 + lines * 1000 + 8)
    expect(() => read(`213-\n${line.repeat(lines + 2)}`)).toThrow('a reply of more than')
  })

  test.each(['x'.repeat(lineBytesMax + 1), `220 ${'x'.repeat(lineBytesMax)}\r\n`])(
    'may not have lines without end',
    (line) => {
      expect(() => read(line)).toThrow('a line of more than')
    },
  )
})
