import { describe, expect, test } from 'vitest'
import type { Hold, MigrationConfig, PartnerMigration, Timeline } from '../../src/config/migration-config.ts'
import { calendarOf } from '../../src/migration/calendar.ts'
import { nextChange, phaseAt, sunsetOf } from '../../src/migration/phase.ts'

type Freezes = MigrationConfig['freezes']

const timeline = { gateway: '2027-01-11', notice: '2027-02-01', brownout: '2027-03-01', retired: '2027-04-12' }
const at = (text: string) => Date.parse(text)

function following(dates: Timeline, hold?: Hold): PartnerMigration {
  return { phase: 'auto', timeline: dates, hold, brownout: undefined }
}

function freeze(from: string, to: string): Freezes {
  return [{ from, to, reason: undefined }]
}

function phase(partner: PartnerMigration, instant: string, timeZone = 'Europe/Berlin', freezes: Freezes = []) {
  return phaseAt(partner, calendarOf({ timeZone, freezes }), at(instant))
}

describe('A timeline', () => {
  test.each([
    ['2026-06-01T00:00Z', 'legacy'],
    ['2027-01-10T22:59:59.999Z', 'legacy'],
    ['2027-01-10T23:00Z', 'gateway'],
    ['2027-01-31T22:59Z', 'gateway'],
    ['2027-01-31T23:00Z', 'notice'],
    ['2027-02-28T23:00Z', 'brownout'],
    ['2027-04-11T21:59Z', 'brownout'],
    ['2027-04-11T22:00Z', 'retired'],
    ['2030-01-01T00:00Z', 'retired'],
  ])('is in its phase at %s: %s', (instant, expected) => {
    expect(phase(following(timeline), instant)).toBe(expected)
  })

  test.each([
    ['Pacific/Auckland', '2026-12-31T10:59Z', 'gateway'],
    ['Pacific/Auckland', '2026-12-31T11:00Z', 'retired'],
    ['America/New_York', '2027-01-01T04:59Z', 'gateway'],
    ['America/New_York', '2027-01-01T05:00Z', 'retired'],
    ['UTC', '2026-12-31T23:59Z', 'gateway'],
    ['UTC', '2027-01-01T00:00Z', 'retired'],
  ])('ends the year by the clocks of %s: at %s it is %s', (zone, instant, expected) => {
    expect(phase(following({ retired: '2027-01-01' }), instant, zone)).toBe(expected)
  })

  test.each([
    ['on the day when clocks go forward', '2027-03-28', '2027-03-27T23:00Z'],
    ['a day later', '2027-03-29', '2027-03-28T22:00Z'],
    ['on the day when clocks go back', '2027-10-31', '2027-10-30T22:00Z'],
    ['a day later', '2027-11-01', '2027-10-31T23:00Z'],
    ['on the leap day', '2028-02-29', '2028-02-28T23:00Z'],
  ])('begins a phase at midnight %s', (_, date, instant) => {
    const partner = following({ notice: date })
    expect(phaseAt(partner, calendarOf({ timeZone: 'Europe/Berlin', freezes: [] }), at(instant) - 1)).toBe('gateway')
    expect(phase(partner, instant)).toBe('notice')
  })

  test('without a date for gateway has begun with it', () => {
    expect(phase(following({ notice: '2027-02-01' }), '2026-01-01T00:00Z')).toBe('gateway')
    expect(phase(following({}), '2026-01-01T00:00Z')).toBe('gateway')
  })

  test('may leave phases out', () => {
    expect(phase(following({ gateway: '2027-01-11', retired: '2027-04-12' }), '2027-03-15T00:00Z')).toBe('gateway')
  })
})

test('A phase that is named is the phase, whatever the dates and a hold say', () => {
  const hold = { reason: 'x', since: at('2027-02-10T00:00Z'), until: at('2027-03-10T00:00Z') }
  expect(phase({ phase: 'legacy', timeline, hold, brownout: undefined }, '2028-01-01T00:00Z')).toBe('legacy')
  expect(phase({ phase: 'retired', timeline, hold, brownout: undefined }, '2027-02-15T00:00Z')).toBe('retired')
})

describe('A hold', () => {
  const hold = { reason: 'new ERP', since: at('2027-02-10T08:00Z'), until: at('2027-05-01T00:00Z') }

  test.each([
    ['before it', '2027-01-20T00:00Z', 'gateway'],
    ['when it begins', '2027-02-10T08:00Z', 'notice'],
    ['behind the date of the next phase', '2027-03-15T00:00Z', 'notice'],
    ['behind the date of the last phase', '2027-04-20T00:00Z', 'notice'],
    ['in its last moment', '2027-04-30T23:59:59.999Z', 'notice'],
    ['when it ends', '2027-05-01T00:00Z', 'retired'],
  ])('keeps the phase in which it began: %s', (_, instant, expected) => {
    expect(phase(following(timeline, hold), instant)).toBe(expected)
  })

  test('that ends in a freeze goes on to the end of the freeze', () => {
    const freezes = freeze('2027-04-28', '2027-05-02')
    expect(phase(following(timeline, hold), '2027-05-02T21:59Z', 'Europe/Berlin', freezes)).toBe('notice')
    expect(phase(following(timeline, hold), '2027-05-02T22:00Z', 'Europe/Berlin', freezes)).toBe('retired')
  })
})

