import type { PartnerConfig } from '../config/config.ts'
import { type IpNetwork, isInNetwork, parseNetwork } from '../ftp/ip-network.ts'

/** Where a client came in. */
export interface Place {
  /** Numeric address of the client. */
  readonly address: string
  /** Name of the listener. */
  readonly listener: string
}

/** Knows where the users of each partner may come from. */
export interface MeetingPoint {
  /** Why a partner's users may not come in here, in words for the log; undefined when they may. */
  elsewhere(partner: PartnerConfig, place: Place): string | undefined
  /** The partner that takes every user name from here. */
  bestWithoutUsers(place: Place): PartnerConfig | undefined
}

interface Rule {
  readonly partner: PartnerConfig
  /** Undefined: any network. */
  readonly network: IpNetwork | undefined
}

/** Of the partners without users the longest network wins, and then the one that names its listeners. */
export function createMeetingPoint(partners: readonly PartnerConfig[]): MeetingPoint {
  const bySources = new Map(partners.map((partner) => [partner, networksOf(partner)] as const))
  const rules = partners
    .filter(({ users }) => users.length === 0)
    .flatMap((partner) => rulesOf(partner, bySources.get(partner)))
    .sort((a, b) => lengthOf(b) - lengthOf(a) || listenersOf(b) - listenersOf(a))
  return {
    elsewhere(partner, { address, listener }) {
      if (!takes(partner, listener)) return `users of partner ${partner.name} may not log in at listener ${listener}`
      const networks = bySources.get(partner)
      if (networks === undefined || networks.some((network) => isInNetwork(network, address))) return undefined
      return `users of partner ${partner.name} may not log in from ${address}`
    },
    bestWithoutUsers({ address, listener }) {
      const fits = ({ partner, network }: Rule) =>
        takes(partner, listener) && (network === undefined || isInNetwork(network, address))
      return rules.find(fits)?.partner
    },
  }
}

function takes({ listeners = [] }: PartnerConfig, listener: string): boolean {
  return listeners.length === 0 || listeners.includes(listener)
}

/** Undefined: from everywhere. What the configuration has not checked is no network, and lets nobody in. */
function networksOf({ sources = [] }: PartnerConfig): readonly IpNetwork[] | undefined {
  if (sources.length === 0) return undefined
  return sources.map(parseNetwork).filter((network) => network !== undefined)
}

function rulesOf(partner: PartnerConfig, networks: readonly IpNetwork[] | undefined): readonly Rule[] {
  if (networks !== undefined) return networks.map((network) => ({ partner, network }))
  // A partner of which nothing is said would take every user name of nobody.
  return (partner.listeners ?? []).length > 0 ? [{ partner, network: undefined }] : []
}

function lengthOf({ network }: Rule): number {
  return network?.length ?? -1
}

function listenersOf({ partner: { listeners = [] } }: Rule): number {
  return Math.sign(listeners.length)
}
