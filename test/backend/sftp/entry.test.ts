import { expect, test } from 'vitest'
import { entryOf } from '../../../src/backend/sftp/entry.ts'

test.each([
  ['-rw-r--r--    1 root     wheel      12 Nov 22 16:01 a b', ['file', 1, 'root', 'wheel']],
  ['drwxr-xr-x+  12 Domain\\User 513 0 Nov 22 2024 d', ['directory', 12, 'Domain\\User', '513']],
  ['lrwxrwxrwx    1 1000 1000 7 Jan 01 1970 l -> x', ['symlink', 1, '1000', '1000']],
  ['  -rw-r--r-- ? root root 0 Jan 1 1970 x', ['file', undefined, 'root', 'root']],
  ['brw-rw----', ['other', undefined, undefined, undefined]],
  ['-rw-r--r-- 1', ['file', 1, undefined, undefined]],
  ['-rw-r--r-- 1 root', ['file', 1, 'root', undefined]],
  ['-rw-r--r-- 12345678901 root root', ['file', undefined, 'root', 'root']],
  ['drwx 2 root root', ['file', undefined, undefined, undefined]],
  ['01-22-24  10:00AM <DIR> x', ['file', undefined, undefined, undefined]],
  ['', ['file', undefined, undefined, undefined]],
])('the server’s own line %j tells what it can', (longname, wanted) => {
  const { type, links, owner, group } = entryOf('x', {}, longname)
  expect([type, links, owner, group]).toEqual(wanted)
})

test.each([
  [0o060660, '', 'b'],
  [0o020660, '', 'c'],
  [0o010660, '', 'p'],
  [0o140660, '', 's'],
  [0o660, 'prw-rw----', 'p'],
  [undefined, 'srw-rw----', 's'],
  [0o010660, 'srw-rw----', 'p'],
  [0o150660, '', undefined],
])('permissions %o and the line %j are of neither file nor directory, %j', (permissions, longname, special) => {
  const entry = entryOf('x', permissions === undefined ? {} : { permissions }, longname)
  expect([entry.type, entry.special]).toEqual(['other', special])
})

test('attributes count more than the server’s own line', () => {
  const entry = entryOf('x', { permissions: 0o040755, size: 5, modified: 7, uid: 1, gid: 2 }, '-rw-r--r-- 1 a b 0')
  expect(entry).toEqual({
    name: 'x',
    type: 'directory',
    size: 5,
    modified: 7,
    mode: 0o755,
    uid: 1,
    gid: 2,
    owner: 'a',
    group: 'b',
    links: 1,
  })
})
