import type { Instruments } from './instruments.ts'
import { directions, transferOutcomes } from './label-values.ts'
import type { Event } from './observer.ts'

/** Of a partner of the configuration, in milliseconds; undefined: not within what is remembered. */
export interface PartnerTimes {
  readonly partner: string
  readonly lastLogin: number | undefined
  readonly lastTransfer: number | undefined
  readonly lastUpload: number | undefined
  /** Where an upload is expected from time to time. */
  readonly expected: { readonly everyMs: number; readonly overdue: boolean } | undefined
}

/** How a partner of the configuration stands in its move. */
export interface PartnerStanding {
  readonly partner: string
  readonly brownout: boolean
  /** When FTPS ends for it, in milliseconds. */
  readonly sunset: number | undefined
}

/** Of partners that are not on the move. */
export const usualPhase = 'gateway'

type PhaseEvent = Extract<Event, { kind: 'phase' }>
interface PhaseLabels extends Record<string, string> {
  readonly partner: string
  readonly phase: string
  readonly wave: string
}

/** A partner is in one phase: what it was in before is taken away. Where partners are summed up, they are counted. */
export function phaseTeller(m: Instruments, label: (partner: string) => string): (event: PhaseEvent) => void {
  const told = new Map<string, PhaseLabels>()
  const partnersIn = new Map<string, number>()
  const change = (labels: PhaseLabels, by: 1 | -1) => {
    const key = JSON.stringify(labels)
    const count = (partnersIn.get(key) ?? 0) + by
    partnersIn.set(key, count)
    if (count > 0) m.partnerInfo.set(labels, count)
    else m.partnerInfo.remove(labels)
  }
  return ({ partner: name, phase, wave }) => {
    const before = told.get(name)
    if (before !== undefined) change(before, -1)
    told.delete(name)
    if (phase === undefined) return
    const partner = label(name)
    const labels = { partner, phase, wave: wave === undefined ? '' : String(wave) }
    // It was introduced as all are, before its phase was known, and has moved nothing in that one.
    if (before === undefined && phase !== usualPhase && partner === name) {
      for (const direction of directions) {
        for (const outcome of transferOutcomes) m.transfers.remove({ partner, direction, phase: usualPhase, outcome })
      }
    }
    told.set(name, labels)
    change(labels, 1)
    for (const direction of directions) {
      for (const outcome of transferOutcomes) m.transfers.inc({ partner, direction, phase, outcome }, 0)
    }
  }
}

/**
 * A partner that is no longer in the configuration is gone from here as well. Where partners are summed up, the newest time
 * of any is shown, and how many are overdue.
 */
export function showPartners(
  m: Instruments,
  partners: readonly PartnerTimes[],
  label: (partner: string) => string,
): void {
  const { partnerLastLogin, partnerLastTransfer, partnerLastUpload, partnerExpected, partnerOverdue } = m
  for (const gauge of [partnerLastLogin, partnerLastTransfer, partnerLastUpload, partnerExpected, partnerOverdue])
    gauge.reset()
  const newest = new Map<string, number>()
  const show = (gauge: typeof partnerLastLogin, name: string, partner: string, ms: number | undefined) => {
    const key = `${name} ${partner}`
    if (ms === undefined || ms < (newest.get(key) ?? 0)) return
    newest.set(key, ms)
    gauge.set({ partner }, ms / 1000)
  }
  for (const { partner: name, lastLogin, lastTransfer, lastUpload, expected } of partners) {
    const partner = label(name)
    show(partnerLastLogin, 'login', partner, lastLogin)
    show(partnerLastTransfer, 'transfer', partner, lastTransfer)
    show(partnerLastUpload, 'upload', partner, lastUpload)
    if (!expected) continue
    if (partner === name) partnerExpected.set({ partner }, expected.everyMs / 1000)
    partnerOverdue.inc({ partner }, expected.overdue ? 1 : 0)
  }
}

/** As above. Where partners are summed up, it is shown how many meet a brownout, and when the last of them ends. */
export function showStandings(
  m: Instruments,
  standings: readonly PartnerStanding[],
  label: (partner: string) => string,
): void {
  for (const gauge of [m.brownoutActive, m.partnerSunset]) gauge.reset()
  let last = Number.NEGATIVE_INFINITY
  for (const { partner: name, brownout, sunset } of standings) {
    const partner = label(name)
    m.brownoutActive.inc({ partner }, brownout ? 1 : 0)
    if (sunset === undefined || (partner !== name && sunset < last)) continue
    last = sunset
    m.partnerSunset.set({ partner }, sunset / 1000)
  }
}
