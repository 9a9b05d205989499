/** How far a partner's move is, in this order. */
export const phases = ['legacy', 'gateway', 'notice', 'brownout', 'retired'] as const
export type Phase = (typeof phases)[number]

/** What all partners' moves have in common. Dates are YYYY-MM-DD in `timeZone`, instants milliseconds since 1970. */
export interface MigrationConfig {
  /** Where partners move to, as they are told. */
  readonly publicSftp: { readonly host: string; readonly port: number } | undefined
  readonly link: string | undefined
  readonly contact: string | undefined
  readonly timeZone: string
  /** From the beginning of one day to the end of the other, no phase begins and nobody is refused. */
  readonly freezes: readonly { readonly from: string; readonly to: string; readonly reason: string | undefined }[]
  readonly ladders: readonly Ladder[]
}

/** Where one partner's move stands. */
export interface PartnerMigration {
  /** auto: what the timeline says. */
  readonly phase: Phase | 'auto'
  /** The first day of each phase. */
  readonly timeline: Timeline
  readonly hold: Hold | undefined
  /** Undefined: nobody is refused before the phase `retired`. */
  readonly brownout: Brownout | undefined
  /** For people. */
  readonly title?: string | undefined
  readonly wave?: number | undefined
  readonly owner?: {
    readonly team?: string | undefined
    readonly email?: string | undefined
    readonly ticket?: string | undefined
  }
  /** Whether the old server and the backend have the same files; only then nothing is missing after a way back. */
  readonly storage?: 'shared' | 'separate' | undefined
}

export type Timeline = { readonly [P in Exclude<Phase, 'legacy'>]?: string | undefined }

/** From `since` until `until` the phase of the instant `since` is kept, whatever the timeline says. */
export interface Hold {
  readonly reason: string
  readonly since: number
  readonly until: number
}

/** How a partner's logins are refused for a while, so that somebody notices. */
export interface Brownout {
  readonly ladder: Ladder
  readonly align: 'observed' | 'business-hours' | 'fixed'
  /** With `fixed`: where windows begin, the best first. */
  readonly at: readonly WeeklyTime[]
  /** window: every login in a window; nudge: one login in `everyMs`, whenever it is; slow: nobody, but they wait. */
  readonly mode: 'window' | 'nudge' | 'slow'
  readonly everyMs: number
  readonly delayMs: number
  /** 421 for jobs that have to try again by themselves: most clients show nothing of it. */
  readonly code: 530 | 421
  /** Whose logins; empty: all of the partner's. */
  readonly onlyUsers: readonly string[]
  /** From the end of a window to the next one: within it a file gets through that comes as expected. */
  readonly apartMs: number
  /** Saturdays and Sundays do not count for that. */
  readonly workdays: boolean
}

export interface Ladder {
  readonly name: string
  /** By week, each week once. */
  readonly rungs: readonly Rung[]
}

/** So many windows in that week of the phase (from 1). The last rung is that of all later weeks, too. */
export interface Rung {
  readonly week: number
  readonly windows: number
  readonly durationMs: number
}

export interface WeeklyTime {
  /** 0 is Monday; undefined: any day. */
  readonly weekday: number | undefined
  /** Of the day. */
  readonly minute: number
}
