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
}

/** Where one partner's move stands. */
export interface PartnerMigration {
  /** auto: what the timeline says. */
  readonly phase: Phase | 'auto'
  /** The first day of each phase. */
  readonly timeline: Timeline
  readonly hold: Hold | undefined
}

export type Timeline = Readonly<Partial<Record<Exclude<Phase, 'legacy'>, string>>>

/** From `since` until `until` the phase of the instant `since` is kept, whatever the timeline says. */
export interface Hold {
  readonly reason: string
  readonly since: number
  readonly until: number
}
