import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { commands } from '../../src/commands/index.ts'
import * as grammar from '../../src/ftp/arguments.ts'
import { type CommandLine, foreignProtocol, parseCommandLine } from '../../src/ftp/command-line.ts'
import { compileGlob, hasWildcard } from '../../src/ftp/glob.ts'
import { LineSplitter } from '../../src/ftp/line-splitter.ts'
import { parseListArgument } from '../../src/ftp/list-options.ts'
import { hasLineBreak, resolve } from '../../src/ftp/pathname.ts'
import { Telnet } from '../../src/ftp/telnet.ts'
import { anyCuts, bytesWithMany, cut } from './chunks.ts'

/** What a client sends, as the gateway takes it: Telnet, lines, verb and argument. */
function understood(chunks: readonly Buffer[], letter255: boolean): (CommandLine | 'tooLong')[] {
  const telnet = Object.assign(new Telnet(), { letter255 })
  const lines = new LineSplitter()
  return chunks.flatMap((chunk) => {
    lines.push(telnet.push(chunk).bytes)
    const found: (CommandLine | 'tooLong')[] = []
    for (let line = lines.next(); line !== undefined; line = lines.next()) {
      found.push(line.kind === 'line' ? parseCommandLine(line.text) : 'tooLong')
    }
    return found
  })
}

const iacBytes = [0xff, 0xf2, 0xf4, 0xfb, 0xfd] as const
const input = fc
  .array(
    fc.oneof(
      bytesWithMany(...iacBytes, 0x0a, 0x0d, 0x20, 0),
      fc
        .constantFrom('RETR a b\r\n', 'ABOR\r\n', '\xff\xf4\xff\xf2ABOR\r\n', 'CWD \xff\r\n', 'x'.repeat(8193))
        .map(latin1),
    ),
    { maxLength: 8 },
  )
  .map((parts) => Buffer.concat(parts))

function latin1(text: string): Buffer {
  return Buffer.from(text, 'latin1')
}

describe('what a client sends', () => {
  test.each([[false], [true]])('is the same commands however it is cut (0xFF a letter: %s)', (letter255) => {
    fc.assert(
      fc.property(input, anyCuts, (bytes, cuts) => {
        expect(understood(cut(bytes, cuts), letter255)).toEqual(understood([bytes], letter255))
        expect(
          understood(
            [...bytes].map((byte) => Buffer.of(byte)),
            letter255,
          ),
        ).toEqual(understood([bytes], letter255))
      }),
    )
  })

  test('never puts a line end, NUL or a lower-case letter into a verb, nor a line end into an argument', () => {
    fc.assert(
      fc.property(input, (bytes) => {
        for (const line of understood([bytes], false)) {
          if (line === 'tooLong') continue
          expect(line.verb).not.toMatch(/[a-z\n\0 ]/)
          expect(line.argument).not.toMatch(/[\n\0]/)
        }
      }),
    )
  })

  test('with 0xFF doubled arrives as it was meant', () => {
    const name = bytesWithMany(0xff, 0xf4, 0xfb).map((bytes) => bytes.toString('latin1').replace(/[\r\n\0]/g, 'x'))
    fc.assert(
      fc.property(name, anyCuts, fc.boolean(), (name, cuts, letter255) => {
        const sent = latin1(`STOR ${name.replaceAll('\xff', '\xff\xff')}\n`)
        expect(understood(cut(sent, cuts), letter255)).toEqual([{ verb: 'STOR', argument: name }])
      }),
    )
  })

  test('with 0xFF for a letter, alone and not doubled, arrives as it was meant', () => {
    const name = bytesWithMany(0xff, 0xf4, 0xfb).map((bytes) =>
      bytes
        .toString('latin1')
        .replace(/[\r\n\0]/g, 'x')
        .replace(/\xff+/g, '\xff'),
    )
    fc.assert(
      fc.property(name, anyCuts, (name, cuts) => {
        expect(understood(cut(latin1(`STOR ${name}\n`), cuts), true)).toEqual([{ verb: 'STOR', argument: name }])
      }),
    )
  })
})

