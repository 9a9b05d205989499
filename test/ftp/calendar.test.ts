import fc from 'fast-check'
import { expect, test } from 'vitest'
import { dayOf, lastSecond, timeOfDay } from '../../src/ftp/calendar.ts'

test('day and time are those of Date, in UTC', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: lastSecond, noNaN: true }), (seconds) => {
      const iso = new Date(Math.floor(seconds) * 1000).toISOString()
      const { compact, year, monthAndDay } = dayOf(seconds)
      expect(`${compact}${timeOfDay(seconds, '', true)}`).toBe(iso.slice(0, 19).replace(/[-T:]/g, ''))
      expect([year, monthAndDay.slice(-2), timeOfDay(seconds, ':', false)]).toEqual([
        iso.slice(0, 4),
        iso.slice(8, 10),
        iso.slice(11, 16),
      ])
    }),
  )
})

test('every month has its name', () => {
  const names = Array.from({ length: 12 }, (_, month) => dayOf(Date.UTC(2026, month, 5) / 1000).monthAndDay)
  expect(names.join()).toBe('Jan 05,Feb 05,Mar 05,Apr 05,May 05,Jun 05,Jul 05,Aug 05,Sep 05,Oct 05,Nov 05,Dec 05')
})

test('times before 1970 and after 9999 are cut', () => {
  expect(dayOf(-5).compact + timeOfDay(-5, '', true)).toBe('19700101000000')
  expect(dayOf(1e15).compact + timeOfDay(1e15, '', true)).toBe('99991231235959')
})
