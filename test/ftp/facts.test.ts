import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  defaultFacts,
  factNames,
  facts,
  factsFeature,
  formatTime,
  parseFactList,
  parseTime,
} from '../../src/ftp/facts.ts'
import type { ListedFile } from '../../src/ftp/list-line.ts'

const all = new Set(factNames.map((name) => name.toLowerCase()))
const file: ListedFile = {
  name: 'x',
  type: 'file',
  size: 1234,
  modified: 1_709_210_096,
  mode: 0o644,
  uid: 7,
  gid: 8,
  owner: 'anna',
  group: 'staff',
  links: 1,
}
const unknown = { size: undefined, modified: undefined, mode: undefined, uid: undefined, gid: undefined }

describe('facts', () => {
  test.each<[string, Partial<ListedFile>, ReadonlySet<string>, string]>([
    ['of a file', {}, defaultFacts, 'type=file;size=1234;modify=20240229123456;perm=adfrw;UNIX.mode=0644;'],
    [
      'of a directory',
      { type: 'directory', mode: 0o2755 },
      defaultFacts,
      'type=dir;modify=20240229123456;perm=cdeflmp;UNIX.mode=02755;',
    ],
    ['of a file to read', { mode: 0o444 }, new Set(['perm']), 'perm=dfr;'],
    ['of a directory to read', { type: 'directory', mode: 0o555 }, new Set(['perm']), 'perm=defl;'],
    ['of a closed file', { mode: 0 }, new Set(['perm', 'unix.mode']), 'perm=df;UNIX.mode=0000;'],
    [
      'that are all on',
      {},
      all,
      'type=file;size=1234;modify=20240229123456;perm=adfrw;UNIX.mode=0644;UNIX.uid=7;UNIX.gid=8;UNIX.ownername=anna;UNIX.groupname=staff;',
    ],
    ['that the server did not tell', { ...unknown, owner: undefined, group: '' }, all, 'type=file;'],
    ['that are all off', {}, new Set(), ''],
    ['with blanks or semicolons', { owner: 'Domain Users', group: 'a;b' }, new Set(['unix.ownername']), ''],
    ['of a link to nowhere', { type: 'symlink', target: '/gone' }, new Set(['type']), 'type=OS.unix=slink:/gone;'],
    ['of a link to a name with blanks', { type: 'symlink', target: 'a b' }, new Set(['type']), 'type=OS.unix=slink;'],
    ['of something else', { type: 'other' }, new Set(['type', 'perm', 'size']), 'type=OS.unix=other;'],
  ])('%s', (_, changes, enabled, expected) => {
    expect(facts({ ...file, ...changes }, enabled)).toBe(expected)
  })

  test('are listed by FEAT with a star behind those that are on', () => {
    expect(factsFeature(new Set(['size', 'unix.mode']))).toBe(
      'type;size*;modify;perm;UNIX.mode*;UNIX.uid;UNIX.gid;UNIX.ownername;UNIX.groupname;',
    )
  })

  test.each([
    ['type;size;', 'type;size;'],
    ['Size;TYPE', 'type;size;'],
    ['unix.mode;nonsense;', 'UNIX.mode;'],
    ['nonsense', ''],
    ['', ''],
  ])('OPTS MLST %j accepts %j', (list, text) => {
    expect(parseFactList(list)?.text).toBe(text)
  })

  test.each(['type size', ';', 'a;;b', 'size;\n'])('OPTS MLST %j is malformed', (list) => {
    expect(parseFactList(list)).toBeUndefined()
  })
})

describe('times', () => {
  test.each([
    ['19700101000000', 0],
    ['20240229123456', 1_709_210_096],
    ['20240229123456.789', 1_709_210_096],
    ['202402291234', 1_709_210_040],
    ['20240229', 1_709_164_800],
    ['20161231235960', 1_483_228_800],
    ['20230229000000', undefined],
    ['20241301000000', undefined],
    ['20240100000000', undefined],
    ['20240101240000', undefined],
    ['20240101006000', undefined],
    ['20240101000061', undefined],
    ['19691231235959', undefined],
    ['99991231235959', undefined],
    ['00000101000000', undefined],
    ['2024010100000', undefined],
    ['20240101000000.', undefined],
    ['', undefined],
  ])('%j is second %s', (text, seconds) => {
    expect(parseTime(text)).toBe(seconds)
  })

  test('that are written are read again', () => {
    fc.assert(
      fc.property(fc.nat(0xffff_ffff), (seconds) => {
        expect(formatTime(seconds)).toMatch(/^\d{14}$/)
        expect(parseTime(formatTime(seconds))).toBe(seconds)
      }),
    )
  })

  test('out of range are written at its ends', () => {
    expect([formatTime(-1), formatTime(1e15), formatTime(0.9)]).toEqual([
      '19700101000000',
      '99991231235959',
      '19700101000000',
    ])
  })
})
