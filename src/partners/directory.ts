import type { PartnerConfig } from '../config/config.ts'
import { type ByteString, fromText, toText } from '../ftp/bytes.ts'
import { createMeetingPoint, type Place } from './meeting-point.ts'

/** Where the logins of a user name go; the names that logs and metrics show. */
export interface Route {
  /** `default` for user names of no partner. */
  readonly partner: string
  /** Or the old server, where logins are relayed. */
  readonly backend: string
}

/** Who wants to log in, and where they came in. */
export interface Caller extends Place {
  /** As the client sent it. */
  readonly username: ByteString
}

/** Whose login it is. */
export interface Found {
  /** Undefined for user names of no partner. */
  readonly partner: PartnerConfig | undefined
  /** Why the partner's user may not come in here, in words for the log; undefined when it may. */
  readonly elsewhere: string | undefined
  readonly route: Route
}

/** Who is whose user. A snapshot: a reload makes another one, and sessions keep what they started with. */
export interface PartnerDirectory {
  find(caller: Caller): Found
}

/**
 * A user name that a partner lists is that partner's, wherever it comes from: from elsewhere it is refused, and never
 * taken for somebody else's. Any other name is that of the partner without users whose networks or listeners fit best.
 * What is left goes to the default backend under its own name.
 */
export function createDirectory(partners: readonly PartnerConfig[], defaultBackend: string): PartnerDirectory {
  const byUser = new Map(partners.flatMap((partner) => partner.users.map((user) => [fromText(user), partner] as const)))
  const meetingPoint = createMeetingPoint(partners)
  return {
    find(caller) {
      const named = byUser.get(onTheWire(caller.username))
      const partner = named ?? meetingPoint.bestWithoutUsers(caller)
      const { name = 'default', backend = defaultBackend } = partner ?? {}
      const elsewhere = named && meetingPoint.elsewhere(named, caller)
      return { partner, elsewhere, route: { partner: name, backend } }
    },
  }
}

/**
 * The bytes that a backend would be given for a name: SSH has UTF-8 (RFC 4252 section 5). A client with Latin-1 that
 * sends the same name in other bytes must not slip past its partner to the default backend.
 */
function onTheWire(username: ByteString): ByteString {
  return fromText(toText(username))
}
