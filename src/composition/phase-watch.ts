import type { Config } from '../config/config.ts'
import type { PartnerMigration, Phase } from '../config/migration-config.ts'
import { afterFreezes, type Calendar, calendarOf } from '../migration/calendar.ts'
import { nextChange, phaseAt } from '../migration/phase.ts'
import type { AuditLog } from '../observe/audit-log.ts'
import type { PhaseCause } from '../observe/migration-events.ts'
import type { Observer } from '../observe/observer.ts'
import { readPhases, writePhases } from './known-phases.ts'

/** A timer for longer would not notice that the machine slept, or that its clock was put right. */
const lookMs = 60_000

export interface PhaseWatchParts {
  readonly observer: Observer
  readonly audit: AuditLog
  readonly now: () => number
  /** Where phases are kept from one start to the next. */
  readonly directory: string | undefined
}

interface Watched {
  readonly wave: number | undefined
  readonly migration: PartnerMigration | undefined
}

/**
 * Tells of every partner in which phase it is, and when that changes. Logins do not wait for it: they ask the timeline
 * themselves.
 */
export class PhaseWatch {
  readonly #parts: PhaseWatchParts
  #partners = new Map<string, Watched>()
  #calendar: Calendar | undefined
  readonly #current = new Map<string, string>()
  #timer: NodeJS.Timeout | undefined
  #looked: number
  #saving: Promise<void> = Promise.resolve()

  constructor(parts: PhaseWatchParts) {
    this.#parts = parts
    this.#looked = parts.now()
  }

  /** Takes over the partners of a configuration. */
  async start(config: Config): Promise<void> {
    const known = await readPhases(this.#parts.directory)
    this.#take(config)
    for (const [name, watched] of this.#partners) this.#tell(name, watched, known.get(name), 'start')
    this.#done(
      known.size !== this.#current.size || [...known].some(([name, phase]) => this.#current.get(name) !== phase),
    )
  }

  /** Another configuration has come. */
  reload(config: Config): void {
    const before = this.#partners
    this.#take(config)
    let changed = false
    for (const name of before.keys()) {
      if (this.#partners.has(name)) continue
      this.#change(name, undefined, this.#current.get(name), undefined, 'reload')
      this.#current.delete(name)
      changed = true
    }
    for (const [name, watched] of this.#partners) {
      const known = this.#current.get(name)
      const told = known === undefined || before.get(name)?.wave !== watched.wave || this.#phaseOf(watched) !== known
      if (told) this.#tell(name, watched, known, 'reload')
      changed ||= told
    }
    this.#done(changed)
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    await this.#saving
    await this.#parts.audit.flush()
  }

  #take(config: Config): void {
    this.#calendar = calendarOf(config.migration)
    this.#parts.audit.file = config.logging.audit
    const entries = config.partners.map(({ name, migration }) => [name, { wave: migration?.wave, migration }] as const)
    this.#partners = new Map([['default', { wave: undefined, migration: always(config.defaults.phase) }], ...entries])
  }

  #phaseOf({ migration }: Watched): Phase {
    if (migration === undefined || this.#calendar === undefined) return 'gateway'
    return phaseAt(migration, this.#calendar, this.#parts.now())
  }

  #look(): void {
    let changed = false
    for (const [name, watched] of this.#partners) {
      const before = this.#current.get(name)
      if (this.#phaseOf(watched) === before) continue
      this.#tell(name, watched, before, this.#causeOf(watched))
      changed = true
    }
    this.#done(changed)
  }

  /** Whether a hold has begun or ended since the last look, or a date has come. */
  #causeOf({ migration }: Watched): PhaseCause {
    const { hold } = migration ?? {}
    if (hold === undefined || this.#calendar === undefined) return 'timeline'
    const now = this.#parts.now()
    const edges = [hold.since, afterFreezes(hold.until, this.#calendar)]
    return edges.some((edge) => this.#looked < edge && edge <= now) ? 'hold' : 'timeline'
  }

  #tell(name: string, watched: Watched, before: string | undefined, cause: PhaseCause): void {
    const phase = this.#phaseOf(watched)
    this.#current.set(name, phase)
    this.#change(name, watched.wave, before, phase, cause)
  }

  #change(
    name: string,
    wave: number | undefined,
    before: string | undefined,
    after: string | undefined,
    cause: PhaseCause,
  ) {
    const { observer, audit, now } = this.#parts
    observer({
      kind: 'phase',
      partner: name,
      cause,
      ...(wave !== undefined && { wave }),
      ...(before !== undefined && { before }),
      ...(after !== undefined && { phase: after }),
    })
    const known = before !== undefined || cause === 'reload'
    if (known && before !== after) audit.write({ time: new Date(now()), partner: name, before, after, cause })
  }

  /** Saves what has changed, and looks again when the next change is due. */
  #done(changed: boolean): void {
    const { now, directory, observer } = this.#parts
    this.#looked = now()
    if (changed) {
      const phases = new Map(this.#current)
      this.#saving = this.#saving
        .then(() => writePhases(directory, phases))
        .catch((error: Error) => {
          const message = `the phases of partners cannot be kept in the state directory: ${error.message}`
          observer({ kind: 'warning', topic: 'phases', message })
        })
    }
    this.#wait(this.#due())
  }

  #wait(due: number | undefined): void {
    clearTimeout(this.#timer)
    if (due === undefined) return
    const { now } = this.#parts
    const wait = Math.min(Math.max(due - now(), 1), lookMs)
    this.#timer = setTimeout(() => (now() < due ? this.#wait(due) : this.#look()), wait)
    // Nothing is lost when the process ends before.
    this.#timer.unref()
  }

  #due(): number | undefined {
    let due: number | undefined
    for (const { migration } of this.#partners.values()) {
      const next = migration && this.#calendar && nextChange(migration, this.#calendar, this.#parts.now())
      if (next !== undefined && (due === undefined || next < due)) due = next
    }
    return due
  }
}

function always(phase: Phase): PartnerMigration {
  return { phase, timeline: {}, hold: undefined, brownout: undefined }
}
