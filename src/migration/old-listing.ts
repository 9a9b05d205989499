import type { ByteString } from '../ftp/bytes.ts'
import { parseTime } from '../ftp/facts.ts'
import type { SideEntry } from './side.ts'

/** Entries of an MLSD listing (RFC 3659 section 7); lines that are none are left out. */
export function fromMlsd(listing: ByteString): readonly SideEntry[] {
  return listing.split(/\r?\n/).flatMap((line) => {
    const space = line.indexOf(' ')
    if (space < 1) return []
    const [facts, name] = [line.slice(0, space), line.slice(space + 1)]
    const values = new Map(
      facts.split(';').map((fact) => [fact.split('=', 1)[0]?.toLowerCase(), fact.slice(fact.indexOf('=') + 1)]),
    )
    const kind = values.get('type')?.toLowerCase() ?? ''
    if (kind === 'cdir' || kind === 'pdir' || name === '.' || name === '..') return []
    const type = kind === 'file' ? 'file' : kind === 'dir' ? 'directory' : 'other'
    const size = type === 'file' && /^\d+$/.test(values.get('size') ?? '') ? Number(values.get('size')) : undefined
    const modified = parseTime((values.get('modify') ?? '').replace(/\.\d+$/, ''))
    return [{ name, type, size, modified, ...(kind.startsWith('os.unix=s') && { linked: true }) }]
  })
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
/** Rights, links, owner and group (which some servers leave out), size, time, and after one space the name. */
const unix =
  /^([-bcdlps])[-rwxsStT]{9}[.+@]? +\d+ +(?:\S+ +){1,2}?(\d+) ([A-Z][a-z]{2}) +(\d{1,2}) +(\d{4}|\d{1,2}:\d\d) (.*)$/
const dos = /^(\d\d)-(\d\d)-(\d{2}|\d{4}) +(\d\d):(\d\d)([AP]M)? +(<DIR>|\d+) (.*)$/

/** Entries of a LIST listing, as Unix servers or IIS write it; lines that are none are left out. */
export function fromList(listing: ByteString, now: number): readonly SideEntry[] {
  return listing.split(/\r?\n/).flatMap((line) => {
    const entry = fromUnix(line, now) ?? fromDos(line)
    return entry === undefined || entry.name === '.' || entry.name === '..' ? [] : [entry]
  })
}

function fromUnix(line: string, now: number): SideEntry | undefined {
  const [, kind = '', size = '', month = '', day = '', when = '', shown = ''] = unix.exec(line) ?? []
  if (kind === '') return undefined
  const name = kind === 'l' ? (shown.split(' -> ', 1)[0] ?? '') : shown
  const type = kind === '-' ? 'file' : kind === 'd' ? 'directory' : 'other'
  const modified = when.includes(':') ? recent(months.indexOf(month), Number(day), when, now) : undefined
  return {
    name,
    type,
    size: type === 'file' ? Number(size) : undefined,
    modified,
    ...(kind === 'l' && { linked: true }),
  }
}

/** A time without its year is within the last half year or a little ahead. */
function recent(month: number, day: number, when: string, now: number): number {
  const [hour, minute] = when.split(':').map(Number)
  const inYear = (year: number) => Date.UTC(year, month, day, hour, minute) / 1000
  const year = new Date(now).getUTCFullYear()
  return inYear(year) > now / 1000 + 86_400 ? inYear(year - 1) : inYear(year)
}

function fromDos(line: string): SideEntry | undefined {
  const [, month, day, year = '', hour, minute, half, size, name] = dos.exec(line) ?? []
  if (name === undefined) return undefined
  const full = year.length === 4 ? Number(year) : 2000 + Number(year)
  const hours = half === undefined ? Number(hour) : (Number(hour) % 12) + (half === 'PM' ? 12 : 0)
  const folder = size === '<DIR>'
  return {
    name: name.trimStart(),
    type: folder ? 'directory' : 'file',
    size: folder ? undefined : Number(size),
    modified: Date.UTC(full, Number(month) - 1, Number(day), hours, Number(minute)) / 1000,
  }
}