/** Bytes, and pieces of arguments that come close to what the grammars want. */
const piece = fc.oneof(
  fc.constantFrom(
    '-la',
    ' ',
    '|',
    '1',
    '2',
    ',',
    '20240101000000',
    '.5',
    '+60',
    '/',
    '..',
    '~',
    '*',
    '[',
    '{a,',
    '}',
    'A N',
    'ALL',
    '\\',
  ),
  fc.nat().map(String),
  fc.ipV4(),
  fc.ipV6(),
  fc.nat(255).map((byte) => String.fromCharCode(byte)),
)
const argument = fc.array(piece, { maxLength: 14 }).map((pieces) => pieces.join(''))

describe('an argument, whatever it is,', () => {
  test('is parsed by every command without failing', () => {
    fc.assert(
      fc.property(argument, (text) => {
        for (const command of new Set(commands.values())) command.argument.parse(text)
      }),
      { numRuns: 500 },
    )
  })

  test('of PORT and EPRT is refused or names a numeric address and a port', () => {
    const numbers = fc.array(fc.oneof(fc.nat(300).map(String), fc.constantFrom('', ' 1', '-1', '1e1')), {
      maxLength: 7,
    })
    const parts = fc.tuple(
      fc.constantFrom('1', '2', '3', ''),
      fc.oneof(fc.ipV4(), fc.ipV6(), argument),
      fc.constantFrom(0, 1, 21, 65_535, 65_536),
    )
    const check = (found: ReturnType<typeof grammar.extendedHostPort.parse>) => {
      if (found === undefined || found === 'unsupportedFamily') return
      expect(found.host).toMatch(/^[\d.]+$|^[\da-fA-F:.]+$/)
      expect(found.port).toBeGreaterThanOrEqual(1)
      expect(found.port).toBeLessThanOrEqual(65_535)
    }
    fc.assert(fc.property(numbers, (numbers) => check(grammar.hostPort.parse(numbers.join(',')))))
    fc.assert(
      fc.property(parts, ([family, host, port]) => {
        check(grammar.extendedHostPort.parse(`|${family}|${host}|${port}|`))
      }),
    )
  })

  test('that is a count is a whole number that JavaScript can hold, and never negative', () => {
    fc.assert(
      fc.property(fc.oneof(argument, fc.bigInt().map(String)), (text) => {
        for (const count of [grammar.offset, grammar.allocation, grammar.bufferSize].map(({ parse }) => parse(text))) {
          if (count === undefined) continue
          expect(Number.isSafeInteger(count)).toBe(true)
          expect(count).toBeGreaterThanOrEqual(0)
        }
      }),
    )
  })

  test('of LIST keeps the path after the options, to its last byte', () => {
    const options = fc.array(fc.stringMatching(/^-[A-Za-z1]{1,4}$/), { maxLength: 3 })
    fc.assert(
      fc.property(options, argument, (options, path) => {
        fc.pre(!/^ *(-|$)/.test(path))
        const { path: found, literal } = parseListArgument([...options, path].join(' '))
        expect(found).toBe(path)
        expect(literal !== undefined).toBe(options.length > 0)
      }),
    )
  })

  test('makes a pattern that matches or does not', () => {
    fc.assert(
      fc.property(argument, argument, (pattern, name) => {
        expect(typeof compileGlob(pattern)(name)).toBe('boolean')
        expect(typeof hasWildcard(pattern)).toBe('boolean')
      }),
    )
  })

  test('never leads above the root, as a path from anywhere', () => {
    const step = fc.oneof({ weight: 3, arbitrary: fc.constantFrom('/', '/..', '../', '/./', 'a', '~/') }, piece)
    const anyPath = fc.array(step, { maxLength: 12 }).map((steps) => steps.join(''))
    fc.assert(
      fc.property(anyPath, anyPath, (from, path) => {
        const directory = resolve('/', from, '/home/anna') ?? '/'
        const resolved = resolve(directory, path, '/home/anna')
        expect(resolved === undefined).toBe(hasLineBreak(path))
        if (resolved === undefined) return
        expect(resolved.startsWith('/')).toBe(true)
        expect(
          resolved
            .split('/')
            .slice(1)
            .filter((part) => part === '..' || part === '.'),
        ).toEqual([])
      }),
    )
  })

  test('is no other protocol after the verbs of FTP', () => {
    fc.assert(
      fc.property(fc.constantFrom('USER', 'OPTS', 'HOST', 'CLNT', 'AUTH'), argument, (verb, argument) => {
        expect(foreignProtocol(`${verb} ${argument}`)).toBeUndefined()
      }),
    )
  })
})
