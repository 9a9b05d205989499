import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Entry } from '../../src/backend/backend.ts'
import { HeldEntries } from '../../src/commands/held-entries.ts'

test('what is held comes back as it was', () => {
  const number = fc.option(fc.maxSafeNat(), { nil: undefined })
  const word = fc.option(fc.constantFrom('root', 'ftp', '', 'x y'), { nil: undefined })
  const entry: fc.Arbitrary<Entry> = fc.record(
    {
      name: fc.string(),
      type: fc.constantFrom('file', 'directory', 'symlink', 'other'),
      size: number,
      modified: number,
      mode: number,
      uid: number,
      gid: number,
      owner: word,
      group: word,
      links: number,
      target: fc.string(),
      special: fc.constantFrom('b', 'c', 'p', 's'),
    },
    { requiredKeys: ['name', 'type', 'size', 'modified', 'mode', 'uid', 'gid', 'owner', 'group', 'links'] },
  )
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 3 }), fc.integer({ min: 1, max: 600 }), (some, times) => {
      const all = Array.from({ length: times }, () => some).flat()
      const held = new HeldEntries()
      for (const each of all) held.add(each)
      expect(held.length).toBe(all.length)
      expect(all.map((_, i) => held.at(i))).toEqual(all)
    }),
    { numRuns: 30 },
  )
})
