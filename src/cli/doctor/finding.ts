/** What became of one check. */
export interface Finding {
  /** The part that was looked at, such as `ports` or `backend main`. */
  readonly part: string
  readonly verdict: 'ok' | 'warn' | 'fail'
  readonly said: string
  /** What to do next. */
  readonly todo?: string
  /** A backend or port that is not there, which has an exit code of its own. */
  readonly unavailable?: true
}

/** Makes the findings of one part. */
export function findingsOf(part: string) {
  return {
    ok: (said: string): Finding => ({ part, verdict: 'ok', said }),
    warn: (said: string, todo: string): Finding => ({ part, verdict: 'warn', said, todo }),
    fail: (said: string, todo: string): Finding => ({ part, verdict: 'fail', said, todo }),
    unavailable: (said: string, todo: string): Finding => ({ part, verdict: 'fail', said, todo, unavailable: true }),
  }
}

/** A line, and another one for what to do. */
export function findingText({ part, verdict, said, todo }: Finding): string {
  const next = todo === undefined ? '' : `${' '.repeat(8)}${sentence(todo)}.\n`
  return `${verdict.padEnd(6)}  ${part}: ${said}\n${next}`
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
