/** What happens to the moves of partners. */
export type MigrationEvent =
  /** A partner is in a phase of its move: at start, and when that changes. Without a phase the partner is gone. */
  | {
      readonly kind: 'phase'
      readonly partner: string
      readonly phase?: string
      readonly before?: string
      readonly wave?: number
      readonly cause: PhaseCause
    }
  /** Brownouts are paused, or go on, for everybody. */
  | {
      readonly kind: 'pause'
      /** In words. */
      readonly before: string
      readonly after: string
      /** pause: somebody has changed it; time: it was for so long. */
      readonly cause: 'pause' | 'time'
      readonly by?: string
    }

/** A date has come; a hold has begun or ended; the configuration has changed; the gateway was started. */
export type PhaseCause = 'start' | 'reload' | 'timeline' | 'hold'
