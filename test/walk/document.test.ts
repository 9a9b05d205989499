import { describe, expect, test } from 'vitest'
import { difference, stepsOf, withValues } from './document.ts'

const fence = '```'

describe('A document that is typed', () => {
  test('is its sh blocks, each with the text block right behind it', () => {
    const document = [`${fence}sh`, 'a', 'b', fence, '', `${fence}text`, 'c', fence, `${fence}sh`, 'd', fence, '']
    expect(stepsOf(document.join('\n'))).toEqual([
      { line: 1, commands: 'a\nb\n', shown: 'c\n' },
      { line: 9, commands: 'd\n', shown: undefined },
    ])
  })

  test('has blocks of other kinds, which nobody types', () => {
    expect(stepsOf(`${fence}yaml\na: b\n${fence}\n`)).toEqual([])
  })

  test('shows nothing that no command has said', () => {
    expect(() => stepsOf(`${fence}text\na\n${fence}\n`)).toThrow('line 1')
    expect(() => stepsOf(`${fence}sh\na\n`)).toThrow('does not end')
  })

  test('gets the values of a machine, in what it sets and in what it shows', () => {
    const document = 'PORT=21 USER=ann\nUSER=ann\nlocalhost:21 of ann, not 211 or joann\n'
    expect(withValues(document, { PORT: '4711', USER: 'bob' })).toBe(
      'PORT=4711 USER=bob\nUSER=bob\nlocalhost:4711 of bob, not 211 or joann\n',
    )
    expect(() => withValues(document, { OTHER: '1' })).toThrow('OTHER')
  })
})

describe('What is seen', () => {
  test.each([
    ['the same', 'a\nb\n', 'a\nb\n'],
    ['blanks at the end', 'a\n', 'a  \n\n'],
    ['anything within a line', 'a … d', 'a b c d'],
    ['any lines', 'a\n…\nd\n', 'a\nb\nc\nd\n'],
    ['no lines', 'a\n…\n', 'a\n'],
    ['marks that mean something elsewhere', '(a.b)* …', '(a.b)* c'],
  ])('is as shown: %s', (_, shown, seen) => {
    expect(difference(shown, seen)).toBeUndefined()
  })

  test.each([
    ['another line', 'a\nb\n', 'a\nc\n', 'shown: b\nseen:  c'],
    ['a line more', 'a\n', 'a\nb\n', 'shown: (nothing more)\nseen:  b'],
    ['a line less', 'a\nb\n', 'a\n', 'shown: b\nseen:  (nothing more)'],
    ['a mark for one sign', 'a.b', 'axb', 'shown: a.b\nseen:  axb'],
    ['what comes behind any lines', '…\nd\n', 'a\nb\n', 'shown: d\nseen:  (nothing more)'],
  ])('is not as shown: %s', (_, shown, seen, words) => {
    expect(difference(shown, seen)).toBe(words)
  })
})
