import { isDeepStrictEqual } from 'node:util'
import type { Config } from '../config/config.ts'
import type { Observer } from '../observe/observer.ts'

/** Whoever is between a client and such a listener can read and change what they say, if they take the trouble. */
export function warnOfLegacyTls({ listeners }: Config, observer: Observer): void {
  for (const { name, minTls } of listeners) {
    if (minTls !== 'TLSv1' && minTls !== 'TLSv1.1') continue
    const message = `listener ${name} accepts ${minTls}, which is broken; keep it for clients that know nothing newer, on a port of its own`
    observer({ kind: 'warning', topic: 'legacy_tls', message })
  }
}

/** Whoever finds a passive port first gets the file, unless the data connection has to prove itself by TLS. */
export function warnOfPeers({ dialect, partners }: Config, observer: Observer): void {
  const everybody = dialect.passive.peerMustMatch === 'any' ? ['everybody'] : []
  const some = partners.filter((partner) => partner.dialect.passive?.peerMustMatch === 'any')
  for (const who of [...everybody, ...some.map(({ name }) => `partner ${name}`)]) {
    const how = 'only tls.sessionReuse: require proves then who connects'
    const message = `passive.peerMustMatch is any for ${who}, so data connections are taken from everywhere; ${how}`
    observer({ kind: 'warning', topic: 'peer_must_match', message })
  }
}

/** Listeners, passive ports and the admin port are opened once. */
export function warnOfRestart(current: Config, next: Config, observer: Observer): void {
  const fixed = ({ listeners, passive, admin, metrics, state, limits }: Config) => ({
    // Whose certificates count is read anew.
    listeners: listeners.map(({ clientCertificates, clientCa, clientCrl, ...opened }) => opened),
    'passive.ports': passive.ports,
    'passive.slice': passive.slice,
    admin,
    metrics,
    state,
    'limits.bytesInFlight': limits.bytesInFlight,
  })
  const after = Object.values(fixed(next))
  for (const [i, [key, before]] of Object.entries(fixed(current)).entries()) {
    if (isDeepStrictEqual(before, after[i])) continue
    observer({ kind: 'warning', topic: 'restart_needed', message: `the change of ${key} needs a restart` })
  }
}
