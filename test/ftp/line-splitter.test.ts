import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LineSplitter, lineLengthMax } from '../../src/ftp/line-splitter.ts'
import { anyCuts, bytesWithMany, cut } from './chunks.ts'

function take(splitter: LineSplitter): string[] {
  const taken: string[] = []
  for (let line = splitter.next(); line !== undefined; line = splitter.next()) {
    taken.push(line.kind === 'line' ? line.text : 'TOO LONG')
  }
  return taken
}

function linesOf(...chunks: readonly (string | Buffer)[]): string[] {
  const splitter = new LineSplitter()
  return chunks.flatMap((chunk) => {
    splitter.push(typeof chunk === 'string' ? Buffer.from(chunk, 'latin1') : chunk)
    return take(splitter)
  })
}

const long = 'x'.repeat(lineLengthMax)

describe('lines of a control connection', () => {
  test.each([
    ['end at CRLF', 'USER a\r\nPASS b\r\n', ['USER a', 'PASS b']],
    ['end at a bare LF', 'NOOP\nNOOP\n', ['NOOP', 'NOOP']],
    ['lose every CR at the end and no other', 'RETR a\rb\r\r\r\n', ['RETR a\rb']],
    ['end at NUL', 'CWD a\0b\r\n', ['CWD a', 'b']],
    ['are dropped when empty', '\r\n\n\r\r\n\0NOOP\r\n', ['NOOP']],
    ['keep their spaces', ' \r\n  CWD  a \r\n', [' ', '  CWD  a ']],
    ['keep every byte', 'RETR \xe9\xff\r\n', ['RETR \xe9\xff']],
    ['wait for their end', 'NOOP\r\nQUI', ['NOOP']],
    ['may be as long as the limit', `${long}\nNOOP\n`, [long, 'NOOP']],
    ['are discarded to their LF when longer', `${long}x\0y\r\nNOOP\n`, ['TOO LONG', 'NOOP']],
  ])('%s', (_, input, lines) => {
    expect(linesOf(input)).toEqual(lines)
  })

  test('that are too long are told at once, and only once', () => {
    const splitter = new LineSplitter()
    const results = Array.from({ length: 100 }, () => {
      splitter.push(Buffer.alloc(1000, 'x'))
      return take(splitter)
    })
    expect(results.flat()).toEqual(['TOO LONG'])
    expect(splitter.pending).toBe(0)
  })

  test('do not depend on how the bytes are cut', () => {
    const bytes = fc
      .tuple(bytesWithMany(0x0a, 0x0d, 0, 0x41), fc.boolean(), bytesWithMany(0x0a, 0x0d, 0x42))
      .map(([head, isLong, tail]) => Buffer.concat([head, Buffer.from(isLong ? long : ''), tail]))
    fc.assert(
      fc.property(bytes, anyCuts, (input, cuts) => {
        expect(linesOf(...cut(input, cuts))).toEqual(linesOf(input))
      }),
    )
  })

  test('show how many bytes were sent behind the one taken', () => {
    const splitter = new LineSplitter()
    splitter.push(Buffer.from('AUTH TLS\r\nUSER eve\r\n'))
    expect(splitter.next()).toEqual({ kind: 'line', text: 'AUTH TLS' })
    expect(splitter.pending).toBe(10)
  })
})

describe('a verb whose LF was lost as urgent data', () => {
  const urgent = (...chunks: readonly string[]) => {
    const splitter = new LineSplitter()
    for (const chunk of chunks) splitter.push(Buffer.from(chunk))
    take(splitter)
    return { taken: splitter.takeUrgent(), splitter }
  }

  test.each(['ABOR\r', 'stat\r', 'Quit\r', 'NOOP\r\nABOR\r'])('%j is taken', (input) => {
    expect(urgent(input).taken?.toUpperCase()).toMatch(/^(ABOR|STAT|QUIT)$/)
  })

  test.each(['', 'ABOR', 'ABO', 'NOOP\r', 'STAT x\r', 'XABOR\r', `${long}xABOR\r`])('%j is not', (input) => {
    expect(urgent(input).taken).toBeUndefined()
  })

  test('is not taken out of a line that is being discarded', () => {
    const { splitter } = urgent(`${long}x`)
    splitter.push(Buffer.from('ABOR\r'))
    expect(splitter.takeUrgent()).toBeUndefined()
  })

  test('leaves nothing behind, and a late LF is no line', () => {
    const { splitter } = urgent('ABOR\r')
    expect(splitter.pending).toBe(0)
    splitter.push(Buffer.from('\nNOOP\r\n'))
    expect(take(splitter)).toEqual(['NOOP'])
  })
})
