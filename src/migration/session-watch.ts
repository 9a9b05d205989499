import { type ByteString, toText } from '../ftp/bytes.ts'
import type { Event, TransferEvent } from '../observe/observer.ts'
import { clientGuess } from './client-guess.ts'
import { countedAs, noteOf, productOf, scriptOf } from './command-names.ts'
import type { Row } from './rows.ts'
import { Tally } from './tally.ts'

type EventOf<K extends Event['kind']> = Extract<Event, { kind: K }>

/** Whose record something belongs in. */
export type Owner = Omit<Row, 'usage' | 'day'>

/** Commands by which a client is known, and of these the ones that are written down. */
const notesMax = 40
const openingLength = 12
/** Answers that say: this is not to be had here. */
const impossible: ReadonlySet<number> = new Set([500, 502, 504])
/** How clients ask for data connections. */
const ways: ReadonlySet<string> = new Set(['PASV', 'EPSV', 'PORT', 'EPRT'])

/** What one session has done that is in no record yet. */
export class SessionWatch {
  readonly #now: () => number
  readonly #openedAt: number
  readonly #listener: string
  readonly #address: string
  readonly #tally = new Tally()
  readonly #notes: string[] = []
  #clnt: string | undefined
  #ascii = true
  #compressed = false
  /** No TLS was ever seen on its control connection. */
  #plain = true
  #owner: Owner | undefined

  constructor({ listener, address }: EventOf<'sessionOpened'>, now: () => number) {
    this.#listener = listener
    this.#address = address
    this.#now = now
    this.#openedAt = now()
  }

  /** Who has logged in; before that nobody has a record. */
  get owner(): Owner | undefined {
    return this.#owner
  }

  get tally(): Tally {
    return this.#tally
  }

  loggedIn({ partner, user }: EventOf<'login'>): void {
    this.#owner = { partner, user: toText(user) }
    const now = this.#now()
    this.#tally.login(now)
    this.#tally.raise('lastSeen', now)
    this.#tally.count('listener', this.#listener)
    this.#tally.count('address', this.#address)
  }

  tls({ channel, outcome, version = 'unknown', cipher = 'unknown', reused }: EventOf<'tls'>): void {
    if (outcome === 'failed') {
      this.#tally.count('failure', `tls on the ${channel} connection`)
      return
    }
    this.#tally.count(channel, `${version} ${cipher}`)
    if (channel === 'control') this.#plain = false
    else this.#tally.count('reuse', reused ? 'reused' : 'fresh')
  }

  command({ verb, known, argument, code }: EventOf<'command'>): void {
    const counted = countedAs(verb, known, argument)
    this.#tally.count('command', counted)
    this.#tally.raise('lastSeen', this.#now())
    if (impossible.has(code)) this.#tally.count('impossible', counted)
    if (this.#notes.length < notesMax) this.#notes.push(noteOf(verb, known, argument))
    if (code < 200 || code > 299) return
    if (verb === 'CLNT') this.#clnt = productOf(argument)
    if (verb === 'TYPE') this.#ascii = /^a/i.test(argument)
    if (verb === 'MODE') this.#compressed = /^z/i.test(argument)
    if (verb === 'REIN') this.#startOver()
    if (verb === 'PROT') this.#tally.count('prot', /^p/i.test(argument) ? 'P' : 'C')
    if (ways.has(verb)) this.#tally.count('way', verb)
  }

  #startOver(): void {
    this.#ascii = true
    this.#compressed = false
  }

  dataConnection({ outcome }: EventOf<'dataConnection'>): void {
    if (outcome !== 'ok' && outcome !== 'closed') this.#tally.count('failure', `data connection: ${outcome}`)
  }

  transfer(transfer: TransferEvent): void {
    const { direction, outcome, bytes, tls } = transfer
    const tally = this.#tally
    if (tls === undefined && bytes > 0) tally.count('data', 'none')
    if (outcome !== 'ok') tally.count('failure', outcome)
    else if (direction === 'listing') tally.count('total', 'listings')
    else this.#file(transfer)
  }

  #file({ direction, bytes, path }: TransferEvent): void {
    const [tally, now] = [this.#tally, this.#now()]
    const [files, sum, last] =
      direction === 'upload'
        ? (['uploads', 'uploadBytes', 'lastUpload'] as const)
        : (['downloads', 'downloadBytes', 'lastDownload'] as const)
    tally.count('total', files)
    tally.count('total', sum, bytes)
    tally.raise(last, now)
    tally.raise('lastSeen', now)
    tally.raise('largest', bytes)
    tally.count('names', scriptOf(baseOf(path)))
    if (this.#ascii) tally.count('total', 'ascii')
    if (this.#compressed) tally.count('total', 'modeZ')
  }

  closed({ seconds }: EventOf<'sessionClosed'>): void {
    const tally = this.#tally
    tally.raise('longest', Math.max(seconds, (this.#now() - this.#openedAt) / 1000))
    if (!this.#owner) return
    tally.count('client', clientGuess({ clnt: this.#clnt, commands: this.#notes }))
    if (this.#clnt !== undefined) tally.count('clnt', this.#clnt)
    tally.count('opening', this.#notes.slice(0, openingLength).join(' '))
    if (this.#plain) tally.count('control', 'none')
  }
}

function baseOf(path: ByteString): ByteString {
  return path.slice(path.lastIndexOf('/') + 1)
}
