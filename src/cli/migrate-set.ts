import type { PartnerConfig } from '../config/config.ts'
import { type Phase, phases } from '../config/migration-config.ts'
import { suggest } from '../config/suggest.ts'
import { firstDay, phaseAt } from '../migration/phase.ts'
import { editPartner, editText } from './edit-partner.ts'
import { exit } from './exit.ts'
import { loadMoves, type Moves, migrationOf, partnerNamed } from './moves.ts'
import { type Io, parseOptionsAndWords, UsageError } from './verb.ts'

const settings = ['auto', ...phases] as const

export async function set(args: readonly string[], io: Io): Promise<number> {
  const { words, options } = parseOptionsAndWords(args, {
    config: { type: 'string' },
    'dry-run': { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  })
  const [name, written, ...more] = words
  if (name === undefined || written === undefined || more.length > 0)
    throw new UsageError('migrate set needs a partner and a phase')
  const setting = settings.find((each) => each === written)
  if (setting === undefined) throw new UsageError(`there is no phase "${written}"${suggest(written, settings)}`)
  const moves = await loadMoves(options.config, 'migrate set', io)
  const partner = partnerNamed(moves, name)
  const migration = migrationOf(partner)
  const before = phaseAt(migration, moves.calendar, moves.now)
  const after = phaseAt({ ...migration, phase: setting }, moves.calendar, moves.now)
  const dryRun = options['dry-run']
  const edit = { config: options.config ?? '', partner: name, key: 'phase', value: setting, dryRun }
  const edited = await editPartner(edit, io)
  const notes = notesOn(partner, moves, before, after, setting)
  if (options.json) {
    const told = { partner: name, ...edited, before, after, setting, written: !dryRun && edited.difference.length > 0 }
    io.stdout.write(`${JSON.stringify({ ...told, notes })}\n`)
  } else {
    io.stdout.write(`${editText(edited, dryRun)}Partner ${name}: ${before} -> ${after}\n`)
    for (const note of notes) io.stderr.write(`ftps-gateway: ${note}\n`)
  }
  return exit.ok
}

/** What whoever does this should know. */
function notesOn(
  { migration }: PartnerConfig,
  { calendar, now }: Moves,
  before: Phase,
  after: Phase,
  setting: Phase | 'auto',
): string[] {
  const notes: string[] = []
  if (after === 'legacy' && before !== 'legacy') {
    if (migration?.storage !== 'shared')
      notes.push('the old server has its own files: compare what would be missing there (storage is not "shared")')
  }
  if (migration?.hold && setting !== 'auto') notes.push('a phase that is named counts whatever the hold says')
  const begins = migration && firstDay(migration, 'brownout', calendar)
  if (setting === 'brownout' && begins !== undefined && begins * 86_400_000 > now)
    notes.push('its windows begin with timeline.brownout, which has not come yet')
  return notes
}
