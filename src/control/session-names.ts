import { type ByteString, fromBuffer, toBuffer } from '../ftp/bytes.ts'
import { isAscii } from '../ftp/charset.ts'
import { type NameSettings, type Translation, translationOf } from '../ftp/name-translation.ts'
import type { Observer } from '../observe/observer.ts'

/** A client that lists the same directory all day long is reported so often, each time with all that it was shown. */
const reportEveryMs = 60_000

export interface NamesParts {
  readonly session: string
  /** Of clients of whose partner nothing is known yet. */
  readonly settings: NameSettings
  readonly observer: Observer
  /** Milliseconds. */
  readonly now?: () => number
}

/**
 * How one session writes names. What comes in is understood here before any command parses it, and what goes out is put
 * into the client's charset here after the last command has seen it; in between names are UTF-8, or bytes as they are where
 * nothing is to be translated.
 */
export class SessionNames {
  readonly #session: string
  readonly #observer: Observer
  readonly #now: () => number
  #settings: NameSettings
  #partner = 'default'
  #loggedIn = false
  /** OPTS UTF8 ON was said. */
  #utf8 = false
  #translation: Translation | undefined
  #unreported: { names: number; path: ByteString } | undefined
  #reportedAt = Number.NEGATIVE_INFINITY

  constructor({ session, settings, observer, now = () => performance.now() }: NamesParts) {
    this.#session = session
    this.#settings = settings
    this.#observer = observer
    this.#now = now
  }

  /** From here on there are names. */
  logIn(partner: string, settings: NameSettings): void {
    this.#partner = partner
    this.#settings = settings
    this.#loggedIn = true
    this.#choose()
  }

  /** REIN: the next login may be another partner's. */
  logOut(settings: NameSettings): void {
    this.#partner = 'default'
    this.#settings = settings
    this.#loggedIn = false
    this.forget()
  }

  /** OPTS UTF8: the client writes UTF-8, or again what it is known for; false where nothing else is known. */
  useUtf8(on: boolean): boolean {
    if (!on && this.#settings.charset === 'utf-8') return false
    this.#utf8 = on
    this.#choose()
    return true
  }

  /** Whether the client has said OPTS UTF8 ON. */
  get saysUtf8(): boolean {
    return this.#utf8
  }

  /** What was said in the clear counts no more. */
  forget(): void {
    this.#utf8 = false
  }

  /** Whether there is anything to translate, unless the client writes UTF-8. */
  get mayTranslate(): boolean {
    return translationOf(this.#settings) !== undefined
  }

  get translation(): Translation | undefined {
    return this.#translation
  }

  /** The argument of a command; undefined when it means nothing in the client's charset. */
  understood(argument: ByteString): ByteString | undefined {
    return this.#translation === undefined ? argument : this.#translation.fromClient(argument)
  }

  /** Lines of a reply. */
  shown(lines: ByteString): ByteString {
    if (this.#translation === undefined) return lines
    const { bytes, lost } = this.#show(lines, this.#translation)
    if (lost > 0) this.#report(lost, '')
    return bytes
  }

  /** A listing on its way to the client, in chunks that are cut between lines. */
  shownListing(content: AsyncIterable<Buffer>, path: ByteString): AsyncIterable<Buffer> {
    const translation = this.#translation
    return translation === undefined ? content : this.#translated(content, path, translation)
  }

  /** The end of the session: what was not told yet. */
  close(): void {
    this.#tell()
  }

  #choose(): void {
    if (!this.#loggedIn) return
    this.#translation = translationOf(this.#utf8 ? { ...this.#settings, charset: 'utf-8' } : this.#settings)
  }

  async *#translated(content: AsyncIterable<Buffer>, path: ByteString, translation: Translation) {
    let lost = 0
    try {
      for await (const chunk of content) {
        const shown = this.#show(fromBuffer(chunk), translation)
        lost += shown.lost
        yield toBuffer(shown.bytes)
      }
    } finally {
      if (lost > 0) this.#report(lost, path)
    }
  }

  /** As the client sees it, and in how many lines it cannot see everything. */
  #show(lines: ByteString, translation: Translation): { readonly bytes: ByteString; readonly lost: number } {
    if (isAscii(lines)) return { bytes: lines, lost: 0 }
    const shown = lines.split('\n').map((line) => translation.toClient(line))
    return {
      bytes: shown.map(({ bytes }) => bytes).join('\n'),
      lost: shown.filter(({ complete }) => !complete).length,
    }
  }

  #report(names: number, path: ByteString): void {
    this.#unreported = { names: (this.#unreported?.names ?? 0) + names, path }
    if (this.#now() - this.#reportedAt >= reportEveryMs) this.#tell()
  }

  #tell(): void {
    if (this.#unreported === undefined) return
    const { names, path } = this.#unreported
    this.#unreported = undefined
    this.#reportedAt = this.#now()
    const charset = this.#translation?.charset ?? this.#settings.charset
    this.#observer({ kind: 'namesLost', session: this.#session, partner: this.#partner, charset, names, path })
  }
}
