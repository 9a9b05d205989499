import { isRecord } from './usage.ts'

/** Logins by SFTP of one user, past the gateway; milliseconds since 1970. */
export interface SftpLogin {
  readonly first: number
  readonly last: number
  /** Fingerprints of the newest keys. */
  readonly keys: readonly string[]
}

export type SftpLogins = ReadonlyMap<string, SftpLogin>

/** One login that a log tells of. */
export interface Accepted {
  readonly user: string
  readonly address: string
  readonly at: number
  readonly fingerprint: string
}

const keysMax = 5

/** What is known with what a log says; the same log twice changes nothing. */
export function withLogins(known: SftpLogins, accepted: Iterable<Accepted>): SftpLogins {
  const sum = new Map(known)
  for (const { user, at, fingerprint } of accepted) {
    const there = sum.get(user)
    const keys = [fingerprint, ...(there?.keys ?? [])].filter((key, i, all) => all.indexOf(key) === i)
    sum.set(user, {
      first: Math.min(there?.first ?? at, at),
      last: Math.max(there?.last ?? at, at),
      keys: keys.slice(0, keysMax),
    })
  }
  return sum
}

/** The logins of several users, as if they were one's. */
export function togetherOf(logins: SftpLogins, users: readonly string[]): SftpLogin | undefined {
  const found = users.flatMap((user) => logins.get(user) ?? [])
  if (found.length === 0) return undefined
  return {
    first: Math.min(...found.map(({ first }) => first)),
    last: Math.max(...found.map(({ last }) => last)),
    keys: found.flatMap(({ keys }) => keys),
  }
}

export function loginsText(logins: SftpLogins): string {
  return `${JSON.stringify(Object.fromEntries(logins), undefined, 1)}\n`
}

/** What is not of this form is left out. */
export function readLogins(text: string): SftpLogins {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return new Map()
  }
  const found = new Map<string, SftpLogin>()
  if (!isRecord(json)) return found
  for (const [user, login] of Object.entries(json)) {
    if (!isRecord(login)) continue
    const { first, last, keys } = login
    if (typeof first !== 'number' || typeof last !== 'number' || !Array.isArray(keys)) continue
    found.set(user, { first, last, keys: keys.filter((key) => typeof key === 'string') })
  }
  return found
}
