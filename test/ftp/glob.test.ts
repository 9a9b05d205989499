import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compileGlob, hasWildcard } from '../../src/ftp/glob.ts'

describe('a pattern', () => {
  test.each([
    ['*', 'a.txt', true],
    ['*.txt', 'a.txt', true],
    ['*.txt', 'a.txt.bak', false],
    ['a*b*c', 'aXbYc', true],
    ['a*b*c', 'aXbY', false],
    ['**a', 'ba', true],
    ['?', 'a', true],
    ['?', '', false],
    ['a?c', 'abc', true],
    ['[a-c]x', 'bx', true],
    ['[a-c]x', 'dx', false],
    ['[!a-c]x', 'dx', true],
    ['[^a]', 'a', false],
    ['[]]', ']', true],
    ['[a', '[a', true],
    ['[a-]', '-', true],
    ['{a,b}.csv', 'b.csv', true],
    ['{a,b}.csv', 'c.csv', false],
    ['x{,y}', 'x', true],
    ['{a,b}{1,2}', 'b2', true],
    ['{a', '{a', true],
    ['\\*', '*', true],
    ['\\*', 'a', false],
    ['a\\', 'a\\', true],
    ['*', '.hidden', false],
    ['.*', '.hidden', true],
    ['?hidden', '.hidden', false],
    ['{.h,x}*', '.hidden', true],
    ['caf\xe9*', 'caf\xe9.txt', true],
  ])('%j on %j: %s', (pattern, name, expected) => {
    expect(compileGlob(pattern)(name)).toBe(expected)
  })

  test.each([
    ['*.txt', true],
    ['dir/a?', true],
    ['{a,b}', true],
    ['[old]/a', false],
    ['a*/', false],
    ['plain', false],
  ])('%j has a wildcard in the last component: %s', (path, expected) => {
    expect(hasWildcard(path)).toBe(expected)
  })

  test('matches what the same regular expression matches', () => {
    const pattern = fc.array(fc.constantFrom('*', '?', 'a', 'b'), { maxLength: 8 }).map((parts) => parts.join(''))
    const name = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 10 }).map((parts) => parts.join(''))
    fc.assert(
      fc.property(pattern, name, (pattern, name) => {
        const same = new RegExp(`^${pattern.replaceAll('*', '.*').replaceAll('?', '.')}$`)
        expect(compileGlob(pattern)(name)).toBe(same.test(name))
      }),
    )
  })

  test('takes no more steps for a name than the length of one times that of the other', () => {
    const part = fc.constantFrom('*', '?', 'a', 'b', '[ab]', '[!a]', '\\')
    const pattern = fc.array(part, { maxLength: 40 }).map((parts) => parts.join(''))
    const name = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 255 })
    fc.assert(
      fc.property(pattern, name, (pattern, name) => {
        const budget = { steps: 1_000_000 }
        compileGlob(pattern, budget)(name)
        expect(1_000_000 - budget.steps).toBeLessThanOrEqual((pattern.length + 1) * (name.length + 1))
      }),
    )
  })

  test('never throws, whatever it is', () => {
    const text = fc.string({
      unit: fc.oneof(
        fc.constantFrom(...'*?[]{},\\!-^./'),
        fc.nat(255).map((c) => String.fromCharCode(c)),
      ),
    })
    fc.assert(
      fc.property(text, text, (pattern, name) => void compileGlob(pattern)(name)),
      { numRuns: 500 },
    )
  })

  test('made to be slow is bounded for each name, and for all, and goes on to match what is cheap', () => {
    const budget = { steps: 100_000 }
    const matches = compileGlob(`*${'a'.repeat(40)}b`, budget)
    const cheap = `${'a'.repeat(40)}b`
    const dear = `${'a'.repeat(200)}b`
    expect([matches(cheap), matches(dear)]).toEqual([true, true])
    for (let i = 0; i < 20; i++) expect(matches('a'.repeat(255))).toBe(false)
    expect(budget.steps).toBe(0)
    expect([matches(cheap), matches(dear)]).toEqual([true, false])
    const slow = { steps: 1_000_000 }
    compileGlob(`*${'a'.repeat(4000)}b`, slow)('a'.repeat(8000))
    expect(1_000_000 - slow.steps).toBeLessThanOrEqual(16_384)
  })

  test('whose alternatives are long together is taken as it is written', () => {
    const set = '[a-z]'
    expect(compileGlob(`{x,y}${set.repeat(10)}`)('xabcdefghij')).toBe(true)
    expect(compileGlob(`${'{x,y}'.repeat(6)}${set.repeat(1157)}`)('x'.repeat(1163))).toBe(false)
  })

  test('with too many alternatives is taken as it is written', () => {
    const pattern = '{a,b}'.repeat(10)
    expect([compileGlob(pattern)('ababababab'), compileGlob(pattern)(pattern)]).toEqual([false, true])
  })
})
