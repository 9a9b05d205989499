import { describe, expect, test } from 'vitest'
import type { Brownout } from '../../src/config/migration-config.ts'
import { zoneOf } from '../../src/ftp/time-zone.ts'
import { histogramOf } from '../../src/migration/histogram.ts'
import { type Mover, windowAt, windowsOf } from '../../src/migration/windows.ts'
import { at, calendar, hour, local, minute, mover, standard } from './movers.ts'

const wholeYear = [at('2027-01-01T00:00Z'), at('2028-01-01T00:00Z')] as const

/** The windows of a year as `week: from - to`, by the clocks of Berlin. */
function shown(partner: Mover, freezes: Parameters<typeof calendar>[0] = []): readonly string[] {
  return windowsOf(partner, calendar(freezes), ...wholeYear).map(
    ({ week, from, to }) => `${week}: ${local(from)} - ${local(to)}`,
  )
}

function ladder(...rungs: readonly (readonly [week: number, windows: number, durationMs: number])[]) {
  return { name: 'test', rungs: rungs.map(([week, windows, durationMs]) => ({ week, windows, durationMs })) }
}

/** A job that runs every day at the same time, from November to February. */
function daily(time: string, days = 14 * 7): ReturnType<typeof histogramOf> {
  const instants = Array.from({ length: days }, (_, i) => at(`2026-11-01T${time}Z`) + i * 24 * hour)
  return histogramOf(instants, zoneOf('Europe/Berlin'))
}

test('The ladder is climbed week by week, and its last rung stays until the partner is retired', () => {
  expect(shown(mover())).toEqual([
    '1: Tue 2027-03-02 10:00 - Tue 2027-03-02 10:10',
    '1: Thu 2027-03-04 10:00 - Thu 2027-03-04 10:10',
    '2: Tue 2027-03-09 10:00 - Tue 2027-03-09 11:00',
    '3: Tue 2027-03-16 10:00 - Tue 2027-03-16 12:00',
    '4: Tue 2027-03-23 10:00 - Tue 2027-03-23 14:00',
    '5: Tue 2027-03-30 10:00 - Wed 2027-03-31 10:00',
    '6: Tue 2027-04-06 10:00 - Wed 2027-04-07 10:00',
  ])
})

test('A week without a rung has no windows', () => {
  expect(shown(mover({ ladder: ladder([2, 1, hour], [4, 1, hour]) })).slice(0, 2)).toEqual([
    '2: Tue 2027-03-09 10:00 - Tue 2027-03-09 11:00',
    '4: Tue 2027-03-23 10:00 - Tue 2027-03-23 11:00',
  ])
})

test('A window is as long as it was announced when clocks change in it, both ways', () => {
  const night: Partial<Brownout> = { ladder: ladder([1, 1, 4 * hour]), at: [{ weekday: 6, minute: 60 }] }
  const spring = mover(night, { timeline: { brownout: '2027-03-22', retired: '2027-03-29' } })
  const autumn = mover(night, { timeline: { brownout: '2027-10-25', retired: '2027-11-01' } })
  expect(shown(spring)).toEqual(['1: Sun 2027-03-28 01:00 - Sun 2027-03-28 06:00'])
  expect(shown(autumn)).toEqual(['1: Sun 2027-10-31 01:00 - Sun 2027-10-31 04:00'])
})

test('A window that would begin in the hour that is left out begins when it is over', () => {
  const night = { ladder: ladder([1, 1, hour]), at: [{ weekday: 6, minute: 150 }] }
  expect(shown(mover(night, { timeline: { brownout: '2027-03-22', retired: '2027-03-29' } }))).toEqual([
    '1: Sun 2027-03-28 03:00 - Sun 2027-03-28 04:00',
  ])
})

test('Windows go over the end of a year', () => {
  const partner = mover({ ladder: ladder([1, 1, 24 * hour]), at: [{ weekday: 4, minute: 720 }] })
  const { brownout } = partner.migration
  const late = mover(brownout, { timeline: { brownout: '2027-12-27' } })
  const [window] = windowsOf(late, calendar(), at('2027-12-31T22:00Z'), at('2028-01-01T02:00Z'))
  expect(window && [local(window.from), local(window.to)]).toEqual(['Fri 2027-12-31 12:00', 'Sat 2028-01-01 12:00'])
})

