import { expect, test } from 'vitest'
import { parseMode } from '../../src/ftp/file-mode.ts'

test.each([
  ['644', 0o777, 0o644],
  ['0755', 0, 0o755],
  ['4755', 0, 0o4755],
  ['u+x', 0o644, 0o744],
  ['+x', 0o644, 0o755],
  ['a-w', 0o666, 0o444],
  ['go=r', 0o777, 0o744],
  ['u=rwx,go=', 0o644, 0o700],
  ['ug+s', 0o755, 0o6755],
  ['+t', 0o777, 0o1777],
  ['o-rwx,u+w', 0o455, 0o650],
  ['a+X', 0o644, 0o644],
  ['a+X', 0o744, 0o755],
])('%s makes %o into %o', (text, before, after) => {
  expect(parseMode(text)?.change(before, false).toString(8)).toBe(after.toString(8))
})

test('X means execution of directories', () => {
  expect(parseMode('a+X')?.change(0o644, true)).toBe(0o755)
})

test.each(['', '888', '07777', '12345', 'u', 'u+q', 'x+r', 'u+x,', 'u+x go-w', `${'u+x,'.repeat(50)}u+x`])(
  '%j is no mode',
  (text) => {
    expect(parseMode(text)).toBeUndefined()
  },
)
