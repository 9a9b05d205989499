import { describe, expect, test } from 'vitest'
import { dateOf, dayNumber, instantOf, localTime, momentOf, weekdayOf } from '../../src/ftp/local-time.ts'
import { zoneOf } from '../../src/ftp/time-zone.ts'

const berlin = zoneOf('Europe/Berlin')
const iso = (instant: number | undefined) => instant !== undefined && new Date(instant).toISOString()

/** When a minute of a day is, written YYYY-MM-DD and HH:MM. */
function when(date: string, time: string, zone: string) {
  const [hours = 0, minutes = 0] = time.split(':').map(Number)
  return iso(instantOf(dayNumber(date) ?? Number.NaN, hours * 60 + minutes, zoneOf(zone)))
}

describe('A local time', () => {
  test.each([
    ['in winter', '2027-01-11', '00:00', 'Europe/Berlin', '2027-01-10T23:00:00.000Z'],
    ['in summer', '2027-07-11', '00:00', 'Europe/Berlin', '2027-07-10T22:00:00.000Z'],
    ['on the first day of the year', '2027-01-01', '00:00', 'America/New_York', '2027-01-01T05:00:00.000Z'],
    ['on the leap day', '2028-02-29', '00:00', 'Europe/Berlin', '2028-02-28T23:00:00.000Z'],
    ['on the day when clocks go forward', '2027-03-28', '00:00', 'Europe/Berlin', '2027-03-27T23:00:00.000Z'],
    ['behind the hour that is left out', '2027-03-28', '03:00', 'Europe/Berlin', '2027-03-28T01:00:00.000Z'],
    ['in the hour that is left out', '2027-03-28', '02:30', 'Europe/Berlin', '2027-03-28T01:00:00.000Z'],
    ['in the hour that comes twice', '2027-10-31', '02:30', 'Europe/Berlin', '2027-10-31T00:30:00.000Z'],
    ['behind the hour that comes twice', '2027-10-31', '03:00', 'Europe/Berlin', '2027-10-31T02:00:00.000Z'],
    ['at a midnight that is left out', '2018-11-04', '00:00', 'America/Sao_Paulo', '2018-11-04T03:00:00.000Z'],
    ['at a midnight that comes twice', '2024-11-03', '00:00', 'America/Havana', '2024-11-03T04:00:00.000Z'],
    ['on a day that is left out', '2011-12-30', '00:00', 'Pacific/Apia', '2011-12-30T10:00:00.000Z'],
    ['where clocks differ by half an hour', '2027-04-04', '00:00', 'Australia/Lord_Howe', '2027-04-03T13:00:00.000Z'],
  ])('%s is the right instant', (_, date, time, zone, expected) => {
    expect(when(date, time, zone)).toBe(expected)
  })

  test('is read from an instant again', () => {
    const at = Date.parse('2027-12-31T23:30:00Z')
    expect(localTime(at, berlin)).toEqual({ day: dayNumber('2028-01-01'), minute: 30 })
    expect(localTime(at, zoneOf('America/New_York'))).toEqual({ day: dayNumber('2027-12-31'), minute: 18 * 60 + 30 })
  })
})

describe('A date', () => {
  test.each(['2027-02-29', '2027-04-31', '2027-13-01', '2027-00-10', '27-01-01', '2027-1-1', '1969-12-31', ''])(
    '%j is none',
    (text) => expect(dayNumber(text)).toBeUndefined(),
  )

  test('has a number and a weekday', () => {
    expect(dateOf((dayNumber('2028-02-29') ?? 0) + 1)).toBe('2028-03-01')
    expect(dateOf((dayNumber('2027-12-31') ?? 0) + 1)).toBe('2028-01-01')
    expect(weekdayOf(dayNumber('2026-11-23') ?? 0)).toBe(0)
    expect(weekdayOf(dayNumber('2026-11-29') ?? 0)).toBe(6)
  })
})

describe('A moment', () => {
  test.each([
    ['2027-03-01', '2027-02-28T23:00:00.000Z'],
    ['2027-03-01T12:00', '2027-03-01T11:00:00.000Z'],
    ['2027-07-01 12:00:30', '2027-07-01T10:00:30.000Z'],
    ['2027-03-01T12:00Z', '2027-03-01T12:00:00.000Z'],
    ['2027-03-01T12:00:00.000Z', '2027-03-01T12:00:00.000Z'],
    ['2027-03-01T12:00-05:00', '2027-03-01T17:00:00.000Z'],
  ])('%s is read', (text, expected) => expect(iso(momentOf(text, berlin))).toBe(expected))

  test.each(['2027-02-30', '2027-03-01T24:00', '2027-03-01T12', '2027-03-01T12:00+99:00', 'tomorrow'])(
    '%s is none',
    (text) => expect(momentOf(text, berlin)).toBeUndefined(),
  )
})
