import { type Plan, planOf } from '../migration/plan.ts'
import { exit } from './exit.ts'
import { loadMoves, type Moves, moverFor, partnerNamed } from './moves.ts'
import { columns, durationText, iso, localText } from './times.ts'
import { type Io, parseOptionsAndWord, UsageError } from './verb.ts'

export async function plan(args: readonly string[], io: Io): Promise<number> {
  const { word, options } = parseOptionsAndWord(args, {
    config: { type: 'string' },
    all: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  })
  if ((word === undefined) !== options.all) throw new UsageError('migrate plan needs a partner, or --all')
  const moves = await loadMoves(options.config, 'migrate plan', io)
  const partners = word === undefined ? moves.config.partners : [partnerNamed(moves, word)]
  const plans: Plan[] = []
  for (const partner of partners) {
    const plan = await planOf(await moverFor(partner, moves), moves.calendar, moves.recorded, moves.now)
    if (plan !== undefined) plans.push(plan)
  }
  if (options.json) io.stdout.write(`${JSON.stringify({ plans: plans.map(jsonOf) })}\n`)
  else if (plans.length === 0) io.stdout.write('No brownouts are planned.\n')
  else io.stdout.write(plans.map((each) => textOf(each, moves)).join('\n'))
  return exit.ok
}

function textOf(plan: Plan, { calendar, config }: Moves): string {
  const { partner, mode, begins, recorded, retryAfterMs, windows } = plan
  const zone = config.migration.timeZone
  const since = begins === undefined ? 'no date for brownouts' : `brownouts from ${localText(begins, calendar)} ${zone}`
  const logins = recorded === 0 ? 'no logins are recorded' : `${recorded} logins are recorded of the 60 days before`
  const retry = retryAfterMs === undefined ? '' : `, its clients try again ${retryText(retryAfterMs)}`
  const head = `${partner}: ${since}; ${logins}${retry}\n`
  if (mode === 'nudge') return `${head}One login of each user is refused now and then; there are no windows.\n`
  if (windows.length === 0) return `${head}No windows are left.\n`
  const verb = mode === 'slow' ? 'would have slowed' : 'would have refused'
  const rows = windows.map(({ week, from, to, reference, wouldRefuse }) => [
    `  week ${week}`,
    localText(from, calendar),
    durationText(to - from),
    reference,
    recorded === 0 ? '' : `${verb} ${wouldRefuse.length} of ${recorded}${wouldRefuse.length === 0 ? ': useless' : ''}`,
  ])
  return head + columns(rows)
}

function retryText(ms: number): string {
  return ms < 60_000 ? 'within a minute' : `after ${durationText(ms)}`
}

function jsonOf({ begins, windows, ...plan }: Plan): object {
  return {
    ...plan,
    begins: begins === undefined ? null : iso(begins),
    windows: windows.map(({ from, to, wouldRefuse, ...window }) => ({
      ...window,
      from: iso(from),
      to: iso(to),
      wouldRefuse: wouldRefuse.map(iso),
    })),
  }
}
