import { createHash } from 'node:crypto'

/** Letters and digits that nobody takes for one another on the telephone. */
const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789'
const length = 4

/** Why a login was refused; what the reference in its text stands for. */
export type Occasion =
  | { readonly kind: 'window'; readonly from: number }
  /** The day in UTC, YYYY-MM-DD. */
  | { readonly kind: 'nudge'; readonly day: string }
  | { readonly kind: 'retired' }

/** Short enough to be read out, and found again from the configuration alone. Two occasions may share one by chance. */
export function referenceOf(partner: string, occasion: Occasion): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([partner, tagOf(occasion)]))
    .digest()
  return `B-${[...digest.subarray(0, length)].map((byte) => alphabet[byte % alphabet.length]).join('')}`
}

function tagOf(occasion: Occasion): string {
  if (occasion.kind === 'window') return new Date(occasion.from).toISOString()
  return occasion.kind === 'nudge' ? occasion.day : occasion.kind
}

export function isReference(text: string): boolean {
  return /^B-[a-z2-9]{4}$/.test(text)
}
