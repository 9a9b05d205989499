import { parseNetwork } from '../ftp/ip-network.ts'
import type { ListenerConfig, PartnerConfig } from './config.ts'
import type { Problems } from './problems.ts'
import { place } from './references.ts'
import type { partnerSchema } from './schema.ts'
import type { Path, Source } from './source.ts'
import { suggest } from './suggest.ts'
import type { Values } from './table.ts'

type PartnerValues = Values<typeof partnerSchema>
type Matched = Pick<PartnerConfig, 'users' | 'sources' | 'listeners' | 'certificates'>

export interface MatchParts {
  readonly listeners: readonly ListenerConfig[]
  readonly problems: Problems
}

/** Whose logins a partner's are: by user name, or where no users are named, by where they come from. */
export function checkMatch(values: PartnerValues, source: Source, claims: Claims, parts: MatchParts): Matched {
  const { match } = values
  checkListeners(match.listeners, source, parts)
  for (const [i, user] of match.users.entries()) {
    if (user !== undefined) claims.take('user', user, source, ['match', 'users', i])
  }
  for (const [i, certificate] of match.certificates.entries()) {
    if (certificate !== undefined) claims.take('certificate', certificate, source, ['match', 'certificates', i])
  }
  if (match.users.length === 0) claimPlaces(values, source, claims, parts)
  checkCertificates(values, source, parts)
  const [sources, listeners] = [given(match.sources), given(match.listeners)]
  return {
    users: given(match.users),
    ...(sources.length > 0 && { sources }),
    ...(listeners.length > 0 && { listeners }),
    certificates: given(match.certificates),
  }
}

function given<V>(list: readonly (V | undefined)[]): readonly V[] {
  return list.filter((item) => item !== undefined)
}

function checkListeners(
  names: PartnerValues['match']['listeners'],
  source: Source,
  { listeners, problems }: MatchParts,
): void {
  const known = listeners.map(({ name }) => name)
  for (const [i, name] of names.entries()) {
    if (name === undefined || known.includes(name)) continue
    problems.add(source, ['match', 'listeners', i], `no listener is named "${name}"${suggest(name, known)}`)
  }
}

/** Of two partners without users one network could only be one's, except where one of them names listeners. */
function claimPlaces({ match }: PartnerValues, source: Source, claims: Claims, { problems }: MatchParts): void {
  const { sources, listeners } = match
  if (sources.length === 0 && listeners.length === 0) {
    const message = 'is missing; it must list at least one user name, unless sources or listeners are named'
    problems.add(source, ['match', 'users'], message)
  }
  const at = listeners.length === 0 ? [undefined] : listeners
  for (const [i, network] of sources.entries()) {
    if (network === undefined) continue
    for (const listener of at)
      claims.take('source', network, source, ['match', 'sources', i], placeOf(network, listener))
  }
  if (sources.length > 0) return
  for (const [i, listener] of listeners.entries()) {
    if (listener !== undefined) claims.take('listener', listener, source, ['match', 'listeners', i])
  }
}

/** A login that waits for a certificate which nobody is asked for, or which nobody has named, would never come. */
function checkCertificates({ match, auth }: PartnerValues, source: Source, { problems, listeners }: MatchParts): void {
  const key = ['match', 'certificates']
  const asked = listeners.some(({ clientCertificates }) => clientCertificates !== 'off')
  const none = match.certificates.length === 0
  if (none && auth.mode === 'certificate') {
    problems.add(source, key, "is missing; mode certificate needs the names of the partner's certificates")
  } else if (!none && !asked) {
    problems.add(source, key, 'needs a listener with clientCertificates: request or require')
  }
}

function placeOf(text: string, listener: string | undefined): string {
  const { family, base, length } = parseNetwork(text) ?? {}
  return `${family} ${base}/${length} ${listener}`
}

type Claimed = 'partner' | 'user' | 'certificate' | 'source' | 'listener'

/** Names that only one partner may have. */
export class Claims {
  readonly #problems: Problems
  readonly #taken = new Map<string, string>()
  constructor(problems: Problems) {
    this.#problems = problems
  }

  /** `same` is what two of them have in common where one name has several spellings. */
  take(what: Claimed, name: string, source: Source, path: Path, same = name): void {
    const id = `${what} ${same}`
    const earlier = this.#taken.get(id)
    if (earlier === undefined) this.#taken.set(id, place(source, path))
    else this.#problems.add(source, path, `${what} "${name}" is in ${earlier} already`)
  }
}
