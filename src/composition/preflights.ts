import { BackendError } from '../backend/backend.ts'
import type { PreflightReport } from '../backend/sftp/preflight-report.ts'
import { parsePrivateKey } from '../backend/sftp/private-key.ts'
import type { SftpBackend } from '../backend/sftp/sftp-backend.ts'
import type { BackendConfig, Config } from '../config/config.ts'
import { fromText } from '../ftp/bytes.ts'
import type { Observer } from '../observe/observer.ts'
import { credentialsOf } from '../partners/held-credentials.ts'
import type { Backends } from './backends.ts'
import { messageOf } from './start-error.ts'

/**
 * Tries backends out with the partner's account that each names, at start and after a change of it, and says what it finds
 * before a partner finds it. Nobody waits for that: a backend that is slow, or away, does not keep the gateway from working.
 */
export class Preflights {
  readonly #observer: Observer
  readonly #over = new AbortController()
  readonly #tried = new WeakSet<SftpBackend>()
  #running: Promise<unknown> = Promise.resolve()

  constructor(observer: Observer) {
    this.#observer = observer
  }

  /** Tries those that have not been tried. */
  run(config: Config, backends: Backends): void {
    for (const each of config.backends) {
      const backend = backends.get(each.name)?.backend
      if (each.preflight === undefined || !backend || this.#tried.has(backend)) continue
      this.#tried.add(backend)
      this.#running = Promise.all([this.#running, this.#try(config, each, backend)])
    }
  }

  /** What was made is removed before it ends. */
  async stop(): Promise<void> {
    this.#over.abort()
    await this.#running
  }

  async #try({ partners }: Config, { name, preflight }: BackendConfig, backend: SftpBackend): Promise<void> {
    const partner = partners.find((each) => each.name === preflight)
    if (!partner || partner.auth.mode === 'passthrough') return
    const about = { kind: 'preflight', backend: name, partner: partner.name } as const
    try {
      const { signal } = this.#over
      const report = await backend.preflight(credentialsOf(partner.auth, parsePrivateKey), {
        directory: (home) => (partner.root === undefined ? home : fromText(partner.root)),
        onEntered: () => {},
        onStep: () => {},
        signal,
      })
      if (report.outcome !== 'interrupted') this.#observer({ ...about, outcome: report.outcome, found: found(report) })
    } catch (error) {
      const outcome = error instanceof BackendError ? 'unavailable' : 'fails'
      this.#observer({ ...about, outcome, found: [messageOf(error)] })
    }
  }
}

/** What is not as it should be, in words. */
function found({ steps }: PreflightReport): readonly string[] {
  const lacking = steps.filter(({ state }) => state === 'missing' || state === 'failed')
  return lacking.map(({ name, said, follows }) => `${name}: ${said}${follows === undefined ? '' : `; ${follows}`}`)
}
