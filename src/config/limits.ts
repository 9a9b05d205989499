import type { PartnerLimits } from './config.ts'
import * as kinds from './kinds.ts'
import { optional, table, type Values } from './table.ts'

/** The limits of a partner; `defaults` of the globals has the same keys, for partners that do not say otherwise. */
export const limitEntries = {
  sessions: optional(kinds.whole(0, 100_000)),
  sessionsPerAddress: optional(kinds.whole(0, 100_000)),
  loginsPerMinute: optional(kinds.whole(0, 100_000)),
  bandwidth: table({ up: optional(kinds.rate), down: optional(kinds.rate) }),
  idle: optional(kinds.duration(1)),
}

type LimitValues = Values<typeof limitEntries>

export const noLimits: PartnerLimits = {
  sessions: undefined,
  sessionsPerAddress: undefined,
  loginsPerMinute: undefined,
  bandwidth: { up: undefined, down: undefined },
  idleMs: undefined,
}

/** What is written, and where nothing is, what holds for everybody. */
export function limitsOf(values: LimitValues, usual: PartnerLimits): PartnerLimits {
  const { sessions, sessionsPerAddress, loginsPerMinute, bandwidth, idle } = values
  return {
    sessions: sessions ?? usual.sessions,
    sessionsPerAddress: sessionsPerAddress ?? usual.sessionsPerAddress,
    loginsPerMinute: loginsPerMinute ?? usual.loginsPerMinute,
    bandwidth: { up: bandwidth.up ?? usual.bandwidth.up, down: bandwidth.down ?? usual.bandwidth.down },
    idleMs: idle ?? usual.idleMs,
  }
}
