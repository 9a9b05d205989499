/** A time zone: how far its clocks are ahead of UTC at a time in seconds since 1970, in seconds. */
export type Zone = (seconds: number) => number

export const utc: Zone = () => 0

/** Whether Node knows the zone by this name. */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z][\w+/-]*$/.test(name)) return false
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}

const zones = new Map<string, Zone>()

/** The zone of that name, which `isTimeZone` knows. What it has found out is kept for the life of the process. */
export function zoneOf(name: string): Zone {
  const known = zones.get(name)
  if (known !== undefined) return known
  const made = name === 'UTC' ? utc : remembered(offsets(name))
  zones.set(name, made)
  return made
}

const day = 24 * 3600
/** Clocks change at full quarters of an hour of UTC, everywhere since 1972. */
const quarter = 900
/** Of one zone: more than a century of days. */
const knownMax = 50_000

/**
 * Asks for two times a day, and for every quarter of an hour on the few days when the clocks change: a question costs more
 * than all the rest of a line.
 */
function remembered(offsetAt: Zone): Zone {
  const days = new Map<number, number | 'changes'>()
  const quarters = new Map<number, number>()
  return (seconds) => {
    const ofDay = known(days, Math.floor(seconds / day), (number) => {
      const first = offsetAt(number * day)
      return offsetAt((number + 1) * day - 1) === first ? first : 'changes'
    })
    if (ofDay !== 'changes') return ofDay
    return known(quarters, Math.floor(seconds / quarter), (number) => offsetAt(number * quarter))
  }
}

function known<V>(values: Map<number, V>, key: number, find: (key: number) => V): V {
  const found = values.get(key)
  if (found !== undefined) return found
  if (values.size >= knownMax) values.clear()
  const value = find(key)
  values.set(key, value)
  return value
}

function offsets(name: string): Zone {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: name,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  return (seconds) => {
    const [month = 0, date = 0, year = 0, hour = 0, minute = 0, second = 0] = format
      .format(seconds * 1000)
      .split(/\D+/)
      .map(Number)
    return Date.UTC(year, month - 1, date, hour, minute, second) / 1000 - Math.floor(seconds)
  }
}
