import type { ByteString } from './bytes.ts'
import { dayOf, timeOfDay } from './calendar.ts'
import type { ListedFile } from './list-line.ts'
import { hasLineBreak } from './pathname.ts'

/** The facts of MLST and MLSD (RFC 3659 section 7.5), as FEAT and OPTS MLST spell them. */
export const factNames: readonly string[] = [
  'type',
  'size',
  'modify',
  'perm',
  'UNIX.mode',
  'UNIX.uid',
  'UNIX.gid',
  'UNIX.ownername',
  'UNIX.groupname',
]

const lowerCaseNames = factNames.map((name) => [name, name.toLowerCase()] as const)

/** Facts that a session shows until OPTS MLST says otherwise; lower case. */
export const defaultFacts: ReadonlySet<string> = new Set(['type', 'size', 'modify', 'perm', 'unix.mode'])

/**
 * The facts of a file that `enabled` (lower case names) asks for and the server told, as `name=value;` each, without
 * the space and name that follow them. A symbolic link is passed only when it points nowhere; other links are shown as
 * what they point to, because many clients hide types that they do not know. The letters of `withheld` are not in `perm`.
 */
export function facts(file: ListedFile, enabled: ReadonlySet<string>, withheld = ''): ByteString {
  let text = ''
  for (const [name, lowerCase] of lowerCaseNames) {
    const value = enabled.has(lowerCase) ? factValue(name, file, withheld) : undefined
    if (value !== undefined) text += `${name}=${value};`
  }
  return text
}

function factValue(name: string, file: ListedFile, withheld: string): ByteString | undefined {
  switch (name) {
    case 'type':
      return typeFact(file)
    case 'size':
      return file.type === 'file' ? file.size?.toString() : undefined
    case 'modify':
      return file.modified === undefined ? undefined : formatTime(file.modified)
    case 'perm':
      return permFact(file, withheld)
    case 'UNIX.mode':
      return file.mode === undefined ? undefined : `0${file.mode.toString(8).padStart(3, '0')}`
    case 'UNIX.uid':
      return file.uid?.toString()
    case 'UNIX.gid':
      return file.gid?.toString()
    case 'UNIX.ownername':
      return wordOrNothing(file.owner)
    default:
      return wordOrNothing(file.group)
  }
}

function typeFact({ type, target }: ListedFile): ByteString {
  if (type === 'file') return 'file'
  if (type === 'directory') return 'dir'
  if (type === 'other') return 'OS.unix=other'
  const pointsTo = wordOrNothing(target)
  return pointsTo === undefined ? 'OS.unix=slink' : `OS.unix=slink:${pointsTo}`
}

/** A value may contain neither `;` nor blanks: the first blank of the line ends the facts. */
function wordOrNothing(value: ByteString | undefined): ByteString | undefined {
  return value === undefined || /^$|[\x00-\x20;\x7f]/.test(value) ? undefined : value
}

/**
 * What the client may do. Which of the three classes the login falls into is unknown, so a bit in any of them counts,
 * and renaming and deleting (the parent's right) always do: a client greys out what is missing, the server refuses
 * what is wrong.
 */
function permFact(file: ListedFile, withheld: string): string | undefined {
  const held = withheld + (file.readOnly ? changes : '')
  const letters = permissionsOf(file)
  return held === '' ? letters : letters?.replace(/./g, (letter) => (held.includes(letter) ? '' : letter))
}

/** The letters that change something. */
const changes = 'acdfmpw'

function permissionsOf({ type, mode }: ListedFile): string | undefined {
  if (mode === undefined || type === 'symlink' || type === 'other') return undefined
  const readable = (mode & 0o444) !== 0
  const writable = (mode & 0o222) !== 0
  if (type === 'file') return `${writable ? 'a' : ''}df${readable ? 'r' : ''}${writable ? 'w' : ''}`
  const enterable = (mode & 0o111) !== 0
  return `${writable ? 'c' : ''}d${enterable ? 'e' : ''}f${readable ? 'l' : ''}${writable ? 'mp' : ''}`
}

/** The facts as FEAT lists them, a `*` behind each one that is on. */
export function factsFeature(enabled: ReadonlySet<string>): string {
  return factNames.map((name) => `${name}${enabled.has(name.toLowerCase()) ? '*' : ''};`).join('')
}

/**
 * The argument of OPTS MLST: `type;size;`. Unknown facts are dropped. Undefined when it is no list of facts.
 * `text` is how the accepted ones are echoed.
 */
export function parseFactList(
  list: ByteString,
): { readonly enabled: ReadonlySet<string>; readonly text: string } | undefined {
  if (hasLineBreak(list) || !/^([\w.=-]+;)*([\w.=-]+)?$/.test(list)) return undefined
  const wanted = new Set(list.toLowerCase().split(';'))
  const accepted = factNames.filter((name) => wanted.has(name.toLowerCase()))
  return {
    enabled: new Set(accepted.map((name) => name.toLowerCase())),
    text: accepted.map((name) => `${name};`).join(''),
  }
}

/** A time in seconds since 1970 as YYYYMMDDHHMMSS in UTC; never with a fraction, which several clients cannot read. */
export function formatTime(seconds: number): string {
  return `${dayOf(seconds).compact}${timeOfDay(seconds, '', true)}`
}

/** SFTP version 3 carries times as unsigned 32-bit seconds. */
const timeMax = 0xffff_ffff

/**
 * Seconds since 1970 of YYYYMMDDHHMMSS, with or without a fraction, in UTC; undefined when that is no time or none
 * that a file can have. Also takes YYYYMMDDHHMM and YYYYMMDD, which the set form of MDTM allows.
 */
export function parseTime(text: string): number | undefined {
  const parts = /^(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(?:(\d\d)(?:\.\d+)?)?)?$/.exec(text)
  if (parts === null) return undefined
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts
    .slice(1)
    .map((part) => Number(part ?? 0))
  const date = new Date(Date.UTC(year, month - 1, day))
  if (date.getUTCFullYear() !== year || date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined
  // RFC 3659 section 2.3 allows second 60, a leap second.
  if (hour > 23 || minute > 59 || second > 60) return undefined
  const seconds = date.getTime() / 1000 + hour * 3600 + minute * 60 + second
  return seconds >= 0 && seconds <= timeMax ? seconds : undefined
}
