/** A day in UTC as listings write it; `compact` is YYYYMMDD. */
export interface Day {
  readonly monthAndDay: string
  readonly year: string
  readonly compact: string
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const secondsOfDay = 24 * 3600
/** Node's Date ends with the year 275760; listings end with the year 9999. */
export const lastSecond = Date.UTC(9999, 11, 31, 23, 59, 59) / 1000

/**
 * Days that were asked for: the files of a directory are of few, and Date costs more than all the rest of their lines.
 */
const days = new Map<number, Day>()
const daysMax = 4096

/** The day that a time belongs to, in seconds since 1970; fractions and times beyond the years 1970 to 9999 are cut. */
export function dayOf(seconds: number): Day {
  const number = Math.floor(within(seconds) / secondsOfDay)
  const known = days.get(number)
  if (known !== undefined) return known
  const date = new Date(number * secondsOfDay * 1000)
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), twoDigits(date.getUTCDate())]
  const made = {
    monthAndDay: `${months[month]} ${day}`,
    year: String(year),
    compact: `${year}${twoDigits(month + 1)}${day}`,
  }
  if (days.size >= daysMax) days.clear()
  days.set(number, made)
  return made
}

/** Hours, minutes and seconds of the day, two digits each, with `mark` between them. */
export function timeOfDay(seconds: number, mark: '' | ':', withSeconds: boolean): string {
  const second = Math.floor(within(seconds)) % secondsOfDay
  const text = `${twoDigits(Math.floor(second / 3600))}${mark}${twoDigits(Math.floor(second / 60) % 60)}`
  return withSeconds ? `${text}${mark}${twoDigits(second % 60)}` : text
}

function within(seconds: number): number {
  return Math.min(Math.max(seconds, 0), lastSecond)
}

function twoDigits(value: number): string {
  return value < 10 ? `0${value}` : String(value)
}
