import type { Config } from '../config/config.ts'
import { createGate, type Gate } from '../migration/gate.ts'
import { Nudges } from '../migration/nudges.ts'
import { PauseFile } from '../migration/pause-file.ts'
import { nothingRecorded, type RecordedLogins } from '../migration/recorded-logins.ts'
import { AuditLog } from '../observe/audit-log.ts'
import type { Observer } from '../observe/observer.ts'
import { PhaseWatch } from './phase-watch.ts'

/** What outlives a reload of the partners' moves: nudges, the pause, and in which phase everybody was. */
export class Migration {
  readonly #now: () => number
  readonly #recorded: RecordedLogins
  readonly #nudges = new Nudges()
  readonly #pause: PauseFile
  readonly #watch: PhaseWatch

  constructor(config: Config, observer: Observer, now: () => number, recorded: RecordedLogins = nothingRecorded) {
    const { directory } = config.state
    this.#now = now
    this.#recorded = recorded
    this.#pause = new PauseFile(directory, (message) => observer({ kind: 'warning', topic: 'pause', message }))
    const audit = new AuditLog(config.logging.audit, observer)
    this.#watch = new PhaseWatch({ observer, audit, now, directory })
  }

  /** For the logins of one configuration. */
  gate({ migration, defaults }: Config): Gate {
    return createGate({
      migration,
      defaultPhase: defaults.phase,
      recorded: this.#recorded,
      nudges: this.#nudges,
      pausedUntil: () => this.#pause.until(),
      now: this.#now,
      sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    })
  }

  async start(config: Config): Promise<void> {
    await this.#watch.start(config)
  }
  reload(config: Config): void {
    this.#watch.reload(config)
  }
  async stop(): Promise<void> {
    await this.#watch.stop()
  }
}
