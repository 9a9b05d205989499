import { expect, test } from 'vitest'
import { type Attempt, absent, type Content, Expectation, late, pendingMs } from './history.ts'

const one: Content = { sha256: 'one', size: 3 }
const two: Content = { sha256: 'two', size: 3 }

type Line = [Attempt['what'], Attempt['outcome'], number?]
const store = (path: string, content: Content): Attempt['what'] => ({ op: 'store', path, content })
const retrieve = (path: string, received?: Content): Attempt['what'] => ({ op: 'retrieve', path, received })

function afterwards(...lines: Line[]): Expectation {
  const expectation = new Expectation()
  for (const [id, [what, outcome, code]] of lines.entries()) {
    expectation.take({ id, client: 'a', what, outcome, code, startedAt: 0, endedAt: 1 })
  }
  return expectation
}

test.each<[string, Line[], Record<string, string>, string[]]>([
  ['an acknowledged file is there', [[store('a', one), 'done']], { a: 'one' }, []],
  [
    'an acknowledged file is gone',
    [[store('a', one), 'done']],
    {},
    ['I1: a is absent at the end, and can only be one'],
  ],
  [
    'an acknowledged file is another',
    [[store('a', one), 'done']],
    { a: 'x' },
    ['I1: a is x at the end, and can only be one'],
  ],
  [
    'a refused file is there',
    [[store('a', one), 'refused']],
    { a: 'one' },
    ['I1: a is one at the end, and can only be absent'],
  ],
  [
    'the newer of two is there',
    [
      [store('a', one), 'done'],
      [store('a', two), 'done'],
    ],
    { a: 'two' },
    [],
  ],
  [
    'the older of two is there',
    [
      [store('a', one), 'done'],
      [store('a', two), 'done'],
    ],
    { a: 'one' },
    ['I1: a is one at the end, and can only be two'],
  ],
  [
    'without an answer both may be there (old)',
    [
      [store('a', one), 'done'],
      [store('a', two), 'unknown'],
    ],
    { a: 'one' },
    [],
  ],
  [
    'without an answer both may be there (new)',
    [
      [store('a', one), 'done'],
      [store('a', two), 'unknown'],
    ],
    { a: 'two' },
    [],
  ],
  [
    'a deleted file is there',
    [
      [store('a', one), 'done'],
      [{ op: 'delete', path: 'a' }, 'done'],
    ],
    { a: 'one' },
    ['I1: a is one at the end, and can only be absent'],
  ],
  [
    'a renamed file has moved',
    [
      [store('a', one), 'done'],
      [{ op: 'rename', path: 'a', to: 'b' }, 'done'],
    ],
    { b: 'one' },
    [],
  ],
  [
    'a renamed file is in both places',
    [
      [store('a', one), 'done'],
      [{ op: 'rename', path: 'a', to: 'b' }, 'done'],
    ],
    { a: 'one', b: 'one' },
    ['I1: a is one at the end, and can only be absent'],
  ],
  ['a file that nobody sent is there', [], { z: 'x' }, ['I1: z is x at the end, and can only be absent']],
])('%s', (_, lines, found, violations) => {
  const expectation = afterwards(...lines)
  expectation.takeEnd(new Map(Object.entries(found)))
  expect(expectation.violations).toEqual(violations)
})

test('a download is the file; what was not answered may come later all the same', () => {
  const lines: Line[] = [
    [store('a', one), 'done'],
    [store('a', two), 'unknown'],
    [retrieve('a', one), 'done'],
  ]
  const expectation = afterwards(...lines)
  expect([...expectation.statesOf('a')]).toEqual(['one', 'two'])
  expect(afterwards(...lines, [retrieve('a', two), 'done']).violations).toEqual([])
  const settled = afterwards([store('a', two), 'refused'], [store('a', one), 'done'], [retrieve('a', two), 'done'])
  expect(settled.violations).toEqual(['I7: attempt 2 got two of a, which can only be one'])
  expect(afterwards(...lines, [retrieve('a'), 'refused', 550]).violations).toEqual([
    'I1: attempt 3 was told that a is not there',
  ])
  expect(afterwards(...lines, [retrieve('a'), 'refused', 451]).violations).toEqual([])
})

test('what was not answered cannot come for ever', () => {
  const attempt = { client: 'a', code: undefined, startedAt: 0 }
  const expectation = afterwards([store('a', one), 'done'], [store('a', two), 'unknown'])
  const later = pendingMs + 2
  expectation.take({ ...attempt, id: 2, what: retrieve('a', one), outcome: 'done', endedAt: later })
  expect([...expectation.statesOf('a')]).toEqual(['one'])
  const other = afterwards([store('a', one), 'done'], [store('a', two), 'unknown'])
  other.take({ ...attempt, id: 2, what: retrieve('a', two), outcome: 'done', endedAt: later })
  expect([[...other.statesOf('a')], other.violations]).toEqual([['two'], []])
})

test('what is seen under a final name is whole', () => {
  const expectation = afterwards([store('a', one), 'unknown'])
  for (const state of ['one', absent, 'half of it']) expectation.takeSight('a', state)
  expect(expectation.violations).toEqual(['I2: a was seen to be half of it, which is no whole file'])
})

test('an attempt that takes too long is told', () => {
  const attempt = { id: 1, client: 'a', what: store('a', one), outcome: 'done', code: 226 } as const
  expect(
    late(
      [
        { ...attempt, startedAt: 0, endedAt: 10 },
        { ...attempt, startedAt: 0, endedAt: 11 },
      ],
      10,
    ),
  ).toEqual(['I6: attempt 1 (store) took 11 ms'])
})
