import type { Accepted } from './sftp-logins.ts'
import { isRecord } from './usage.ts'

/** `Accepted publickey for acme from 203.0.113.9 port 50412 ssh2: ED25519 SHA256:…`, as OpenSSH has written it since 6.8. */
const sentence = /^Accepted publickey for (\S{1,255}) from (\S{1,64}) port \d+ ssh2: \S+ (SHA256:[A-Za-z0-9+/]{43})/

/** The first brackets of the line are the daemon's own: user names that look like a message do not get this far. */
const header = /^[^[\]]*\bsshd(?:-session)?\[\d+\]: /

/**
 * Logins by key that a line of auth.log or of `journalctl -o json` tells of. Old syslog times have no year and no zone:
 * the year is the one in which they are not in the future, the zone is that of this process.
 */
export function acceptedIn(line: string, now: number): Accepted | undefined {
  const json = line.startsWith('{') ? parsed(line) : undefined
  const message = isRecord(json) ? json['MESSAGE'] : header.test(line) ? line.replace(header, '') : ''
  const [, user, address, fingerprint] = sentence.exec(typeof message === 'string' ? message : '') ?? []
  if (user === undefined || address === undefined || fingerprint === undefined) return undefined
  const at = isRecord(json) ? microseconds(json['__REALTIME_TIMESTAMP']) : timeOf(line, now)
  return at === undefined ? undefined : { user, address, at, fingerprint }
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

function microseconds(value: unknown): number | undefined {
  return typeof value === 'string' && /^\d{16}$/.test(value) ? Number(value) / 1000 : undefined
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

function timeOf(line: string, now: number): number | undefined {
  const [iso] = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?/.exec(line) ?? []
  if (iso !== undefined) return Date.parse(iso.replace(/([+-]\d\d)(\d\d)$/, '$1:$2'))
  const [, name = '', day, hour, minute, second] = /^([A-Z][a-z]{2}) +(\d{1,2}) (\d\d):(\d\d):(\d\d) /.exec(line) ?? []
  const month = months.indexOf(name)
  if (month < 0) return undefined
  const inYear = (year: number) =>
    new Date(year, month, Number(day), Number(hour), Number(minute), Number(second)).getTime()
  const year = new Date(now).getFullYear()
  // A day of grace, for clocks that differ.
  return inYear(year) > now + 86_400_000 ? inYear(year - 1) : inYear(year)
}