describe('Fixed windows', () => {
  test('take the weekdays that are named, in the order of the week', () => {
    const times = [
      { weekday: 4, minute: 14 * 60 },
      { weekday: 0, minute: 8 * 60 },
    ]
    expect(shown(mover({ at: times })).slice(0, 3)).toEqual([
      '1: Mon 2027-03-01 08:00 - Mon 2027-03-01 08:10',
      '1: Fri 2027-03-05 14:00 - Fri 2027-03-05 14:10',
      '2: Fri 2027-03-12 14:00 - Fri 2027-03-12 15:00',
    ])
  })
})

describe('Windows in business hours', () => {
  const partner = mover({ align: 'business-hours' })

  test('begin and end between 9 and 17 on a working day, as long as they fit', () => {
    const windows = windowsOf(partner, calendar(), ...wholeYear).filter(({ week }) => week < 5)
    for (const { from, to } of windows) {
      expect(local(from)).toMatch(/^(Mon|Tue|Wed|Thu|Fri) .* (09|1[0-6]):[03]0$/)
      expect(local(to) <= `${local(from).slice(0, 15)}17:00`, local(to)).toBe(true)
    }
    expect(windows).toHaveLength(5)
  })

  test('are at different times for different partners', () => {
    const firsts = ['a', 'b', 'c', 'd', 'e', 'f'].map(
      (name) => windowsOf({ ...partner, name }, calendar(), ...wholeYear)[0]?.from,
    )
    expect(new Set(firsts).size).toBeGreaterThan(3)
  })
})

describe('Observed windows', () => {
  test('are put around the minute at which a nightly job logs in', () => {
    const partner = mover({ align: 'observed' }, {}, daily('01:12'))
    expect(shown(partner).slice(0, 3)).toEqual([
      '1: Mon 2027-03-01 02:05 - Mon 2027-03-01 02:15',
      '1: Wed 2027-03-03 02:05 - Wed 2027-03-03 02:15',
      '2: Mon 2027-03-08 01:40 - Mon 2027-03-08 02:40',
    ])
  })

  test('prefer the busiest hours that are far enough from each other', () => {
    const cells = [
      { weekday: 1, hour: 9, count: 3, minute: 30 },
      { weekday: 3, hour: 22, count: 40, minute: 0 },
      { weekday: 4, hour: 9, count: 4, minute: 30 },
    ]
    expect(shown(mover({ align: 'observed' }, {}, cells)).slice(0, 4)).toEqual([
      '1: Tue 2027-03-02 09:25 - Tue 2027-03-02 09:35',
      '1: Thu 2027-03-04 21:55 - Thu 2027-03-04 22:05',
      '2: Thu 2027-03-11 21:30 - Thu 2027-03-11 22:30',
      '3: Thu 2027-03-18 21:00 - Thu 2027-03-18 23:00',
    ])
  })

  test('go around several hours where that meets more logins', () => {
    const cells = [
      { weekday: 2, hour: 3, count: 10, minute: 0 },
      { weekday: 4, hour: 8, count: 7, minute: 0 },
      { weekday: 4, hour: 9, count: 7, minute: 0 },
    ]
    const partner = mover({ align: 'observed', ladder: ladder([1, 1, 3 * hour]) }, {}, cells)
    expect(shown(partner)[0]).toBe('1: Fri 2027-03-05 06:30 - Fri 2027-03-05 09:30')
  })

  test('reach back over the beginning of the week', () => {
    const cells = [{ weekday: 0, hour: 0, count: 5, minute: 2 }]
    expect(shown(mover({ align: 'observed' }, {}, cells))[0]).toBe('1: Sun 2027-03-07 23:55 - Mon 2027-03-08 00:05')
  })

  test('are in business hours as long as nothing is known', () => {
    expect(shown(mover({ align: 'observed' }))).toEqual(shown(mover({ align: 'business-hours' })))
  })
})

