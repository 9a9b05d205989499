import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as grammar from '../../src/ftp/arguments.ts'
import { noListOptions } from '../../src/ftp/list-options.ts'

describe('arguments', () => {
  test('paths are taken as they are, and must be there', () => {
    expect(grammar.path.parse(' a b ')).toBe(' a b ')
    expect(grammar.path.parse('')).toBeUndefined()
    expect(grammar.optionalPath.parse('')).toEqual({ path: undefined })
    expect(grammar.optionalPath.parse(' ')).toEqual({ path: ' ' })
  })

  test('passwords keep every byte and show themselves to nobody', () => {
    const secret = grammar.secret.parse(' -p\xe4ss ')
    expect(secret?.reveal()).toBe(' -p\xe4ss ')
    expect(`${secret}`).toBe('[secret]')
    expect(grammar.secret.parse('')?.reveal()).toBe('')
  })

  test('what follows a command without argument is ignored', () => {
    expect(grammar.none.parse('')).toBe(true)
    expect(grammar.none.parse('x')).toBe(true)
    expect(grammar.anything.parse('x ')).toBe('x ')
  })

  test.each([
    ['A', 'A'],
    ['a', 'A'],
    ['A N', 'A'],
    ['AN', 'A'],
    ['A T', 'A'],
    ['L7', 'A'],
    ['L 7', 'A'],
    [' I ', 'I'],
    ['I N', 'I'],
    ['L', 'I'],
    ['L8', 'I'],
    ['l 8', 'I'],
    ['A C', 'unsupported'],
    ['E', 'E'],
    ['E N', 'E'],
    ['E C', 'unsupported'],
    ['L 16', 'unsupported'],
    ['B 1', 'unsupported'],
    ['', undefined],
    ['X', undefined],
    ['A N N', undefined],
    ['AI', undefined],
  ])('TYPE %j is %s', (text, expected) => {
    expect(grammar.type.parse(text)).toBe(expected)
  })

  test.each([
    ['192,0,2,1,4,1', { host: '192.0.2.1', port: 1025 }],
    [' 192, 0, 2, 1, 255, 255 ', { host: '192.0.2.1', port: 65535 }],
    ['192,0,2,1,4', undefined],
    ['192,0,2,1,4,1,', undefined],
    ['192,0,2,256,4,1', undefined],
    ['192,0,2,-1,4,1', undefined],
    ['192,0,2,1,0,0', undefined],
    ['192,0,2,,4,1', undefined],
    ['', undefined],
  ])('PORT %j is %j', (text, expected) => {
    expect(grammar.hostPort.parse(text)).toEqual(expected)
  })

  test.each([
    ['|1|192.0.2.1|6275|', { host: '192.0.2.1', port: 6275 }],
    ['|2|2001:db8::1|6275|', { host: '2001:db8::1', port: 6275 }],
    ['|2|fe80::1%eth0|6275|', { host: 'fe80::1', port: 6275 }],
    ['!1!192.0.2.1!6275!', { host: '192.0.2.1', port: 6275 }],
    [' |1|192.0.2.1|6275| ', { host: '192.0.2.1', port: 6275 }],
    ['|3|whatever|6275|', 'unsupportedFamily'],
    ['|1|2001:db8::1|6275|', undefined],
    ['|2|192.0.2.1|6275|', undefined],
    ['|1|host.example|6275|', undefined],
    ['|1|192.0.2.1|0|', undefined],
    ['|1|192.0.2.1|65536|', undefined],
    ['|1|192.0.2.1|6275', undefined],
    ['|1|192.0.2.1|6275|x', undefined],
    ['|x|192.0.2.1|6275|', undefined],
    ['', undefined],
  ])('EPRT %j is %j', (text, expected) => {
    expect(grammar.extendedHostPort.parse(text)).toEqual(expected)
  })

  test.each([
    ['', 'any'],
    ['1', 'IPv4'],
    [' 2 ', 'IPv6'],
    ['all', 'ALL'],
    ['3', 'unsupportedFamily'],
    ['x', undefined],
  ])('EPSV %j is %s', (text, expected) => {
    expect(grammar.extendedPassive.parse(text)).toBe(expected)
  })

  test.each([
    ['0', 0],
    [' 4294967296 ', 4_294_967_296],
    ['9223372036854775807', Number.MAX_SAFE_INTEGER],
    ['-1', undefined],
    ['1.5', undefined],
    ['0x10', undefined],
    ['1e3', undefined],
    ['', undefined],
    ['1'.repeat(20), undefined],
  ])('REST %j is %s', (text, expected) => {
    expect(grammar.offset.parse(text)).toBe(expected)
  })

  test.each([
    ['100', 100],
    ['100 R 80', 100],
    ['100 r 80 ', 100],
    ['100 80', undefined],
    ['x', undefined],
    ['', undefined],
  ])('ALLO %j is %s', (text, expected) => {
    expect(grammar.allocation.parse(text)).toBe(expected)
  })

  test.each([
    ['0', 0],
    ['4294967295', 4_294_967_295],
    ['4294967296', undefined],
    ['x', undefined],
  ])('PBSZ %j is %s', (text, expected) => {
    expect(grammar.bufferSize.parse(text)).toBe(expected)
  })

  test.each([
    ['20240229123456 a b', { time: 1_709_210_096, path: 'a b' }],
    ['20240229123456.789  a', { time: 1_709_210_096, path: ' a' }],
    ['20230229123456 a', undefined],
    ['20240229123456', undefined],
    ['20240229 a', undefined],
  ])('MFMT %j is %j', (text, expected) => {
    expect(grammar.timeAndPath.parse(text)).toEqual(expected)
  })

  test('words of a set are found in any case', () => {
    const stru = grammar.oneOf('F', 'R', 'P')
    expect([stru.parse(' f '), stru.parse('X'), stru.parse('')]).toEqual(['F', undefined, undefined])
    expect(stru.syntax).toBe('F|R|P')
    const auth = grammar.word('TLS')
    expect([auth.parse(' tls-c '), auth.parse(' ')]).toEqual(['TLS-C', undefined])
  })
})

