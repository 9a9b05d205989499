import type { Usage } from './usage.ts'

/** What of a partner's use has to change before it can move to SFTP, and what only has another name there. */
export interface Findings {
  /** SFTP has nothing in their place. */
  readonly blockers: readonly string[]
  readonly notes: readonly string[]
}

interface Rule {
  readonly fits: RegExp
  readonly blocks: boolean
  readonly what: string
}

/** By the names that commands are counted under. */
const commandRules: readonly Rule[] = [
  {
    fits: /^SITE (CHMOD|CHGRP|CHOWN|UTIME|SYMLINK|LINK|MKDIR|RMDIR|CPFR|CPTO|COPY)$/,
    blocks: false,
    what: 'SFTP clients have a command of their own for it',
  },
  { fits: /^SITE (HELP|IDLE|UMASK|ZONE|DIRSTYLE|WHO|QUOTA|GROUPS?)$/, blocks: false, what: 'is not needed with SFTP' },
  // MIGRATION is our own: who asks for it is about to move.
  { fits: /^SITE (?!MIGRATION$)/, blocks: true, what: 'SFTP has no SITE' },
  { fits: /^STOU$/, blocks: true, what: 'an SFTP server never chooses the name of a file' },
  { fits: /^(HASH|MD5|MMD5|XCRC|XMD5|XSHA\d*)$/, blocks: true, what: 'an SFTP server makes no checksums' },
  { fits: /^(LIST|NLST) -R$/, blocks: true, what: 'an SFTP server lists one directory at a time' },
  { fits: /^(MFMT|MFF|MFCT)$/, blocks: false, what: 'SFTP clients keep times themselves (put -p)' },
  { fits: /^APPE$/, blocks: false, what: 'SFTP clients can append and continue (reput)' },
  { fits: /^REST$/, blocks: false, what: 'SFTP clients can continue (reget, reput)' },
  { fits: /^MODE Z$/, blocks: false, what: 'SSH compresses by itself (-C)' },
  { fits: /^(COMB|THMB|AVBL|DSIZ)$/, blocks: false, what: 'SFTP clients do without' },
]

export interface BlockerInput {
  readonly usage: Usage
  /** Users that have not logged in since passwords are being learned. */
  readonly unknownPasswords?: readonly string[]
}

export function findings({ usage, unknownPasswords = [] }: BlockerInput): Findings {
  const { total = {}, command = {}, names = {} } = usage.counts
  const found: { readonly blocks: boolean; readonly text: string }[] = []
  for (const [name, count] of Object.entries(command)) {
    const rule = commandRules.find(({ fits }) => fits.test(name))
    if (rule) found.push({ blocks: rule.blocks, text: `${name} ${times(count)}: ${rule.what}` })
  }
  const { ascii = 0, modeZ = 0 } = total
  if (ascii > 0)
    found.push({ blocks: true, text: `text transfers (TYPE A) ${times(ascii)}: SFTP converts no line ends` })
  if (modeZ > 0)
    found.push({ blocks: false, text: `compressed transfers ${times(modeZ)}: SSH compresses by itself (-C)` })
  const foreign = names['other'] ?? 0
  if (foreign > 0)
    found.push({ blocks: false, text: `names that are not UTF-8 ${times(foreign)}: SFTP clients expect UTF-8` })
  if (unknownPasswords.length > 0)
    found.push({ blocks: true, text: `the password is not known yet of ${unknownPasswords.join(', ')}` })
  const texts = (blocks: boolean) =>
    found
      .filter((one) => one.blocks === blocks)
      .map(({ text }) => text)
      .sort()
  return { blockers: texts(true), notes: texts(false) }
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`
}
