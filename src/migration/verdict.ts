import type { Phase } from '../config/migration-config.ts'
import { localTime } from '../ftp/local-time.ts'
import { type Calendar, isFrozen } from './calendar.ts'
import type { Nudges } from './nudges.ts'
import { phaseAt } from './phase.ts'
import { type Occasion, referenceOf } from './reference.ts'
import { type Mover, windowAt } from './windows.ts'

/** What becomes of a login whose password was right. */
export type Verdict =
  | { readonly kind: 'letIn'; readonly phase: Phase }
  /** Let in, but late. */
  | { readonly kind: 'slow'; readonly phase: Phase; readonly delayMs: number; readonly reference: string }
  | Refusal

export type Refusal =
  | {
      readonly kind: 'refused'
      readonly outcome: 'brownout'
      /** Undefined: the next login is let in. */
      readonly until: number | undefined
      readonly code: 530 | 421
      readonly reference: string
    }
  | { readonly kind: 'refused'; readonly outcome: 'retired'; readonly code: 530; readonly reference: string }

export interface Moment {
  readonly now: number
  /** Before it nobody is refused for a brownout. */
  readonly pausedUntil: number
}

/** What a partner's user meets at an instant. A nudge is remembered: the same question has another answer then. */
export function refusalAt(mover: Mover, calendar: Calendar, user: string, moment: Moment, nudges: Nudges): Verdict {
  const { name, migration } = mover
  const phase = phaseAt(migration, calendar, moment.now)
  if (phase === 'retired') {
    const reference = referenceOf(name, { kind: 'retired' })
    return { kind: 'refused', outcome: 'retired', code: 530, reference }
  }
  const { brownout } = migration
  const meant = brownout && (brownout.onlyUsers.length === 0 || brownout.onlyUsers.includes(user))
  if (phase !== 'brownout' || !meant || moment.now < moment.pausedUntil) return { kind: 'letIn', phase }
  const occasion = occasionAt(mover, calendar, user, moment.now, nudges)
  if (occasion === undefined) return { kind: 'letIn', phase }
  const reference = referenceOf(name, occasion)
  if (brownout.mode === 'slow') return { kind: 'slow', phase, delayMs: brownout.delayMs, reference }
  const until = occasion.kind === 'window' ? occasion.to : undefined
  return { kind: 'refused', outcome: 'brownout', until, code: brownout.code, reference }
}

type Now = (Occasion & { readonly kind: 'nudge' }) | (Occasion & { readonly kind: 'window'; readonly to: number })

function occasionAt(mover: Mover, calendar: Calendar, user: string, now: number, nudges: Nudges): Now | undefined {
  const { brownout } = mover.migration
  if (brownout?.mode !== 'nudge') {
    const window = windowAt(mover, calendar, now)
    return window && { kind: 'window', from: window.from, to: window.to }
  }
  if (isFrozen(localTime(now, calendar.zone).day, calendar)) return undefined
  if (!nudges.take(mover.name, user, brownout.everyMs, now)) return undefined
  return { kind: 'nudge', day: new Date(now).toISOString().slice(0, 10) }
}
