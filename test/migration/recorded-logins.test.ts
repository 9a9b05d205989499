import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { JournalLogins, type JournalLoginsParts } from '../../src/migration/recorded-logins.ts'
import type { Row } from '../../src/migration/rows.ts'
import { noUsage } from '../../src/migration/usage.ts'
import { at } from './movers.ts'

let directory: string
let rows: Row[]
let asked: string[]
let warnings: string[]
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'logins-'))
  rows = [
    row('acme', 'a', '2027-02-20T01:10Z'),
    row('acme', 'b', '2027-02-20T00:10Z'),
    row('bolt', 'c', '2027-02-20T01:00Z'),
  ]
  asked = []
  warnings = []
})
afterEach(() => rmSync(directory, { recursive: true }))

function row(partner: string, user: string, login: string): Row {
  return { day: login.slice(0, 10), partner, user, usage: { ...noUsage, logins: [at(login)] } }
}

function logins(now: string, more: Partial<JournalLoginsParts> = {}): JournalLogins {
  return new JournalLogins({
    directory,
    now: () => at(now),
    keeps: true,
    warn: (message) => void warnings.push(message),
    async readRows(_, since) {
      asked.push(since)
      return rows
    },
    ...more,
  })
}

const [from, to] = [at('2027-01-01T00:00Z'), at('2027-03-01T00:00Z')]
const both = [at('2027-02-20T00:10Z'), at('2027-02-20T01:10Z')]

describe('Recorded logins', () => {
  test('are those of all users of a partner within the span, in order', async () => {
    const recorded = logins('2027-02-25T00:00Z')
    expect(await recorded.instants('acme', from, to)).toEqual(both)
    expect(await recorded.instants('acme', at('2027-02-20T00:11Z'), to)).toEqual(both.slice(1))
    expect(await recorded.instants('acme', from, at('2027-02-20T01:10Z'))).toEqual(both.slice(0, 1))
    expect(asked).toEqual(['2027-01-01'])
  })

  test('that are complete are kept when the journal has forgotten them, from one start to the next', async () => {
    expect(await logins('2027-03-01T00:00Z').instants('acme', from, to)).toEqual(both)
    rows = []
    expect(await logins('2027-04-20T00:00Z').instants('acme', from, to)).toEqual(both)
    expect(await logins('2027-04-20T00:00Z', { keeps: false }).instants('acme', from, to)).toEqual(both)
    expect(await logins('2027-04-20T00:00Z').instants('acme', from, to + 1)).toEqual([])
  })

  test.each([
    ['that are still coming', '2027-02-25T00:00Z', true],
    ['that somebody only looks at', '2027-03-01T00:00Z', false],
  ])('%s are not kept', async (_, now, keeps) => {
    await logins(now, { keeps }).instants('acme', from, to)
    rows = []
    expect(await logins('2027-03-01T00:00Z').instants('acme', from, to)).toEqual([])
  })

  test('of several partners are kept side by side', async () => {
    const recorded = logins('2027-03-01T00:00Z')
    await Promise.all([recorded.instants('acme', from, to), recorded.instants('bolt', from, to)])
    rows = []
    const again = logins('2027-04-20T00:00Z')
    expect([await again.instants('acme', from, to), await again.instants('bolt', from, to)]).toMatchObject([
      { length: 2 },
      { length: 1 },
    ])
  })

  test('that cannot be read are a fault that is told, and tried again', async () => {
    let broken = true
    const readRows = async () => {
      if (broken) throw new Error('EIO')
      return rows
    }
    const recorded = logins('2027-03-01T00:00Z', { readRows })
    await expect(recorded.instants('acme', from, to)).rejects.toThrow('EIO')
    expect(warnings).toEqual(['the journal of logins cannot be read: EIO'])
    broken = false
    expect(await recorded.instants('acme', from, to)).toEqual(both)
  })

  test('say how soon the clients of a partner come again', async () => {
    rows = [row('acme', 'a', '2027-02-20T01:00Z'), row('acme', 'a', '2027-02-20T01:15Z')]
    expect(await logins('2027-02-25T00:00Z').retryAfter('acme')).toBe(15 * 60_000)
    expect(await logins('2027-02-25T00:00Z').retryAfter('bolt')).toBeUndefined()
  })

  test('that cannot be kept are told, and good all the same', async () => {
    const recorded = logins('2027-03-01T00:00Z', { directory: join(directory, 'nowhere') })
    expect(await recorded.instants('acme', from, to)).toEqual(both)
    expect(warnings).toEqual([expect.stringContaining('the logins of acme cannot be kept')])
  })
})
