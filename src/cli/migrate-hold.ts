import { momentOf } from '../ftp/local-time.ts'
import { phaseAt } from '../migration/phase.ts'
import { editPartner, editText } from './edit-partner.ts'
import { exit } from './exit.ts'
import { loadMoves, migrationOf, partnerNamed } from './moves.ts'
import { localText } from './times.ts'
import { type Io, parseOptionsAndWord, UsageError } from './verb.ts'

export async function hold(args: readonly string[], io: Io): Promise<number> {
  const { word: name, options } = parseOptionsAndWord(args, {
    config: { type: 'string' },
    until: { type: 'string' },
    reason: { type: 'string' },
    end: { type: 'boolean', default: false },
    'dry-run': { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  })
  const { until, reason, end, 'dry-run': dryRun } = options
  if (name === undefined) throw new UsageError('migrate hold needs a partner')
  if (end && (until !== undefined || reason !== undefined)) throw new UsageError('--end takes no --until and --reason')
  if (!end && (until === undefined || reason === undefined))
    throw new UsageError('migrate hold needs --until TIME and --reason TEXT, or --end')
  const moves = await loadMoves(options.config, 'migrate hold', io)
  const migration = migrationOf(partnerNamed(moves, name))
  const ends = until === undefined ? undefined : momentOf(until, moves.calendar.zone)
  if (!end && (ends === undefined || ends <= moves.now))
    throw new UsageError(`--until takes a date or time to come, such as 2027-03-01 or 2027-03-01T12:00, not ${until}`)
  // Written out, so that the phase that is kept does not depend on when somebody touches the file.
  const since = new Date(Math.floor(moves.now / 1000) * 1000).toISOString()
  const value = end ? null : { reason: reason ?? '', since, until: until ?? '' }
  const edited = await editPartner({ config: options.config ?? '', partner: name, key: 'hold', value, dryRun }, io)
  const phase = phaseAt(migration, moves.calendar, moves.now)
  if (options.json) {
    const written = !dryRun && edited.difference.length > 0
    io.stdout.write(`${JSON.stringify({ partner: name, ...edited, phase, hold: value, written })}\n`)
    return exit.ok
  }
  const zone = moves.config.migration.timeZone
  const what =
    ends === undefined ? 'is held no more' : `stays ${phase} until ${localText(ends, moves.calendar)} ${zone}`
  io.stdout.write(`${editText(edited, dryRun)}Partner ${name} ${what}\n`)
  if (migration.phase !== 'auto' && !end)
    io.stderr.write(`ftps-gateway: its phase is named (${migration.phase}), so that the hold changes nothing\n`)
  return exit.ok
}