describe('Between two windows', () => {
  test('there is a whole cycle in which a file is expected, also over the end of a week', () => {
    const many = mover({ ladder: ladder([1, 7, hour]), apartMs: 40 * hour })
    const windows = windowsOf(many, calendar(), ...wholeYear)
    expect(windows.length).toBeGreaterThan(15)
    for (const [i, window] of windows.entries()) {
      const before = windows[i - 1]
      if (before) expect(window.from - before.to).toBeGreaterThanOrEqual(40 * hour)
    }
  })

  test('a weekend does not count where files are expected on working days', () => {
    const times = [
      { weekday: 4, minute: 600 },
      { weekday: 0, minute: 600 },
      { weekday: 1, minute: 600 },
    ]
    const twice = { ladder: ladder([1, 2, hour]), at: times, apartMs: 26 * hour }
    const lines = (workdays: boolean) => shown(mover({ ...twice, workdays })).map((line) => line.slice(0, 6))
    expect(lines(false).slice(0, 4)).toEqual(['1: Mon', '1: Fri', '2: Mon', '2: Fri'])
    expect(lines(true).slice(0, 4)).toEqual(['1: Mon', '1: Fri', '2: Tue', '2: Fri'])
  })

  test('a cycle longer than a week leaves weeks out', () => {
    const monthly = mover({ ladder: ladder([1, 1, hour]), apartMs: 20 * 24 * hour })
    expect(shown(monthly).map((line) => line.slice(0, 2))).toEqual(['1:', '4:'])
  })
})

describe('A freeze', () => {
  const freezes = [{ from: '2027-03-10', to: '2027-03-17', reason: undefined }]

  test('has no windows, and the ladder goes on behind it where it was', () => {
    expect(shown(mover(), freezes)).toEqual([
      '1: Tue 2027-03-02 10:00 - Tue 2027-03-02 10:10',
      '1: Thu 2027-03-04 10:00 - Thu 2027-03-04 10:10',
      '2: Tue 2027-03-09 10:00 - Tue 2027-03-09 11:00',
      '3: Tue 2027-03-23 10:00 - Tue 2027-03-23 12:00',
      '4: Tue 2027-03-30 10:00 - Tue 2027-03-30 14:00',
      '5: Tue 2027-04-06 10:00 - Wed 2027-04-07 10:00',
    ])
  })

  test('ends a window that reaches into it', () => {
    const days = mover({ ladder: ladder([1, 1, 24 * hour]) })
    expect(shown(days, freezes)[1]).toBe('2: Tue 2027-03-09 10:00 - Wed 2027-03-10 00:00')
  })
})

test('A hold that puts the brownouts off lets the ladder begin behind it', () => {
  const hold = { reason: 'x', since: at('2027-02-10T00:00Z'), until: at('2027-03-21T23:00Z') }
  expect(shown(mover({}, { hold }))[0]).toBe('1: Tue 2027-03-23 10:00 - Tue 2027-03-23 10:10')
})

test('A hold within the brownouts keeps them, and their weeks go on', () => {
  const hold = { reason: 'x', since: at('2027-03-10T00:00Z'), until: at('2027-06-01T00:00Z') }
  expect(shown(mover({}, { hold })).at(-1)).toBe('13: Tue 2027-05-25 10:00 - Wed 2027-05-26 10:00')
})

test.each([
  ['is pinned to another phase', mover({}, { phase: 'notice' })],
  ['has no date for its brownouts', mover({}, { timeline: { retired: '2027-04-12' } })],
  ['has no brownouts', mover({}, { brownout: undefined })],
])('A partner that %s has no windows', (_, partner) => expect(shown(partner)).toEqual([]))

test('Whoever asks for a moment or a day gets the windows of the whole year', () => {
  const partner = mover({ align: 'observed', ladder: standard }, {}, daily('01:12'))
  const all = windowsOf(partner, calendar(), ...wholeYear)
  for (const window of all) {
    expect(windowAt(partner, calendar(), window.from)).toEqual(window)
    expect(windowAt(partner, calendar(), window.to - 1)).toEqual(window)
    expect(windowAt(partner, calendar(), window.from - 1)).toBeUndefined()
    expect(windowAt(partner, calendar(), window.to)).toBeUndefined()
    expect(windowsOf(partner, calendar(), window.from - minute, window.to + minute)).toEqual([window])
  }
  expect(all.length).toBeGreaterThan(6)
})
