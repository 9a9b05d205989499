import { describe, expect, test } from 'vitest'
import { moverOf } from '../../src/migration/mover.ts'
import { explain, planOf } from '../../src/migration/plan.ts'
import type { RecordedLogins } from '../../src/migration/recorded-logins.ts'
import { referenceOf } from '../../src/migration/reference.ts'
import { at, calendar, hour, local, minute, mover } from './movers.ts'

/** A job at 02:10 in Berlin every night, and one on Fridays at 14:30, from the beginning of the year on. */
const logins = Array.from({ length: 120 }, (_, i) => at('2027-01-01T01:10Z') + i * 24 * hour).flatMap((night, i) =>
  i % 7 === 0 ? [night, night + 12 * hour + 20 * minute] : [night],
)

const recorded: RecordedLogins = {
  instants: async (partner, from, to) =>
    partner === 'acme' ? logins.filter((login) => from <= login && login < to) : [],
  retryAfter: async () => 15 * minute,
}

describe('A plan', () => {
  const { migration } = mover({ align: 'observed', at: [] })
  const now = at('2027-02-20T12:00Z')

  test('puts windows where the partner logs in, and says whom each would have refused', async () => {
    const acme = await moverOf({ name: 'acme', migration }, calendar(), recorded, now)
    const plan = await planOf(acme, calendar(), recorded, now)
    expect(plan).toMatchObject({ partner: 'acme', begins: at('2027-02-28T23:00Z'), retryAfterMs: 15 * minute })
    expect(plan?.recorded).toBe(logins.filter((login) => login < now && login >= now - 60 * 24 * hour).length)
    const [first, second] = plan?.windows ?? []
    expect([first, second].map((window) => window && local(window.from))).toEqual([
      'Mon 2027-03-01 02:05',
      'Fri 2027-03-05 02:05',
    ])
    expect(first?.wouldRefuse.map((login) => local(login).slice(0, 3))).toEqual(Array(7).fill('Mon'))
    expect(second?.wouldRefuse.map((login) => local(login).slice(0, 3))).toEqual(Array(8).fill('Fri'))
    for (const window of plan?.windows ?? []) expect(window.wouldRefuse.length, local(window.from)).toBeGreaterThan(5)
  })

  test('shows a window that meets nobody as such', async () => {
    const fixed = { name: 'acme', migration: mover({ at: [{ weekday: 2, minute: 600 }] }).migration }
    const plan = await planOf(await moverOf(fixed, calendar(), recorded, now), calendar(), recorded, now)
    expect(plan?.windows[0]?.wouldRefuse).toEqual([])
    const day = plan?.windows.find(({ from, to }) => to - from === 24 * hour)
    expect(day?.wouldRefuse).toHaveLength(7)
  })

  test('counts a login at its local time, in summer as in winter', async () => {
    const summer = { notice: '2027-02-01', brownout: '2027-03-29' }
    const late = await moverOf(
      { name: 'acme', migration: { ...migration, timeline: summer } },
      calendar(),
      recorded,
      at('2027-04-01T00:00Z'),
    )
    const [first] = (await planOf(late, calendar(), recorded, at('2027-03-29T00:00Z')))?.windows ?? []
    expect(first && local(first.from).slice(-5)).toBe('02:05')
    expect(first?.wouldRefuse.length).toBeGreaterThan(5)
  })

  test('of nudges has no windows, and there is none for who has no brownouts', async () => {
    expect((await planOf(mover({ mode: 'nudge' }), calendar(), recorded, now))?.windows).toEqual([])
    expect(await planOf(mover({}, { brownout: undefined }), calendar(), recorded, now)).toBeUndefined()
  })

  test('leaves out what is over', async () => {
    const plan = await planOf(mover(), calendar(), recorded, at('2027-04-01T00:00Z'))
    expect(plan?.windows.map(({ week }) => week)).toEqual([6])
  })
})

test('A histogram is of the sixty days before the first brownout, and no more is asked for', async () => {
  const asked: string[] = []
  const asking = {
    ...recorded,
    async instants(_: string, from: number, to: number) {
      asked.push(`${new Date(from).toISOString()} ${new Date(to).toISOString()}`)
      return []
    },
  }
  const { migration } = mover({ align: 'observed', at: [] })
  await moverOf({ name: 'acme', migration }, calendar(), asking, at('2027-02-01T00:00Z'))
  await moverOf({ name: 'acme', migration }, calendar(), asking, at('2027-06-01T00:00Z'))
  await moverOf({ name: 'acme', migration: mover().migration }, calendar(), asking, at('2027-06-01T00:00Z'))
  expect(asked).toEqual([
    '2026-12-03T00:00:00.000Z 2027-02-01T00:00:00.000Z',
    '2026-12-30T23:00:00.000Z 2027-02-28T23:00:00.000Z',
  ])
})

test('Every window of a plan is found again by its reference, also a year later', async () => {
  const partners = ['acme', 'bolt', 'cove'].map((name) => ({ ...mover(), name }))
  for (const partner of partners) {
    for (const { reference, from } of (await planOf(partner, calendar(), recorded, at('2027-02-01T00:00Z')))?.windows ??
      []) {
      const found = explain(reference, partners, calendar(), at('2028-02-01T00:00Z'))
      expect(found).toContainEqual(expect.objectContaining({ partner: partner.name, kind: 'window', from }))
    }
  }
  const retired = referenceOf('bolt', { kind: 'retired' })
  expect(explain(retired, partners, calendar(), at('2027-02-01T00:00Z'))).toMatchObject([
    { partner: 'bolt', kind: 'retired' },
  ])
})
