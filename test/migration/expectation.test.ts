import { describe, expect, test } from 'vitest'
import { utc, zoneOf } from '../../src/ftp/time-zone.ts'
import { dueAt, overdue } from '../../src/migration/expectation.ts'

const hour = 3_600_000
const berlin = zoneOf('Europe/Berlin')

/** 2026-11-23 is a Monday. */
describe('An upload that is expected', () => {
  test.each([
    ['every day', 24, false, '2026-11-20T10:00Z', '2026-11-21T10:00Z'],
    ['on weekdays, within the week', 26, true, '2026-11-23T10:00Z', '2026-11-24T12:00Z'],
    ['on weekdays, over a weekend', 26, true, '2026-11-20T10:00Z', '2026-11-23T12:00Z'],
    ['on weekdays, when it came on a Saturday', 26, true, '2026-11-21T10:00Z', '2026-11-24T02:00Z'],
    ['on weekdays, exactly at the end of a Friday', 14, true, '2026-11-20T10:00Z', '2026-11-21T00:00Z'],
    ['every ten weekdays', 240, true, '2026-11-23T10:00Z', '2026-12-07T10:00Z'],
    ['over the turn of the year', 26, true, '2026-12-31T23:00Z', '2027-01-04T01:00Z'],
  ])('%s is due when that time is over', (_, hours, weekdays, last, due) => {
    expect(new Date(dueAt({ everyMs: hours * hour, weekdays }, Date.parse(last), utc)).toISOString()).toBe(
      new Date(due).toISOString(),
    )
  })

  test.each([
    // Saturday begins at 23:00 UTC there, so that two hours of Friday are left at 21:00 UTC.
    ['in winter', '2026-11-20T21:00Z', 3, '2026-11-23T00:00Z'],
    // The night to Sunday 29 March has an hour less, the night to Sunday 25 October one more.
    ['when the clocks go forward on the weekend', '2026-03-27T22:00Z', 2, '2026-03-29T23:00Z'],
    ['when the clocks go back on the weekend', '2026-10-23T21:00Z', 2, '2026-10-26T00:00Z'],
  ])('%s has its weekend where the partner is', (_, last, hours, due) => {
    expect(new Date(dueAt({ everyMs: hours * hour, weekdays: true }, Date.parse(last), berlin)).toISOString()).toBe(
      new Date(due).toISOString(),
    )
  })

  test('is overdue behind that time, not at it', () => {
    const expected = { everyMs: hour, weekdays: false }
    expect([overdue(expected, 0, hour, utc), overdue(expected, 0, hour + 1, utc)]).toEqual([false, true])
  })
})
