import type { PartnerConfig } from '../config/config.ts'
import { readPause } from '../migration/pause-file.ts'
import { nextChange, phaseAt } from '../migration/phase.ts'
import { windowsOf } from '../migration/windows.ts'
import { exit } from './exit.ts'
import { loadMoves, type Moves, migrationOf, moverFor } from './moves.ts'
import { columns, iso, localText } from './times.ts'
import { type Io, parseOptions } from './verb.ts'

/** The next window is looked for so far ahead. */
const aheadMs = 5 * 7 * 86_400_000

export async function status(args: readonly string[], io: Io): Promise<number> {
  const options = parseOptions(args, { config: { type: 'string' }, json: { type: 'boolean', default: false } })
  const moves = await loadMoves(options.config, 'migrate status', io)
  const { directory } = moves.config.state
  const pause = directory === undefined ? undefined : await readPause(directory)
  const pausedUntil = pause && pause.until > moves.now ? pause.until : undefined
  const rows = await Promise.all(moves.config.partners.map((partner) => rowOf(partner, moves)))
  if (options.json) {
    const until = pausedUntil === Number.POSITIVE_INFINITY ? null : pausedUntil && iso(pausedUntil)
    const paused = pausedUntil === undefined ? { paused: false } : { paused: true, until }
    io.stdout.write(`${JSON.stringify({ ...paused, partners: rows })}\n`)
    return exit.ok
  }
  if (pausedUntil !== undefined) {
    const end = pausedUntil === Number.POSITIVE_INFINITY ? 'it is ended' : localText(pausedUntil, moves.calendar)
    io.stdout.write(`Brownouts are paused until ${end}.\n`)
  }
  io.stdout.write(rows.length === 0 ? 'There are no partners.\n' : tableOf(rows, moves))
  return exit.ok
}

interface Row {
  readonly partner: string
  readonly title?: string | undefined
  readonly wave?: number | undefined
  readonly owner?: object | undefined
  readonly storage?: string | undefined
  readonly phase: string
  readonly pinned: boolean
  readonly next: { readonly phase: string; readonly at: string } | null
  readonly hold: { readonly reason: string; readonly until: string } | null
  readonly window: { readonly from: string; readonly to: string } | null
}

async function rowOf(partner: PartnerConfig, moves: Moves): Promise<Row> {
  const { calendar, now } = moves
  const migration = migrationOf(partner)
  const { title, wave, owner, storage, hold } = migration
  const at = nextChange(migration, calendar, now)
  const held = hold !== undefined && hold.until > now
  const [window] = windowsOf(await moverFor(partner, moves), calendar, now, now + aheadMs)
  const windowed = migration.brownout?.mode !== 'nudge' && window !== undefined
  return {
    partner: partner.name,
    title,
    wave,
    owner,
    storage,
    phase: phaseAt(migration, calendar, now),
    pinned: migration.phase !== 'auto',
    next: at === undefined ? null : { phase: phaseAt(migration, calendar, at), at: iso(at) },
    hold: held ? { reason: hold.reason, until: iso(hold.until) } : null,
    window: windowed ? { from: iso(window.from), to: iso(window.to) } : null,
  }
}

function tableOf(rows: readonly Row[], { calendar, now }: Moves): string {
  const head = ['PARTNER', 'WAVE', 'PHASE', 'NEXT', 'BROWNOUT', 'NOTE']
  const local = (text: string) => localText(Date.parse(text), calendar)
  const cells = rows.map(({ partner, wave, phase, pinned, next, hold, window, title, owner }) => {
    const open = window !== null && Date.parse(window.from) <= now
    return [
      partner,
      wave === undefined ? '-' : String(wave),
      pinned ? `${phase} (pinned)` : phase,
      next === null ? '-' : `${next.phase} ${local(next.at)}`,
      window === null ? '-' : open ? `now, until ${local(window.to)}` : local(window.from),
      [hold && `held until ${local(hold.until)}: ${hold.reason}`, title, ownerText(owner)].filter(Boolean).join('; '),
    ]
  })
  return columns([head, ...cells])
}

function ownerText(owner: object | undefined): string {
  return Object.values(owner ?? {})
    .filter((value) => typeof value === 'string')
    .join(', ')
}
