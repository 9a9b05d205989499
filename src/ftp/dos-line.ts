import type { ByteString } from './bytes.ts'
import { dayOf, lastSecond, timeOfDay } from './calendar.ts'
import { type ListedFile, lineSafe, typeMark } from './list-line.ts'
import { type ListOptions, noListOptions } from './list-options.ts'
import { utc, type Zone } from './time-zone.ts'

/**
 * One line of LIST as IIS and Windows' DIR write it, without its CRLF: `11-22-26  04:01PM       <DIR>          incoming`.
 * Links have no form here: pass what they point to.
 */
export function dosLine(file: ListedFile, options: ListOptions = noListOptions, zone: Zone = utc): ByteString {
  const modified = Math.min(Math.max(file.modified ?? 0, 0), lastSecond)
  const seconds = modified + zone(modified)
  const size = file.type === 'directory' ? '<DIR>'.padStart(12).padEnd(21) : String(file.size ?? 0).padStart(21)
  return `${date(seconds)}  ${time(seconds)}${size} ${lineSafe(file.name)}${typeMark(file, options.classify)}`
}

/** MM-DD-YY */
function date(seconds: number): string {
  const { compact } = dayOf(seconds)
  return `${compact.slice(4, 6)}-${compact.slice(6)}-${compact.slice(2, 4)}`
}

/** hh:mmAM; the hour after midnight and the one after noon are 12. */
function time(seconds: number): string {
  const [hours = '', minutes = ''] = timeOfDay(seconds, ':', false).split(':')
  const hour = Number(hours) % 12 || 12
  return `${String(hour).padStart(2, '0')}:${minutes}${Number(hours) < 12 ? 'AM' : 'PM'}`
}
