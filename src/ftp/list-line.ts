import type { ByteString } from './bytes.ts'
import { dayOf, lastSecond, timeOfDay } from './calendar.ts'
import { type ListOptions, noListOptions } from './list-options.ts'
import { utc, type Zone } from './time-zone.ts'

/** What a line shows of a file; the storage contract's Entry fits. Undefined is what the server did not say. */
export interface ListedFile {
  readonly name: ByteString
  readonly type: 'file' | 'directory' | 'symlink' | 'other'
  /** Bytes. */
  readonly size: number | undefined
  /** Seconds since 1970, UTC. */
  readonly modified: number | undefined
  /** Permission bits, 0 to 0o7777. */
  readonly mode: number | undefined
  readonly uid: number | undefined
  readonly gid: number | undefined
  readonly owner: ByteString | undefined
  readonly group: ByteString | undefined
  readonly links: number | undefined
  /** The first letter of the line for `other`: a device, a pipe or a socket. */
  readonly special?: 'b' | 'c' | 'p' | 's'
  readonly target?: ByteString
  /** Nothing about it can be changed here, whatever its mode says. */
  readonly readOnly?: true
}

/** What lines look like for all of a session. */
export interface LineLook {
  /** Of dates. */
  readonly zone: Zone
  /** `ftp` in place of owners and groups. */
  readonly hideIds: boolean
}

const usualLook: LineLook = { zone: utc, hideIds: false }

/**
 * One line of LIST, without its CRLF, in the form of `ls -l` that the parsers of FileZilla, Commons Net, wget and
 * others agree on. `now` is in seconds since 1970.
 */
export function listLine(
  file: ListedFile,
  now: number,
  options: ListOptions = noListOptions,
  { zone, hideIds }: LineLook = usualLook,
): ByteString {
  const links = String(file.links ?? (file.type === 'directory' ? 2 : 1)).padStart(3)
  const owner = hideIds ? hidden : account(options.numeric ? undefined : file.owner, file.uid).padEnd(8)
  const group = hideIds ? hidden : account(options.numeric ? undefined : file.group, file.gid).padEnd(8)
  const size = String(file.size ?? (file.type === 'directory' ? 4096 : 0)).padStart(12)
  return `${permissions(file)} ${links} ${owner} ${group} ${size} ${date(file.modified, now, zone)} ${shownName(file, options)}`
}

const typeLetters = { file: '-', directory: 'd', symlink: 'l', other: '-' } as const
const defaultModes = { file: 0o644, directory: 0o755, symlink: 0o777, other: 0o644 } as const

/** There are few in a listing, and no more than 4096 for each type. */
const permissionTexts: Record<ListedFile['type'], string[]> = { file: [], directory: [], symlink: [], other: [] }

function permissions({ type, special, mode = defaultModes[type] }: ListedFile): string {
  if (special !== undefined) return `${special}${permissionText(type, mode).slice(1)}`
  const texts = permissionTexts[type]
  const text = texts[mode] ?? permissionText(type, mode)
  if (mode <= 0o7777) texts[mode] = text
  return text
}

function permissionText(type: ListedFile['type'], mode: number): string {
  const triple = (shift: number, special: number, letter: string) => {
    const bits = mode >> shift
    const execute = bits & 1 ? 'x' : '-'
    const last = mode & special ? (bits & 1 ? letter : letter.toUpperCase()) : execute
    return `${bits & 4 ? 'r' : '-'}${bits & 2 ? 'w' : '-'}${last}`
  }
  return `${typeLetters[type]}${triple(6, 0o4000, 's')}${triple(3, 0o2000, 's')}${triple(0, 0o1000, 't')}`
}

const accountLengthMax = 32
const hidden = 'ftp'.padEnd(8)

/** Blanks in a name (`Domain Users`) would shift the columns for every parser. */
function account(name: ByteString | undefined, id: number | undefined): ByteString {
  if (name !== undefined && name !== '') return name.slice(0, accountLengthMax).replace(/[\x00-\x20\x7f]/g, '_')
  return id === undefined ? 'ftp' : String(id)
}

const recentSeconds = 180 * 24 * 3600
/** Clocks differ; a file that is this much younger than now is still of today. */
const aheadSeconds = 60

/** The time of day for the last 180 days; else the year, also for the future, which a client would take for last year. */
function date(modified: number | undefined, now: number, zone: Zone): string {
  const seconds = Math.min(Math.max(modified ?? 0, 0), lastSecond)
  const local = seconds + zone(seconds)
  const { monthAndDay, year } = dayOf(local)
  const recent = seconds > now - recentSeconds && seconds <= now + aheadSeconds
  return recent ? `${monthAndDay} ${timeOfDay(local, ':', false)}` : `${monthAndDay}  ${year}`
}

function shownName(file: ListedFile, { classify }: ListOptions): ByteString {
  const name = lineSafe(file.name)
  // `ls -lF` marks what the link points to; here the arrow tells enough, and parsers cut the line at it.
  if (file.target !== undefined) return `${name} -> ${lineSafe(file.target)}`
  return `${name}${typeMark(file, classify)}`
}

/** The name with `?` for what would end its line; LIST shows such a file, though nobody can ask for it. */
export function lineSafe(name: ByteString): ByteString {
  return name.replace(/[\r\n\0]/g, '?')
}

/** What `-p` and `-F` put behind a name. */
export function typeMark({ type, mode = 0 }: ListedFile, classify: ListOptions['classify']): '' | '/' | '@' | '*' {
  if (classify === 'none') return ''
  if (type === 'directory') return '/'
  if (classify === 'slash') return ''
  if (type === 'symlink') return '@'
  return mode & 0o111 ? '*' : ''
}
