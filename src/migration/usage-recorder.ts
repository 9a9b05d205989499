import { toText } from '../ftp/bytes.ts'
import type { Event } from '../observe/observer.ts'
import { dayAt, keyOf, type Row } from './rows.ts'
import { type Owner, SessionWatch } from './session-watch.ts'
import { Tally } from './tally.ts'
import { bounded, joined, noUsage, type Usage } from './usage.ts'

/** Users of a partner that have records of their own; those that come later share one. */
const usersMax = 100
/** Whoever is not named in the configuration, and those that are too many. */
export const anybody = '*'

/**
 * Makes records of what the gateway tells its observer: `take` has what has come since it was last called, `rows` all that
 * is known. Sessions that nobody logs in to leave no record, but for the refusal.
 */
export class UsageRecorder {
  readonly #now: () => number
  readonly #known = new Map<string, Row>()
  readonly #users = new Map<string, Set<string>>()
  readonly #sessions = new Map<string, SessionWatch>()
  readonly #open = new Map<string, number>()
  /** The newest times of each partner, so that nobody has to add up all days to know them. */
  readonly #newest = new Map<string, Usage['highest']>()
  #untold = new Map<string, Row>()

  constructor(now: () => number, rows: Iterable<Row> = []) {
    this.#now = now
    for (const row of rows) {
      this.#known.set(keyOf(row), row)
      this.#usersOf(row.partner).add(row.user)
      this.#noteNewest(row)
    }
  }

  /** For the observer; never throws. */
  see(event: Event): void {
    switch (event.kind) {
      case 'sessionOpened':
        this.#sessions.set(event.session, new SessionWatch(event, this.#now))
        return
      case 'login':
        this.#login(event)
        return
      case 'sessionClosed':
        this.#sessions.get(event.session)?.closed(event)
        this.#leave(event.session)
        this.#sessions.delete(event.session)
        return
      case 'tls':
        this.#sessions.get(event.session)?.tls(event)
        return
      case 'command':
        this.#sessions.get(event.session)?.command(event)
        return
      case 'dataConnection':
        this.#sessions.get(event.session)?.dataConnection(event)
        return
      case 'transfer':
        this.#sessions.get(event.session)?.transfer(event)
        return
    }
  }

  #login(event: Extract<Event, { kind: 'login' }>): void {
    const watch = this.#sessions.get(event.session)
    if (event.outcome === 'ok') {
      this.#leave(event.session)
      watch?.loggedIn(event)
      this.#enter(event.partner, watch)
      return
    }
    const tally = new Tally()
    tally.count('total', event.outcome === 'bad_password' ? 'refused' : event.outcome)
    // Until they have logged in, names of users are whatever strangers try, or passwords in the wrong place.
    const user = toText(event.user)
    const known = this.#users.get(event.partner)?.has(user) === true
    this.#add({ partner: event.partner, user: known ? user : anybody }, tally.take())
  }

  #enter(partner: string, watch: SessionWatch | undefined): void {
    const open = (this.#open.get(partner) ?? 0) + 1
    this.#open.set(partner, open)
    watch?.tally.raise('sessions', open)
  }

  /** The login of a session is over: another one begins, or none. */
  #leave(session: string): void {
    const watch = this.#sessions.get(session)
    if (!watch?.owner) return
    this.#open.set(watch.owner.partner, (this.#open.get(watch.owner.partner) ?? 1) - 1)
    this.#add(watch.owner, watch.tally.take())
  }

  #add({ partner, user }: Owner, usage: Usage): void {
    const users = this.#usersOf(partner)
    const shown = users.has(user) || users.size < usersMax ? user : anybody
    users.add(shown)
    const key = { day: dayAt(this.#now()), partner, user: shown }
    const known = this.#known.get(keyOf(key))
    const change = { ...key, usage: bounded(known?.usage ?? noUsage, usage) }
    this.#known.set(keyOf(key), sumOfRows(known, change))
    this.#untold.set(keyOf(key), sumOfRows(this.#untold.get(keyOf(key)), change))
    this.#noteNewest(change)
  }

  #noteNewest({ partner, usage }: Row): void {
    const { highest } = joined({ ...noUsage, highest: this.#newest.get(partner) ?? {} }, usage)
    this.#newest.set(partner, highest)
  }

  /** The newest times of a partner, as far as `take` has them. */
  newestOf(partner: string): Usage['highest'] {
    return this.#newest.get(partner) ?? {}
  }

  #usersOf(partner: string): Set<string> {
    const users = this.#users.get(partner) ?? new Set<string>()
    this.#users.set(partner, users)
    return users
  }

  /** What has come since the last time, of open sessions too. */
  take(): readonly Row[] {
    for (const { owner, tally } of this.#sessions.values()) {
      if (owner && !tally.empty) this.#add(owner, tally.take())
    }
    const untold = [...this.#untold.values()]
    this.#untold = new Map()
    return untold
  }

  /** What was taken could not be kept: it will be in the next `take` again. */
  giveBack(rows: readonly Row[]): void {
    for (const row of rows) this.#untold.set(keyOf(row), sumOfRows(this.#untold.get(keyOf(row)), row))
  }

  /** Everything since a day; what is older is forgotten. */
  rows(since: string): readonly Row[] {
    for (const [key, { day }] of this.#known) if (day < since) this.#known.delete(key)
    return [...this.#known.values()]
  }
}

function sumOfRows(known: Row | undefined, change: Row): Row {
  return known ? { ...known, usage: joined(known.usage, change.usage) } : change
}
