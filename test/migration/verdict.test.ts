import { describe, expect, test } from 'vitest'
import { Nudges } from '../../src/migration/nudges.ts'
import { isReference, referenceOf } from '../../src/migration/reference.ts'
import { refusalAt, type Verdict } from '../../src/migration/verdict.ts'
import type { Mover } from '../../src/migration/windows.ts'
import { at, calendar, hour, mover } from './movers.ts'

const inside = '2027-03-02T09:05Z'
const outside = '2027-03-02T09:10Z'

function ask(
  partner: Mover,
  instant: string,
  more: { user?: string; pausedUntil?: string; nudges?: Nudges } = {},
): Verdict {
  const { user = 'acme', pausedUntil = '1970-01-01T00:00Z', nudges = new Nudges() } = more
  return refusalAt(partner, calendar(), user, { now: at(instant), pausedUntil: at(pausedUntil) }, nudges)
}

test('Logins are refused in a window, and only there', () => {
  const until = at('2027-03-02T09:10Z')
  expect(ask(mover(), inside)).toMatchObject({ kind: 'refused', outcome: 'brownout', code: 530, until })
  expect(ask(mover(), '2027-03-02T08:59:59.999Z')).toEqual({ kind: 'letIn', phase: 'brownout' })
  expect(ask(mover(), outside)).toEqual({ kind: 'letIn', phase: 'brownout' })
})

test('The code is that of the partner', () => {
  expect(ask(mover({ code: 421 }), inside)).toMatchObject({ kind: 'refused', code: 421 })
})

test('A partner that is retired is refused for good, also in a pause, and whichever of its users comes', () => {
  const more = { pausedUntil: '2027-05-02T00:00Z', user: 'other' }
  expect(ask(mover({ onlyUsers: ['acme'] }), '2027-05-01T00:00Z', more)).toMatchObject({ outcome: 'retired' })
})

test('Only the users that are named are refused', () => {
  const partner = mover({ onlyUsers: ['acme'] })
  expect(ask(partner, inside, { user: 'acme' })).toMatchObject({ kind: 'refused' })
  expect(ask(partner, inside, { user: 'acme_test' })).toMatchObject({ kind: 'letIn' })
})

test('A pause lets logins in until it ends', () => {
  expect(ask(mover(), inside, { pausedUntil: '2027-03-02T09:06Z' })).toMatchObject({ kind: 'letIn' })
  expect(ask(mover(), inside, { pausedUntil: '2027-03-02T09:05Z' })).toMatchObject({ kind: 'refused' })
})

test('A slow login waits in a window and is let in', () => {
  expect(ask(mover({ mode: 'slow' }), inside)).toMatchObject({ kind: 'slow', delayMs: 20_000 })
  expect(ask(mover({ mode: 'slow' }), outside)).toMatchObject({ kind: 'letIn' })
})

describe('A nudge', () => {
  const partner = mover({ mode: 'nudge', everyMs: 6 * hour })

  test('refuses one login of each user, and the next one after its time', () => {
    const nudges = new Nudges()
    const outcomes = ['12:00', '12:01', '17:59', '18:00', '18:01'].map(
      (time) => ask(partner, `2027-03-03T${time}Z`, { nudges }).kind,
    )
    expect(outcomes).toEqual(['refused', 'letIn', 'letIn', 'refused', 'letIn'])
    expect(ask(partner, '2027-03-03T18:02Z', { nudges, user: 'acme_test' })).toMatchObject({
      kind: 'refused',
      until: undefined,
    })
  })

  test('waits for the end of a freeze', () => {
    const frozen = calendar([{ from: '2027-03-03', to: '2027-03-03', reason: undefined }])
    const nudges = new Nudges()
    const on = (instant: string) =>
      refusalAt(partner, frozen, 'acme', { now: at(instant), pausedUntil: 0 }, nudges).kind
    expect([on('2027-03-03T12:00Z'), on('2027-03-03T23:00Z')]).toEqual(['letIn', 'refused'])
  })

  test('that a pause has kept back is not counted', () => {
    const nudges = new Nudges()
    expect(ask(partner, '2027-03-03T12:00Z', { nudges, pausedUntil: '2027-03-03T13:00Z' }).kind).toBe('letIn')
    expect(ask(partner, '2027-03-03T13:00Z', { nudges }).kind).toBe('refused')
  })
})

describe('The memory of nudges', () => {
  test('forgets the oldest user when it is full', () => {
    const nudges = new Nudges(2)
    for (const [i, user] of ['a', 'b', 'c'].entries()) expect(nudges.take('p', user, hour, i)).toBe(true)
    expect(nudges.size).toBe(2)
    expect(nudges.take('p', 'c', hour, 4)).toBe(false)
    expect(nudges.take('p', 'a', hour, 5)).toBe(true)
  })

  test('does not wait for a clock that was put back by more than its time', () => {
    const nudges = new Nudges()
    expect(nudges.take('p', 'a', hour, 100 * hour)).toBe(true)
    expect(nudges.take('p', 'a', hour, 10 * hour)).toBe(true)
  })
})

describe('A reference', () => {
  test('is the same for every login of a window, and another one for the next window and the next partner', () => {
    const verdicts = [
      ask(mover(), inside),
      ask(mover(), '2027-03-02T09:00Z'),
      ask(mover(), '2027-03-04T09:00Z'),
      ask({ ...mover(), name: 'bolt' }, inside),
    ]
    const [first, again, next, other] = verdicts.map((verdict) => ('reference' in verdict ? verdict.reference : ''))
    expect(first).toMatch(/^B-[a-z2-9]{4}$/)
    expect(again).toBe(first)
    expect(new Set([first, next, other]).size).toBe(3)
  })

  test('is the same in every version', () => {
    expect(referenceOf('acme', { kind: 'window', from: at(inside) })).toMatchInlineSnapshot(`"B-y3aj"`)
    expect(referenceOf('acme', { kind: 'retired' })).toMatchInlineSnapshot(`"B-r3c2"`)
    expect(isReference('B-7f3a')).toBe(true)
    expect(isReference('B-7f3a\r\n')).toBe(false)
  })
})
