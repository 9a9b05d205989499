import { BackendError, type FileSystem } from '../backend/backend.ts'

/** The backends of one login: the one that it is entered by, and those that some of its folders are on. */
export class LoginBackends {
  readonly #open: (backend: string) => Promise<FileSystem>
  readonly #others = new Map<string, Promise<FileSystem>>()
  #over = false

  /** `open` enters a backend as the login is entered. */
  constructor(open: (backend: string) => Promise<FileSystem>) {
    this.#open = open
  }

  /** Entered once, when it is needed first; throws BackendError. */
  async get(backend: string): Promise<FileSystem> {
    if (this.#over) throw new BackendError('unavailable', 'the login is over')
    const known = this.#others.get(backend)
    if (known !== undefined) return known
    const opening = this.#enter(backend)
    this.#others.set(backend, opening)
    // The next one who needs it tries again.
    opening.catch(() => this.#others.delete(backend))
    return opening
  }

  /** It was lost. */
  forget(backend: string): void {
    const lost = this.#others.get(backend)
    this.#others.delete(backend)
    void lost?.then((files) => files.close()).catch(() => {})
  }

  async close(): Promise<void> {
    this.#over = true
    for (const backend of [...this.#others.keys()]) this.forget(backend)
  }

  /** What the client gave was right for the backend of its login, so it is not to blame here. */
  async #enter(backend: string): Promise<FileSystem> {
    try {
      return await this.#open(backend)
    } catch (error) {
      if (!(error instanceof BackendError)) throw error
      const kind = error.kind === 'loginRefused' ? 'accessDenied' : error.kind === 'unavailable' ? 'away' : error.kind
      throw new BackendError(kind, error.message, { cause: error })
    }
  }
}