describe('A freeze', () => {
  test.each([
    ['its first day', '2026-12-20'],
    ['the last day of the year', '2026-12-31'],
    ['the first day of the year', '2027-01-01'],
    ['its last day', '2027-01-07'],
  ])('over the new year puts a phase off that would begin on %s', (_, date) => {
    const freezes = freeze('2026-12-20', '2027-01-07')
    const partner = following({ notice: date })
    expect(phase(partner, '2027-01-07T22:59Z', 'Europe/Berlin', freezes)).toBe('gateway')
    expect(phase(partner, '2027-01-07T23:00Z', 'Europe/Berlin', freezes)).toBe('notice')
  })

  test('touches neither the day before it nor the day behind it', () => {
    const freezes = freeze('2026-12-20', '2027-01-07')
    expect(phase(following({ notice: '2026-12-19' }), '2026-12-18T23:00Z', 'Europe/Berlin', freezes)).toBe('notice')
    expect(phase(following({ notice: '2027-01-08' }), '2027-01-07T23:00Z', 'Europe/Berlin', freezes)).toBe('notice')
  })

  test('may follow on another one, in any order', () => {
    const freezes = [...freeze('2027-01-01', '2027-01-07'), ...freeze('2026-12-20', '2026-12-31')]
    const partner = following({ notice: '2026-12-24' })
    expect(phase(partner, '2027-01-07T22:59Z', 'Europe/Berlin', freezes)).toBe('gateway')
    expect(phase(partner, '2027-01-07T23:00Z', 'Europe/Berlin', freezes)).toBe('notice')
  })

  test('that several dates fall into lets the last of them begin', () => {
    const dates = { notice: '2026-12-21', brownout: '2027-01-04' }
    const freezes = freeze('2026-12-20', '2027-01-07')
    expect(phase(following(dates), '2027-01-07T23:00Z', 'Europe/Berlin', freezes)).toBe('brownout')
  })
})

describe('The next change', () => {
  const calendar = calendarOf({ timeZone: 'Europe/Berlin', freezes: freeze('2027-02-25', '2027-03-02') })
  const next = (partner: PartnerMigration, instant: string) => {
    const change = nextChange(partner, calendar, at(instant))
    return change === undefined ? undefined : new Date(change).toISOString()
  }

  test.each([
    ['2026-01-01T00:00Z', '2027-01-10T23:00:00.000Z'],
    ['2027-01-10T23:00Z', '2027-01-31T23:00:00.000Z'],
    ['2027-02-20T00:00Z', '2027-03-02T23:00:00.000Z'],
    ['2027-03-10T00:00Z', '2027-04-11T22:00:00.000Z'],
    ['2027-04-12T00:00Z', undefined],
  ])('behind %s is at %s', (instant, expected) => expect(next(following(timeline), instant)).toBe(expected))

  test('in a hold is its end', () => {
    const hold = { reason: 'x', since: at('2027-02-10T00:00Z'), until: at('2027-03-20T00:00Z') }
    expect(next(following(timeline, hold), '2027-02-15T00:00Z')).toBe('2027-03-20T00:00:00.000Z')
  })

  test('of a pinned phase never comes', () => {
    expect(
      next({ phase: 'gateway', timeline, hold: undefined, brownout: undefined }, '2026-01-01T00:00Z'),
    ).toBeUndefined()
  })
})

describe('The end of FTPS', () => {
  const sunset = (partner: PartnerMigration, freezes: Freezes = []) => {
    const instant = sunsetOf(partner, calendarOf({ timeZone: 'Europe/Berlin', freezes }))
    return instant === undefined ? undefined : new Date(instant).toISOString()
  }
  const held = { reason: 'x', since: at('2027-04-01T00:00Z'), until: at('2027-05-02T10:00Z') }

  test.each([
    ['follows from the date, by local midnight', following(timeline), '2027-04-11T22:00:00.000Z'],
    ['is put off by a hold', following(timeline, held), '2027-05-02T10:00:00.000Z'],
    ['is unknown without a date', following({ notice: '2027-02-01' }), undefined],
    ['does not come while a phase is named', { ...following(timeline), phase: 'notice' } as const, undefined],
  ])('%s', (_, partner, expected) => {
    expect(sunset(partner)).toBe(expected)
  })

  test('is put off by a freeze', () => {
    expect(sunset(following(timeline), freeze('2027-04-10', '2027-04-20'))).toBe('2027-04-20T22:00:00.000Z')
  })
})
