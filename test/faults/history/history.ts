/** What a client tried, and what it was told. */
export interface Attempt {
  readonly id: number
  readonly client: string
  readonly what:
    | { readonly op: 'store'; readonly path: string; readonly content: Content }
    /** APPE, or STOR behind REST: `content` is what the file is afterwards, `before` what it must have been. */
    | { readonly op: 'extend'; readonly path: string; readonly content: Content; readonly before: Content }
    | { readonly op: 'retrieve'; readonly path: string; readonly received: Content | undefined }
    | { readonly op: 'rename'; readonly path: string; readonly to: string }
    | { readonly op: 'delete'; readonly path: string }
  /** In words, how far an upload went and how it ended, for whoever reads the evidence. */
  readonly how?: string
  /** done: 2yz; refused: 4yz or 5yz; unknown: the control connection was gone before there was an answer. */
  readonly outcome: 'done' | 'refused' | 'unknown'
  readonly code: number | undefined
  /** Milliseconds since the start of the run. */
  readonly startedAt: number
  readonly endedAt: number
}

/** Bytes by their name: SHA-256 in hex, and how many. */
export interface Content {
  readonly sha256: string
  readonly size: number
}

/** A file's content, or its absence. */
export type State = string
export const absent: State = 'absent'

/** What is wrong with a history, one sentence each. */
export type Violations = string[]

/** So long what was not answered may still happen: no fault lasts longer, and no gateway or backend tries for longer. */
export const pendingMs = 180_000

/**
 * What each path may hold after a history, as far as its clients can know: one state after a definite answer, several
 * after none. Only one client uses a path, and one attempt at a time, so an order is given. What was not answered may still
 * happen later, even behind what was answered meanwhile: an upload whose client hung up is committed when the backend is
 * ready for it, and a backend that comes to itself carries out what it was sent.
 */
export class Expectation {
  readonly #states = new Map<string, Set<State>>()
  /** With the time from which each cannot happen any more: it has by then, or never will. */
  readonly #pending = new Map<string, Map<State, number>>()
  /** Every content that was ever meant to be whole; anything else under a final name is a part or a mixture. */
  readonly #whole = new Set<State>([absent])
  readonly violations: Violations = []

  statesOf(path: string): ReadonlySet<State> {
    const settled = this.#states.get(path) ?? [absent]
    return new Set([...settled, ...(this.#pending.get(path)?.keys() ?? [])])
  }

  /** A content that is on its way, and may be found under a final name from now on. */
  announce({ sha256 }: Content): void {
    this.#whole.add(sha256)
  }

  take(attempt: Attempt): void {
    const { what, outcome, endedAt } = attempt
    for (const path of what.op === 'rename' ? [what.path, what.to] : [what.path]) this.#settle(path, endedAt)
    const before = this.statesOf(what.path)
    switch (what.op) {
      case 'store':
      case 'extend':
        this.announce(what.content)
        if (outcome === 'done') this.#set(what.path, [what.content.sha256])
        else if (outcome === 'unknown') this.#expect(what.path, [what.content.sha256], endedAt)
        return
      case 'retrieve':
        this.#takeRetrieve(attempt, what.path, what.received, before)
        return
      case 'rename':
        if (outcome === 'refused') return
        this.#takeRename(attempt, what.path, what.to, before)
        return
      case 'delete':
        if (outcome === 'done') this.#set(what.path, [absent])
        else if (outcome === 'unknown') this.#expect(what.path, [absent], endedAt)
    }
  }

  /** I1: what is on the backend at the end, by path; paths that are not in it are absent. */
  takeEnd(found: ReadonlyMap<string, State>): void {
    for (const path of new Set([...this.#states.keys(), ...found.keys()])) {
      const state = found.get(path) ?? absent
      const allowed = this.statesOf(path)
      if (allowed.has(state)) continue
      this.violations.push(
        `I1: ${path} is ${short(state)} at the end, and can only be ${[...allowed].map(short).join(' or ')}`,
      )
    }
  }

  /** I2: what was seen under a final name at any time. */
  takeSight(path: string, state: State): void {
    if (!this.#whole.has(state))
      this.violations.push(`I2: ${path} was seen to be ${short(state)}, which is no whole file`)
  }

  #takeRetrieve(attempt: Attempt, path: string, received: Content | undefined, before: ReadonlySet<State>): void {
    if (attempt.outcome === 'done') {
      const state = received?.sha256 ?? absent
      // I7: a download that was answered with 226 is the file.
      if (!before.has(state)) {
        this.violations.push(
          `I7: attempt ${attempt.id} got ${short(state)} of ${path}, which can only be ${[...before].map(short).join(' or ')}`,
        )
      } else this.#set(path, [state])
    } else if (attempt.code === 550 && !before.has(absent)) {
      this.violations.push(`I1: attempt ${attempt.id} was told that ${path} is not there`)
    }
  }

  #takeRename(attempt: Attempt, from: string, to: string, before: ReadonlySet<State>): void {
    const moved = [...before].filter((state) => state !== absent)
    if (attempt.outcome === 'done') {
      if (moved.length === 0) this.violations.push(`I1: attempt ${attempt.id} renamed ${from}, which is not there`)
      this.#set(from, [absent])
      this.#set(to, moved)
    } else {
      this.#expect(from, [absent], attempt.endedAt)
      this.#expect(to, moved, attempt.endedAt)
    }
  }

  #set(path: string, states: Iterable<State>): void {
    this.#states.set(path, new Set(states))
  }

  #expect(path: string, states: Iterable<State>, now: number): void {
    const pending = this.#pending.get(path) ?? new Map<State, number>()
    for (const state of states) pending.set(state, now + pendingMs)
    this.#pending.set(path, pending)
  }

  /** What can no longer come has come, or has not: the next definite answer tells. */
  #settle(path: string, now: number): void {
    const pending = this.#pending.get(path) ?? new Map<State, number>()
    const over = [...pending].filter(([, until]) => until < now).map(([state]) => state)
    if (over.length === 0) return
    this.#set(path, [...(this.#states.get(path) ?? [absent]), ...over])
    for (const state of over) pending.delete(state)
  }
}

function short(state: State): string {
  return state.slice(0, 12)
}

/** I6: each attempt ends in time. */
export function late(attempts: readonly Attempt[], limitMs: number): Violations {
  return attempts
    .filter(({ startedAt, endedAt }) => endedAt - startedAt > limitMs)
    .map(
      ({ id, what, startedAt, endedAt }) => `I6: attempt ${id} (${what.op}) took ${Math.round(endedAt - startedAt)} ms`,
    )
}
