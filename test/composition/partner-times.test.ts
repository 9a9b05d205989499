import { expect, test } from 'vitest'
import { partnerTimes } from '../../src/composition/partner-times.ts'
import type { PartnerConfig } from '../../src/config/config.ts'

const hour = 3_600_000
const migration = { timeZone: 'UTC' }
const partner: PartnerConfig = {
  name: 'acme',
  users: ['acme'],
  certificates: [],
  auth: { mode: 'passthrough', username: undefined },
  backend: 'main',
  root: undefined,
  dialect: {},
}
const expect26h = { ...partner, expect: { everyMs: 26 * hour, weekdays: false } }

const journalOf = (newest: Readonly<Record<string, number>>) => ({ newestOf: () => newest, since: 1000 * hour })

test('A partner from which nothing is expected is never overdue', () => {
  const journal = journalOf({ lastLogin: 3, lastUpload: 1, lastDownload: 2 })
  expect(partnerTimes({ partners: [partner], migration }, journal, 1e15)).toEqual([
    { partner: 'acme', lastLogin: 3, lastTransfer: 2, lastUpload: 1, expected: undefined },
  ])
})

test.each([
  ['its last upload is too old', { lastUpload: 1001 * hour }, 1027 * hour + 1, true],
  ['its last upload is not too old', { lastUpload: 1001 * hour }, 1027 * hour, false],
  ['nothing came since the journal began', {}, 1026 * hour + 1, true],
  ['the journal has begun just now', {}, 1001 * hour, false],
])('Of a partner from which uploads are expected it is told whether %s', (_, newest, now, overdue) => {
  const [times] = partnerTimes({ partners: [expect26h], migration }, journalOf(newest), now)
  expect(times?.expected).toEqual({ everyMs: 26 * hour, overdue })
})
