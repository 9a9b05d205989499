import { dayNumber, momentOf } from '../ftp/local-time.ts'
import { utc } from '../ftp/time-zone.ts'
import type { Kind } from './kinds.ts'
import type { WeeklyTime } from './migration-config.ts'

/** A day in the zone of `migration.timezone`, as it is written. */
export const date: Kind<string> = {
  expects: 'a date such as 2027-03-01',
  read: (text) => (dayNumber(text) === undefined ? undefined : text),
}

/** As it is written: what it means depends on `migration.timezone`. */
export const moment: Kind<string> = {
  expects: 'a date such as 2027-03-01, or a time such as 2027-03-01T12:00 (local) or 2027-03-01T12:00Z',
  read: (text) => (momentOf(text, utc) === undefined ? undefined : text),
}

const weekdays = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']

export const weeklyTime: Kind<WeeklyTime> = {
  expects: 'a time of the week such as "Tue 10:00", or of any day such as "10:00"',
  read(text) {
    const [, weekday, hours, minutes] = /^(?:([A-Z][a-z]{2}) )?([01]\d|2[0-3]):([0-5]\d)$/.exec(text) ?? []
    const number = weekday === undefined ? undefined : weekdays.indexOf(weekday)
    if (hours === undefined || number === -1) return undefined
    return { weekday: number, minute: Number(hours) * 60 + Number(minutes) }
  },
}

export function spellWeeklyTime({ weekday, minute }: WeeklyTime): string {
  const [hours, minutes] = [Math.floor(minute / 60), minute % 60].map((part) => String(part).padStart(2, '0'))
  return `${weekday === undefined ? '' : `${weekdays[weekday]} `}${hours}:${minutes}`
}

/** So long that a reference has room beside it in a line of a reply. */
const saidMax = 52

/** Clients are told so, in replies that are ASCII and have short lines. */
export const link: Kind<string> = {
  expects: `a link such as https://example.com/sftp, ASCII, at most ${saidMax} characters`,
  read: (text) => (/^https?:\/\/[\x21-\x7e]+$/.test(text) && text.length <= saidMax ? text : undefined),
}

export const contact: Kind<string> = {
  expects: `an address or a telephone number in ASCII, at most ${saidMax} characters`,
  read: (text) => (/^[\x20-\x7e]+$/.test(text) && text.length <= saidMax ? text : undefined),
}

/** For people. */
export const words: Kind<string> = {
  expects: 'one line of text, not empty, at most 200 characters',
  read: (text) => (/^[^\u0000-\u001f\u007f\u2028\u2029]{1,200}$/.test(text) ? text : undefined),
}
