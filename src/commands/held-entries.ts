import type { Entry, EntryType } from '../backend/backend.ts'
import type { ByteString } from '../ftp/bytes.ts'

const types: readonly EntryType[] = ['file', 'directory', 'symlink', 'other']
/** The numbers of one entry, by place. */
const field = { type: 0, size: 1, modified: 2, mode: 3, uid: 4, gid: 5, links: 6, owner: 7, group: 8 } as const
const fields = 9
const blockLength = 512

/**
 * Entries that wait to be sorted, as names and blocks of numbers. Objects would outlive the collector's young generation,
 * twenty thousand at a time, and stay as garbage until it cleans up the old one.
 */
export class HeldEntries {
  readonly #names: ByteString[] = []
  readonly #blocks: Float64Array[] = []
  /** Owners and groups: a directory has few, and every entry comes with copies of its own. */
  readonly #words: ByteString[] = []
  readonly #wordNumbers = new Map<ByteString, number>()
  readonly #targets = new Map<number, ByteString>()
  readonly #specials = new Map<number, NonNullable<Entry['special']>>()

  get length(): number {
    return this.#names.length
  }

  add(entry: Entry): void {
    const i = this.#names.push(entry.name) - 1
    if (i % blockLength === 0) this.#blocks.push(new Float64Array(blockLength * fields))
    const block = this.#blocks.at(-1)
    const numbers = [
      types.indexOf(entry.type),
      entry.size,
      entry.modified,
      entry.mode,
      entry.uid,
      entry.gid,
      entry.links,
      this.#wordNumber(entry.owner),
      this.#wordNumber(entry.group),
    ]
    // An undefined number becomes NaN, which no number here is.
    for (const [place, value] of numbers.entries())
      if (block) block[(i % blockLength) * fields + place] = value ?? Number.NaN
    if (entry.target !== undefined) this.#targets.set(i, entry.target)
    if (entry.special !== undefined) this.#specials.set(i, entry.special)
  }

  at(i: number): Entry {
    const target = this.#targets.get(i)
    const special = this.#specials.get(i)
    return {
      name: this.nameAt(i),
      type: types[this.numberAt(i, 'type') ?? 0] ?? 'other',
      size: this.numberAt(i, 'size'),
      modified: this.numberAt(i, 'modified'),
      mode: this.numberAt(i, 'mode'),
      uid: this.numberAt(i, 'uid'),
      gid: this.numberAt(i, 'gid'),
      owner: this.#wordAt(i, 'owner'),
      group: this.#wordAt(i, 'group'),
      links: this.numberAt(i, 'links'),
      ...(target !== undefined && { target }),
      ...(special !== undefined && { special }),
    }
  }

  nameAt(i: number): ByteString {
    return this.#names[i] ?? ''
  }

  numberAt(i: number, name: keyof typeof field): number | undefined {
    const value = this.#blocks[Math.floor(i / blockLength)]?.[(i % blockLength) * fields + field[name]]
    return value === undefined || Number.isNaN(value) ? undefined : value
  }

  #wordNumber(word: ByteString | undefined): number | undefined {
    if (word === undefined) return undefined
    const known = this.#wordNumbers.get(word)
    if (known !== undefined) return known
    this.#wordNumbers.set(word, this.#words.length)
    return this.#words.push(word) - 1
  }

  #wordAt(i: number, name: 'owner' | 'group'): ByteString | undefined {
    const number = this.numberAt(i, name)
    return number === undefined ? undefined : this.#words[number]
  }
}
