import { posix } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { baseName, hasLineBreak, join, parentOf, quote, resolve } from '../../src/ftp/pathname.ts'

describe('a path from the client', () => {
  test.each([
    ['/a', 'b', '/a/b'],
    ['/a', '/b', '/b'],
    ['/a/b', '..', '/a'],
    ['/a', '../../../etc/passwd', '/etc/passwd'],
    ['/', '..', '/'],
    ['/a', '.', '/a'],
    ['/', '//dir///sub/', '/dir/sub'],
    ['/a', '~', '/home/anna'],
    ['/a', '~/x', '/home/anna/x'],
    ['/a', '~/../bob', '/home/bob'],
    ['/a', '~bob', '/a/~bob'],
    ['/a', 'x~', '/a/x~'],
    ['/a', ' b ', '/a/ b '],
    ['/a', '...', '/a/...'],
    ['/a', 'c:\\x', '/a/c:\\x'],
    ['/a', '', '/a'],
  ])('from %s, %j is %s', (directory, path, expected) => {
    expect(resolve(directory, path, '/home/anna')).toBe(expected)
  })

  test.each(['a\rb', 'a\nb', 'a\0b'])('%j has no meaning', (path) => {
    expect(resolve('/', path, '/')).toBeUndefined()
    expect(hasLineBreak(path)).toBe(true)
  })

  const anyPath = fc
    .array(fc.constantFrom('/', '.', '..', 'a', 'b ', '~', '\xe9', '...', '//'), { maxLength: 20 })
    .map((parts) => parts.join(''))

  test('is always absolute and normalised', () => {
    fc.assert(
      fc.property(anyPath, anyPath, (directory, path) => {
        const from = resolve('/', directory, '/h') ?? ''
        const resolved = resolve(from, path, '/h') ?? ''
        expect(resolved).toMatch(/^\/([^/]+(\/[^/]+)*)?$/)
        expect(resolved.split('/').some((part) => part === '.' || part === '..')).toBe(false)
        expect(resolve('/x', resolved, '/h')).toBe(resolved)
      }),
    )
  })

  test('without tilde means what POSIX says', () => {
    fc.assert(
      fc.property(anyPath, (path) => {
        fc.pre(path !== '~' && !path.startsWith('~/'))
        expect(resolve('/a/b', path, '/h')).toBe(posix.resolve('/a/b', path))
      }),
    )
  })
})

describe('parts of a path', () => {
  test.each([
    ['/', '/', '/'],
    ['/a', '/', 'a'],
    ['/a/b', '/a', 'b'],
  ])('%s is in %s and called %s', (path, parent, name) => {
    expect([parentOf(path), baseName(path)]).toEqual([parent, name])
    if (path !== '/') expect(join(parent, name)).toBe(path)
  })

  test('quotes are doubled for 257', () => {
    expect(quote('/a "b" c')).toBe('"/a ""b"" c"')
  })
})
