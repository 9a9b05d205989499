import type { ByteString } from './bytes.ts'

/** What `ls` letters in front of a LIST or NLST path ask for; letters without meaning here are ignored. */
export interface ListOptions {
  /** `-a`: show `.` and `..` too. */
  readonly all: boolean
  /** `-a`, `-A`: names with a leading dot also where they are hidden. */
  readonly hidden: boolean
  /** `-R`: also what is in the directories; only where the configuration allows it. */
  readonly recursive: boolean
  /** `-l`: makes NLST answer with long lines. */
  readonly long: boolean
  /** `-d`: the directory itself, not what is in it. */
  readonly itself: boolean
  /** `-L`: what links point to, in place of the links. */
  readonly dereference: boolean
  /** `-n`: numbers in place of owner and group names. */
  readonly numeric: boolean
  /** `-p`: `/` after directories; `-F`: also `@` after links and `*` after programs. */
  readonly classify: 'none' | 'slash' | 'all'
  /** `-t` (also `-c`, `-u`), `-S`, `-U`; `none` is the server's order. */
  readonly sort: 'name' | 'time' | 'size' | 'none'
  /** `-r` */
  readonly reverse: boolean
}

export const noListOptions: ListOptions = {
  all: false,
  hidden: false,
  recursive: false,
  long: false,
  itself: false,
  dereference: false,
  numeric: false,
  classify: 'none',
  sort: 'name',
  reverse: false,
}

/** The argument of LIST, NLST or STAT. */
export interface ListArgument {
  readonly options: ListOptions
  /** The path after the options; undefined for the working directory. May contain spaces. */
  readonly path: ByteString | undefined
  /** The whole argument when it began with `-`: it might be the name of a file after all. */
  readonly literal: ByteString | undefined
}

/**
 * Splits `-la -t path with spaces`. Options are one or more words that start with `-`; `--` ends them. They are no part
 * of RFC 959, but scripts and programs send what they would give to `ls`, and a wrong letter must not be an error.
 */
export function parseListArgument(text: ByteString): ListArgument {
  let rest = text
  let letters = ''
  for (;;) {
    const word = /^ *(-[^ /]+)(?: |$)/.exec(rest)
    if (word?.[1] === undefined) break
    rest = rest.slice(word[0].length)
    if (word[1] === '--') break
    if (!word[1].startsWith('--')) letters += word[1].slice(1)
  }
  const path = /^ *$/.test(rest) ? undefined : rest
  return { options: optionsOf(letters), path, literal: text.startsWith('-') ? text : undefined }
}

function optionsOf(letters: string): ListOptions {
  const has = (letter: string) => letters.includes(letter)
  return {
    all: has('a'),
    hidden: has('a') || has('A'),
    recursive: has('R'),
    long: has('l'),
    itself: has('d'),
    dereference: has('L'),
    numeric: has('n'),
    classify: has('F') ? 'all' : has('p') ? 'slash' : 'none',
    sort: has('U') ? 'none' : has('S') ? 'size' : /[tcu]/.test(letters) ? 'time' : 'name',
    reverse: has('r'),
  }
}
