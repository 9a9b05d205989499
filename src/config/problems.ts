import { keyIn, type Path, positionOf, type Source } from './source.ts'

/** One fault of the configuration; line and column count from 1. */
export interface Problem {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly key: string
  readonly message: string
}

/** Every fault of all configuration files at once; prints one line per fault. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly Problem[]
  constructor(problems: readonly Problem[]) {
    super(problems.map(line).join('\n'))
    this.problems = problems
  }
  override toString(): string {
    return this.message
  }
}

function line(problem: Problem): string {
  return `${problem.file}:${problem.line}:${problem.column} ${problem.key}: ${problem.message}`
}

/**
 * Collects faults while everything else is still being checked. A key has one fault, the first: what is found about it
 * later (missing, unreadable) only follows from that.
 */
export class Problems {
  readonly #found = new Map<string, Problem>()

  /** Notes what is wrong with a key; the place is that of its value, or of the nearest value around a missing key. */
  add(source: Source, path: Path, message: string): void {
    this.addAt({ file: source.file, ...positionOf(source, path), key: keyIn(source, path), message })
  }

  addAt(problem: Problem): void {
    const id = `${problem.file}\n${problem.key}`
    if (!this.#found.has(id)) this.#found.set(id, problem)
  }

  /** Whether something is already known to be wrong with this very key. */
  has(source: Source, path: Path): boolean {
    return this.#found.has(`${source.file}\n${keyIn(source, path)}`)
  }

  get none(): boolean {
    return this.#found.size === 0
  }

  /** Throws what was found, if anything was. */
  throwIfAny(): void {
    if (!this.none) throw this.error()
  }

  /** All faults in the order of files and lines. */
  error(): ConfigError {
    return new ConfigError([...this.#found.values()].sort(byPlace))
  }
}

function byPlace(a: Problem, b: Problem): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1
  return a.line - b.line || a.column - b.column
}