describe('the argument of LIST', () => {
  const parse = (text: string) => grammar.listPath.parse(text)

  test.each([
    ['', undefined, {}],
    ['  ', undefined, {}],
    ['dir with space', 'dir with space', {}],
    [' leading', ' leading', {}],
    ['-a', undefined, { all: true, hidden: true }],
    ['-la', undefined, { all: true, hidden: true, long: true }],
    ['-al /', '/', { all: true, hidden: true, long: true }],
    ['-l -a dir with space', 'dir with space', { all: true, hidden: true, long: true }],
    ['-l -- -a', '-a', { long: true }],
    ['-', '-', {}],
    ['-a/b', '-a/b', {}],
    ['--color=auto x', 'x', {}],
    ['-Rhs1T x', 'x', { recursive: true }],
    ['-A', undefined, { hidden: true }],
    ['-lC1ik x', 'x', { long: true }],
    ['-tr', undefined, { sort: 'time', reverse: true }],
    ['-S', undefined, { sort: 'size' }],
    ['-U', undefined, { sort: 'none' }],
    ['-ltd *', '*', { long: true, sort: 'time', itself: true }],
    ['-nF', undefined, { numeric: true, classify: 'all' }],
    ['-pL', undefined, { classify: 'slash', dereference: true }],
  ])('%j asks for %j', (text, path, options) => {
    const literal = text.startsWith('-') ? text : undefined
    expect(parse(text)).toEqual({ path, literal, options: { ...noListOptions, ...options } })
  })

  test('never throws, and its path is the end of what was sent', () => {
    const text = fc.string({
      unit: fc.oneof(
        fc.constantFrom(...'--  aAlRtF/*'),
        fc.nat(255).map((c) => String.fromCharCode(c)),
      ),
    })
    fc.assert(
      fc.property(text, (text) => {
        const { path = '', options } = parse(text) ?? { options: undefined }
        expect(text.endsWith(path)).toBe(true)
        expect(options).toBeDefined()
      }),
    )
  })
})
