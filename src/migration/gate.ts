import type { MigrationConfig, PartnerMigration, Phase } from '../config/migration-config.ts'
import { RefusedLogin } from '../ftp/refused-login.ts'
import { closing, type Reply } from '../ftp/reply.ts'
import { calendarOf } from './calendar.ts'
import { moverOf } from './mover.ts'
import type { Nudges } from './nudges.ts'
import { phaseAt, sunsetOf } from './phase.ts'
import type { RecordedLogins } from './recorded-logins.ts'
import { noticeText, type Proof, refusalText, statusText } from './texts.ts'
import { type Refusal, refusalAt } from './verdict.ts'
import { type Mover, windowAt } from './windows.ts'

export interface GateParts {
  readonly migration: MigrationConfig
  /** Of logins that match no partner. */
  readonly defaultPhase: Phase
  readonly partners: readonly Known[]
  readonly recorded: RecordedLogins
  readonly nudges: Nudges
  /** Until when brownouts are paused. */
  readonly pausedUntil: () => Promise<number>
  readonly now: () => number
  readonly sleep: (ms: number) => Promise<void>
}

interface Known {
  readonly name: string
  readonly migration?: PartnerMigration | undefined
}

/** A login that is let in. */
export interface Admitted {
  readonly phase: Phase
  /** What its client is told in the reply to PASS; nothing before the phase `notice`. */
  readonly notice: readonly string[]
  /** What SITE MIGRATION answers. */
  readonly status: readonly string[]
}

/** What a partner meets now, and what is to come. */
export interface Standing {
  readonly partner: string
  /** A window is open, and brownouts are not paused. */
  readonly brownout: boolean
  /** When FTPS ends for it. */
  readonly sunset: number | undefined
}

/** Stands between the check of a password and the files. One for each configuration. */
export interface Gate {
  /** The phase of a partner; undefined: of logins that match none. */
  phaseOf(partner: Known | undefined): Phase
  /** What the greeting says: nobody is known yet, so that it has to be true of everybody. */
  greeting(): readonly string[]
  /** How the partners of the configuration stand now. */
  standings(): Promise<readonly Standing[]>
  /** Throws RefusedLogin. Only for those who have proved who they are: a stranger must learn nothing. */
  admit(partner: Known | undefined, user: string, proof: Proof): Promise<Admitted>
}

export function createGate(parts: GateParts): Gate {
  const { migration: common, recorded, nudges, now } = parts
  const calendar = calendarOf(common)
  const unknown = pinned(parts.defaultPhase)
  const moveOf = (partner: Known | undefined) => (partner === undefined ? unknown : (partner.migration ?? served))
  /** Of partners that have met their first brownout: their windows do not move any more. */
  const movers = new Map<string, Promise<Mover>>()

  function known(name: string, migration: PartnerMigration, instant: number): Promise<Mover> {
    const made = movers.get(name)
    if (made !== undefined) return made
    if (phaseAt(migration, calendar, instant) !== 'brownout') return Promise.resolve({ name, migration, histogram: [] })
    const mover = moverOf({ name, migration }, calendar, recorded, instant)
    movers.set(name, mover)
    // What cannot be read now may be at the next login; until then nobody is refused at a time that was not announced.
    return mover.catch(() => {
      movers.delete(name)
      return { name, migration: { ...migration, brownout: undefined }, histogram: [] }
    })
  }

  /** A nudge has no window: who meets it is not known before. */
  const isOpen = (mover: Mover, instant: number) =>
    mover.migration.brownout?.mode !== 'nudge' && windowAt(mover, calendar, instant) !== undefined

  return {
    phaseOf: (partner) => phaseAt(moveOf(partner), calendar, now()),
    greeting() {
      const instant = now()
      const isTold = (move: PartnerMigration) => told.has(phaseAt(move, calendar, instant))
      if (!isTold(unknown) || !parts.partners.every((partner) => isTold(moveOf(partner)))) return []
      const story = { wayOut: common, calendar, migration: unknown, proof: 'password' } as const
      return noticeText('notice', story) ?? []
    },
    async standings() {
      const [instant, pausedUntil] = [now(), await parts.pausedUntil()]
      const standingOf = async ({ name, migration = served }: Known): Promise<Standing> => {
        const met = instant >= pausedUntil && phaseAt(migration, calendar, instant) === 'brownout'
        const brownout = met && isOpen(await known(name, migration, instant), instant)
        return { partner: name, brownout, sunset: sunsetOf(migration, calendar) }
      }
      return Promise.all(parts.partners.map(standingOf))
    },
    async admit(partner, user, proof) {
      const [instant, migration] = [now(), moveOf(partner)]
      const mover = await known(partner?.name ?? 'default', migration, instant)
      const pausedUntil = migration.brownout === undefined ? 0 : await parts.pausedUntil()
      const verdict = refusalAt(mover, calendar, user, { now: instant, pausedUntil }, nudges)
      const story = { wayOut: common, calendar, migration, proof }
      if (verdict.kind === 'refused') {
        const text = refusalText(verdict, story, instant)
        throw new RefusedLogin(verdict.outcome, verdict.reference, inLog(verdict), replyOf(verdict, text))
      }
      if (verdict.kind === 'slow') await parts.sleep(verdict.delayMs)
      const { phase } = verdict
      return { phase, notice: noticeText(phase, story) ?? [], status: statusText(phase, story) }
    },
  }
}

/** Phases in which everybody is told that FTPS ends. */
const told: ReadonlySet<Phase> = new Set(['notice', 'brownout', 'retired'])

/** Whose file says nothing of a move. */
const served = pinned('gateway')

function pinned(phase: Phase): PartnerMigration {
  return { phase, timeline: {}, hold: undefined, brownout: undefined }
}

function replyOf({ code }: Refusal, lines: Reply['lines']): Reply {
  // Some clients read lines without the code badly.
  return code === 421 ? { ...closing(421, ...lines), coded: true } : { code, lines, coded: true }
}

function inLog(refusal: Refusal): string {
  if (refusal.outcome === 'retired') return `ref ${refusal.reference}`
  if (refusal.until === undefined) return `ref ${refusal.reference}, a nudge`
  return `ref ${refusal.reference}, until ${new Date(refusal.until).toISOString()}`
}
