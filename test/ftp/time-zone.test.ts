import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isTimeZone, zoneOf } from '../../src/ftp/time-zone.ts'

const at = (text: string) => Date.parse(text) / 1000
const hour = 3600

describe('a time zone', () => {
  test.each([
    ['UTC', '2026-07-01T12:00:00Z', 0],
    ['Europe/Berlin', '2026-03-29T00:59:59Z', hour],
    ['Europe/Berlin', '2026-03-29T01:00:00Z', 2 * hour],
    ['Europe/Berlin', '2026-10-25T00:59:59Z', 2 * hour],
    ['Europe/Berlin', '2026-10-25T01:00:00Z', hour],
    ['America/New_York', '2026-03-08T06:59:59Z', -5 * hour],
    ['America/New_York', '2026-03-08T07:00:00Z', -4 * hour],
    ['Asia/Kathmandu', '2026-07-01T00:00:00Z', 5.75 * hour],
    ['Australia/Lord_Howe', '2026-04-04T14:59:59Z', 11 * hour],
    ['Australia/Lord_Howe', '2026-04-04T15:00:00Z', 10.5 * hour],
    ['Pacific/Apia', '2011-12-30T09:59:59Z', -10 * hour],
    ['Pacific/Apia', '2011-12-30T10:00:00Z', 14 * hour],
  ])('%s at %s is ahead of UTC by %d seconds', (name, time, seconds) => {
    expect(zoneOf(name)(at(time))).toBe(seconds)
  })

  test.each([
    ['Europe/Berlin', true],
    ['UTC', true],
    ['Etc/GMT+5', true],
    ['Mars/Olympus', false],
    ['+01:00', false],
    ['', false],
  ])('%j is the name of one: %s', (name, known) => {
    expect(isTimeZone(name)).toBe(known)
  })

  test('is the same whatever was asked before', () => {
    const name = 'America/St_Johns'
    const format = new Intl.DateTimeFormat('sv-SE', { timeZone: name, dateStyle: 'short', timeStyle: 'medium' })
    fc.assert(
      fc.property(fc.integer({ min: at('1973-01-01'), max: at('2037-01-01') }), (seconds) => {
        const local = new Date((seconds + zoneOf(name)(seconds)) * 1000).toISOString()
        expect(local.replace('T', ' ').slice(0, 19)).toBe(format.format(seconds * 1000))
      }),
    )
  })
})
