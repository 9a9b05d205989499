import { type Explanation, explain } from '../migration/plan.ts'
import { isReference } from '../migration/reference.ts'
import { exit } from './exit.ts'
import { loadMoves, type Moves, moverFor } from './moves.ts'
import { iso, localText, utcText } from './times.ts'
import { parseOptionsAndWord, UsageError, type Verb } from './verb.ts'

export const explainVerb: Verb = {
  name: 'explain',
  synopsis: 'REF --config FILE [--json]',
  summary: 'say what a reference stands for that a client was shown, such as B-7f3a',
  details: `  REF             from the text of the refusal, or from the log
  --config FILE   the configuration, see config/gateway.yaml
  --json          print one JSON object

References follow from the configuration: of brownouts that have been taken out of it nothing is known any more. Exit
code 1: nobody has been, or will be, shown it.
`,
  async run(args, io) {
    const { word, options } = parseOptionsAndWord(args, {
      config: { type: 'string' },
      json: { type: 'boolean', default: false },
    })
    if (word === undefined) throw new UsageError('explain needs a reference such as B-7f3a')
    // On the telephone nobody says which letters are large.
    const reference = word.toLowerCase().replace(/^(b-)?/, 'B-')
    if (!isReference(reference)) throw new UsageError(`${word} is no reference such as B-7f3a`)
    const moves = await loadMoves(options.config, 'explain', io)
    const partners = await Promise.all(moves.config.partners.map((partner) => moverFor(partner, moves)))
    const movers = [...partners, unknownUsers]
    const found = explain(reference, movers, moves.calendar, moves.now)
    if (options.json) io.stdout.write(`${JSON.stringify({ reference, found: found.map(jsonOf) })}\n`)
    else if (found.length === 0) io.stderr.write(`ftps-gateway: ${reference} stands for nothing that is known here\n`)
    else io.stdout.write(found.map((each) => textOf(each, reference, moves)).join('\n'))
    return found.length === 0 ? exit.failure : exit.ok
  },
}

/** Logins that match no partner. */
const unknownUsers = {
  name: 'default',
  migration: { phase: 'retired', timeline: {}, hold: undefined, brownout: undefined },
  histogram: [],
} as const

function textOf({ partner, kind, from, to, week, phaseNow }: Explanation, reference: string, moves: Moves): string {
  const { calendar, config, now } = moves
  const { timeZone, publicSftp, link, contact } = config.migration
  const inUtc = (instant: number) => (timeZone === 'UTC' ? '' : ` (${utcText(instant)})`)
  const local = (instant: number) => `${localText(instant, calendar)} ${timeZone}${inUtc(instant)}`
  const lines = [`${reference}: partner ${partner}, ${titles[kind]}${week === undefined ? '' : `, week ${week}`}`]
  if (kind === 'window' && from !== undefined && to !== undefined) {
    lines.push(`  from ${local(from)}`, `  to   ${local(to)}`)
    lines.push(now < from ? '  It is still to come.' : now < to ? '  It is open now.' : '  It is over: logins get in.')
  }
  if (kind === 'nudge' && from !== undefined)
    lines.push(`  on ${utcText(from).slice(0, 10)} (UTC), one login of each user; the next one gets in`)
  lines.push(
    `  The password was right. ${partner === 'default' ? 'The user is of no partner.' : `The partner is in phase ${phaseNow} now.`}`,
  )
  const way = [publicSftp && `${publicSftp.host}:${publicSftp.port}`, link, contact].filter(
    (part) => part !== undefined,
  )
  if (way.length > 0) lines.push(`  Way out: ${way.join(' - ')}`)
  return `${lines.join('\n')}\n`
}

const titles = { window: 'a brownout', nudge: 'a nudge', retired: 'which is retired' } as const

function jsonOf({ from, to, ...found }: Explanation): object {
  return { ...found, ...(from !== undefined && { from: iso(from) }), ...(to !== undefined && { to: iso(to) }) }
}
