import type { PartnerConfig } from '../config/config.ts'
import { type ByteString, fromText, toText } from '../ftp/bytes.ts'

/** Where the logins of a user name go; the names that logs and metrics show. */
export interface Route {
  /** `default` for user names of no partner. */
  readonly partner: string
  readonly backend: string
}

/** Who is whose user. A snapshot: a reload makes another one, and sessions keep what they started with. */
export interface PartnerDirectory {
  /** The partner that a user name, as the client sent it, belongs to. */
  find(username: ByteString): PartnerConfig | undefined
  routeOf(username: ByteString): Route
}

/** Users of no partner go to the default backend under their own name. */
export function createDirectory(partners: readonly PartnerConfig[], defaultBackend: string): PartnerDirectory {
  const byUser = new Map(partners.flatMap((partner) => partner.users.map((user) => [fromText(user), partner] as const)))
  const find = (username: ByteString) => byUser.get(onTheWire(username))
  return {
    find,
    routeOf(username) {
      const { name = 'default', backend = defaultBackend } = find(username) ?? {}
      return { partner: name, backend }
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
