import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { foreignProtocol, parseCommandLine } from '../../src/ftp/command-line.ts'

describe('a command line', () => {
  test.each([
    ['NOOP', 'NOOP', ''],
    ['retr a.txt', 'RETR', 'a.txt'],
    ['  cwd x', 'CWD', 'x'],
    ['RETR  two spaces first', 'RETR', ' two spaces first'],
    ['RETR trailing ', 'RETR', 'trailing '],
    ['CWD ', 'CWD', ''],
    [' ', '', ''],
    ['PASS a b  c ', 'PASS', 'a b  c '],
    ['r\xe9tr x', 'R\xe9TR', 'x'],
    ['stra\xdfe', 'STRA\xdfE', ''],
  ])('%j is verb %j with argument %j', (line, verb, argument) => {
    expect(parseCommandLine(line)).toEqual({ verb, argument })
  })

  test('keeps every argument as it is', () => {
    const argument = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((byte) => String.fromCharCode(byte)) })
    fc.assert(
      fc.property(argument, (text) => {
        expect(parseCommandLine(`stor ${text}`)).toEqual({ verb: 'STOR', argument: text })
      }),
    )
  })
})

describe('before login, a line of another protocol', () => {
  test.each([
    'GET / HTTP/1.1',
    'post /x HTTP/1.0',
    'OPTIONS * HTTP/1.1',
    'DELETE /x',
    'PROPFIND /',
    'HTTP/1.1 200 OK',
    'Host: ftp.example.com',
    'EHLO mail.example.com',
    'STARTTLS',
    '\x01\x02',
    '\x7f',
  ])('%j is refused', (line) => {
    expect(foreignProtocol(line)).toBe('refuse')
  })

  test.each(['\x16\x03\x01\x02', 'SSH-2.0-OpenSSH_9.6'])('%j is dropped without a word', (line) => {
    expect(foreignProtocol(line)).toBe('drop')
  })

  test.each(['USER anna', 'DELE x', 'OPTS UTF8 ON', 'HELP', 'HOST ftp.example.com', 'CLNT lftp/4.9', ' ', '\xe9'])(
    '%j is let through',
    (line) => {
      expect(foreignProtocol(line)).toBeUndefined()
    },
  )
})
