import type { Config } from '../config/config.ts'
import { createGate, type Gate, type Standing } from '../migration/gate.ts'
import { readJournals } from '../migration/journal.ts'
import { Nudges } from '../migration/nudges.ts'
import { PauseFile } from '../migration/pause-file.ts'
import { JournalLogins, nothingRecorded, type RecordedLogins } from '../migration/recorded-logins.ts'
import { AuditLog } from '../observe/audit-log.ts'
import type { Observer } from '../observe/observer.ts'
import { PauseWatch } from './pause-watch.ts'
import { PhaseWatch } from './phase-watch.ts'

/** What the journal knows of logins; `keeps`: as the gateway, which is the one that writes. */
export function recordedLogins(
  { state }: Config,
  now: () => number,
  keeps: boolean,
  warn: (message: string) => void,
): RecordedLogins {
  const { directory } = state
  if (directory === undefined) return nothingRecorded
  return new JournalLogins({ directory, now, keeps, warn, readRows: (from, since) => readJournals(from, { since }) })
}

/** What outlives a reload of the partners' moves: nudges, the pause, and in which phase everybody was. */
export class Migration {
  readonly #now: () => number
  readonly #recorded: RecordedLogins
  readonly #nudges = new Nudges()
  readonly #pause: PauseFile
  readonly #pauseWatch: PauseWatch
  readonly #watch: PhaseWatch
  #inForce: Gate | undefined

  constructor(config: Config, observer: Observer, now: () => number) {
    const { directory } = config.state
    const warn = (topic: string) => (message: string) => observer({ kind: 'warning', topic, message })
    this.#now = now
    this.#recorded = recordedLogins(config, now, true, warn('journal'))
    this.#pause = new PauseFile(directory, warn('pause'))
    const audit = new AuditLog(config.logging.audit, observer)
    this.#pauseWatch = new PauseWatch({ file: this.#pause, observer, audit, now })
    this.#watch = new PhaseWatch({ observer, audit, now, directory })
  }

  /** For the logins of one configuration. */
  gate({ migration, defaults, partners }: Config): Gate {
    return createGate({
      migration,
      defaultPhase: defaults.phase,
      partners,
      recorded: this.#recorded,
      nudges: this.#nudges,
      pausedUntil: () => this.#pause.until(),
      now: this.#now,
      sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    })
  }

  /** How the partners of the configuration in force stand. */
  async standings(): Promise<readonly Standing[]> {
    return this.#inForce?.standings() ?? []
  }

  async start(config: Config): Promise<void> {
    this.#inForce = this.gate(config)
    await this.#watch.start(config)
    await this.#pauseWatch.start()
  }
  reload(config: Config): void {
    this.#inForce = this.gate(config)
    this.#watch.reload(config)
  }
  async stop(): Promise<void> {
    await this.#pauseWatch.stop()
    await this.#watch.stop()
  }
}
