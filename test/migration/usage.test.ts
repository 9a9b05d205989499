import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compacted, lineOfRow, merged, type Row, rowsOf } from '../../src/migration/rows.ts'
import { Tally } from '../../src/migration/tally.ts'
import {
  bounded,
  countGroups,
  highestKeys,
  joined,
  loginsMax,
  noUsage,
  readUsage,
  sumOf,
  type Usage,
} from '../../src/migration/usage.ts'

const whole = fc.nat(1_000_000)
const keys = fc.constantFrom('a', 'b', 'STOR', '__proto__', 'constructor')
const counts = fc.dictionary(keys, whole, { noNullPrototype: true })

/** Few keys, so that records meet. */
const usage: fc.Arbitrary<Usage> = fc.record({
  counts: fc.record(Object.fromEntries(countGroups.map((group) => [group, counts])), { requiredKeys: [] }),
  highest: fc.record(Object.fromEntries(highestKeys.map((key) => [key, whole])), { requiredKeys: [] }),
  lowest: fc.record({ firstLogin: whole }, { requiredKeys: [] }),
  logins: fc.array(whole, { maxLength: 400 }).map((times) => times.sort((a, b) => a - b)),
})

describe('What was seen', () => {
  test('adds up to the same in any order and grouping', () => {
    fc.assert(
      fc.property(usage, usage, usage, (a, b, c) => {
        expect(joined(joined(a, b), c)).toEqual(joined(a, joined(b, c)))
        expect(joined(a, b)).toEqual(joined(b, a))
        expect(joined(a, noUsage)).toEqual(a)
      }),
      { numRuns: 50 },
    )
  })

  test('keeps the newest 500 logins, whoever saw them', () => {
    const late = { ...noUsage, logins: Array.from({ length: 300 }, (_, i) => 1000 + i) }
    const early = { ...noUsage, logins: Array.from({ length: 300 }, (_, i) => i) }
    const { logins } = joined(late, early)
    expect([logins.length, logins[0], logins.at(-1)]).toEqual([loginsMax, 100, 1299])
  })

  test('is read back from a line as it was written', () => {
    fc.assert(
      fc.property(usage, (seen) => {
        const row = { day: '2026-11-23', partner: 'acme', user: 'ümläut "x"', usage: seen }
        expect(rowsOf(lineOfRow(row))).toEqual([row])
      }),
      { numRuns: 50 },
    )
  })

  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['a list', []],
    ['a piece', { counts: {} }],
    ['other shapes', { counts: 1, highest: {}, lowest: {}, logins: [] }],
  ])('is not read from %s', (_, json) => {
    expect(readUsage(json)).toBeUndefined()
  })

  test('leaves out what cannot be a number of anything', () => {
    const json = {
      counts: { total: { a: -1, b: '2', c: 3 }, unheard: { a: 1 } },
      highest: { largest: null },
      lowest: {},
    }
    expect(readUsage({ ...json, logins: [1, 'x', 2] })).toEqual({
      counts: { total: { c: 3 } },
      highest: {},
      lowest: {},
      logins: [1, 2],
    })
  })

  test('counts addresses beyond the fiftieth together, and never loses one', () => {
    const addresses = (from: number, to: number): Usage => ({
      ...noUsage,
      counts: { address: Object.fromEntries(Array.from({ length: to - from }, (_, i) => [`10.0.0.${from + i}`, 1])) },
    })
    const known = bounded(noUsage, addresses(0, 40))
    const sum = joined(known, bounded(known, addresses(20, 80)))
    expect(Object.keys(sum.counts.address ?? {})).toHaveLength(51)
    expect(sum.counts.address).toMatchObject({ '10.0.0.20': 2, '10.0.0.49': 1, other: 30 })
  })
})

describe('A tally', () => {
  test('begins anew once it was taken', () => {
    const tally = new Tally()
    tally.login(7_200_000)
    tally.count('command', 'STOR', 2)
    tally.raise('largest', 5)
    tally.raise('largest', 3)
    expect(tally.take()).toEqual({
      counts: { total: { logins: 1 }, hour: { '2': 1 }, command: { STOR: 2 } },
      highest: { lastLogin: 7_200_000, largest: 5 },
      lowest: { firstLogin: 7_200_000 },
      logins: [7_200_000],
    })
    expect([tally.empty, tally.take()]).toEqual([true, noUsage])
  })
})

describe('The rows of a journal', () => {
  const row = (day: string, user: string, logins: number): Row => {
    return { day, partner: 'acme', user, usage: { ...noUsage, counts: { total: { logins } } } }
  }

  test('lose a last line that was not written to its end, and lines that are something else', () => {
    const [first, second] = [row('2026-11-22', 'a', 1), row('2026-11-23', 'a', 2)]
    const text = `${lineOfRow(first)}nonsense\n{"v":2}\n${lineOfRow(second)}${lineOfRow(second).slice(0, -9)}`
    expect(rowsOf(text)).toEqual([first, second])
  })

  test('are one a day, partner and user', () => {
    const rows = [
      row('2026-11-23', 'a', 1),
      row('2026-11-22', 'a', 2),
      row('2026-11-23', 'a', 4),
      row('2026-11-23', 'b', 8),
    ]
    expect(merged(rows)).toEqual([row('2026-11-22', 'a', 2), row('2026-11-23', 'a', 5), row('2026-11-23', 'b', 8)])
    expect(merged(rows, '2026-11-23')).toHaveLength(2)
  })

  test('are the same in two files as in one', () => {
    const [one, other] = [[row('2026-11-23', 'a', 1)], [row('2026-11-23', 'a', 2), row('2026-11-23', 'b', 1)]]
    const apart = [...rowsOf(compacted(one, '', 1e6)), ...rowsOf(compacted(other, '', 1e6))]
    expect(merged(apart)).toEqual(merged([...one, ...other]))
  })

  test('lose their oldest days when they are too long', () => {
    const rows = [row('2026-11-21', 'a', 1), row('2026-11-22', 'a', 1), row('2026-11-23', 'a', 1)]
    const one = lineOfRow(rows[0] ?? row('', '', 0)).length
    expect(rowsOf(compacted(rows, '', 2 * one + 1)).map(({ day }) => day)).toEqual(['2026-11-22', '2026-11-23'])
    expect(rowsOf(compacted(rows, '2026-11-23', 1e6)).map(({ day }) => day)).toEqual(['2026-11-23'])
    expect(compacted(rows, '', 1)).toBe('')
  })

  test('of nobody are nothing', () => {
    expect(sumOf([])).toEqual(noUsage)
  })
})
