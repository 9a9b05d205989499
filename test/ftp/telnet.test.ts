import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Telnet } from '../../src/ftp/telnet.ts'
import { anyCuts, bytesWithMany, cut } from './chunks.ts'

function run(...chunks: readonly Buffer[]): { bytes: string; replies: string } {
  return runWith(new Telnet(), chunks)
}

function runWith(telnet: Telnet, chunks: readonly Buffer[]): { bytes: string; replies: string } {
  const outputs = chunks.map((chunk) => telnet.push(chunk))
  return {
    bytes: Buffer.concat(outputs.map(({ bytes }) => bytes)).toString('latin1'),
    replies: Buffer.concat(outputs.map(({ replies }) => replies)).toString('hex'),
  }
}
const latin1 = (text: string) => Buffer.from(text, 'latin1')

describe('Telnet on the control connection', () => {
  test.each([
    ['a doubled 0xFF is one', 'RETR \xff\xffa', 'RETR \xffa'],
    ['IAC IP IAC DM before ABOR is dropped', '\xff\xf4\xff\xf2ABOR\r\n', 'ABOR\r\n'],
    ['IAC whose DM was lost as urgent data is dropped', '\xff\xf4\xffABOR\r\n', 'ABOR\r\n'],
    ['DM whose IAC was lost as urgent data is dropped', '\xff\xf4\xf2ABOR\r\n', 'ABOR\r\n'],
    ['0xF2 anywhere else is a letter', 'RETR \xf2\xff\xf4a\xf2', 'RETR \xf2a\xf2'],
    ['AYT and NOP are dropped', '\xff\xf6\xff\xf1x', 'x'],
    ['a lone IAC before another byte is dropped', 'a\xff\xf0b', 'a\xf0b'],
  ])('%s', (_, input, output) => {
    expect(run(latin1(input))).toEqual({ bytes: output, replies: '' })
  })

  test('refuses what the peer offers and asks for', () => {
    expect(run(latin1('\xff\xfb\x01a\xff\xfc\x02b\xff\xfd\x03c\xff\xfe\x04d'))).toEqual({
      bytes: 'abcd',
      replies: 'fffe01fffe02fffc03fffc04',
    })
  })

  test('stops answering after 16 options', () => {
    const { bytes, replies } = run(latin1(`${'\xff\xfd\x18'.repeat(100)}NOOP`))
    expect(bytes).toBe('NOOP')
    expect(replies).toBe('fffc18'.repeat(16))
  })

  test('passes chunks without Telnet as they are', () => {
    const chunk = latin1('STOR file\r\n')
    expect(new Telnet().push(chunk).bytes).toBe(chunk)
  })

  describe('where 0xFF is a letter', () => {
    const written = (text: string) => {
      const telnet = new Telnet()
      telnet.letter255 = true
      return telnet.push(latin1(text)).bytes.toString('latin1')
    }

    test.each([
      ['keeps one within a line', 'RETR \xffa b\xff c\r\n', 'RETR \xffa b\xff c\r\n'],
      ['keeps one at the end of a line', 'CWD a\xff\r\nCWD b\xff\n', 'CWD a\xff\r\nCWD b\xff\n'],
      [
        'keeps one before a byte that would be a Telnet command',
        'CWD \xff\xf0\xff\xf4\xff\xfbx',
        'CWD \xff\xf0\xff\xf4\xff\xfbx',
      ],
      ['takes two for one', 'CWD a\xff\xffb', 'CWD a\xffb'],
      ['still drops IAC IP IAC DM before ABOR', 'NOOP\r\n\xff\xf4\xff\xf2ABOR\r\n', 'NOOP\r\nABOR\r\n'],
      ['still drops IAC whose DM was lost', '\xff\xf4\xffABOR\r\n', 'ABOR\r\n'],
      ['still drops what comes after a lost LF', 'ABOR\r\xff\xf4\xff\xf2ABOR\r\n', 'ABOR\rABOR\r\n'],
    ])('%s', (_, input, output) => {
      expect(written(input)).toBe(output)
    })
  })

  test('does not depend on how the bytes are cut', () => {
    fc.assert(
      fc.property(bytesWithMany(0xff, 0xf4, 0xf2, 0xfb, 0xfd, 0xfe, 0x41), anyCuts, (bytes, cuts) => {
        expect(run(...cut(bytes, cuts))).toEqual(run(bytes))
      }),
    )
  })

  test('does not depend on it where 0xFF is a letter either', () => {
    const letters = () => Object.assign(new Telnet(), { letter255: true })
    fc.assert(
      fc.property(bytesWithMany(0xff, 0xf4, 0xfb, 0xfd, 0x0a, 0x0d, 0x41), anyCuts, (bytes, cuts) => {
        expect(runWith(letters(), cut(bytes, cuts))).toEqual(runWith(letters(), [bytes]))
      }),
    )
  })
})
