/** The labels of partners: only what the configuration names is one, so that nothing a client sends can become a series. */
export interface PartnerLabels {
  label(partner: string): string
  /** Introduces names; returns their labels, each once. */
  declare(partners: readonly string[]): readonly string[]
}

const together = 'all'
const foreign = 'unknown'

/** `perPartner` false: there is one label for all of them. */
export function partnerLabels(perPartner: boolean): PartnerLabels {
  // Names of earlier configurations stay: their sessions may still be open.
  const known = new Set<string>()
  return {
    label(partner) {
      if (!perPartner) return together
      return known.has(partner) ? partner : foreign
    },
    declare(partners) {
      if (!perPartner) return [together]
      for (const partner of partners) known.add(partner)
      return [...partners, foreign]
    },
  }
}
