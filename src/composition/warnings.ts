import { isDeepStrictEqual } from 'node:util'
import type { Config } from '../config/config.ts'
import type { Observer } from '../observe/observer.ts'

/** Whoever is between a client and such a listener can read and change what they say, if they take the trouble. */
function warnOfLegacyTls({ listeners }: Config, observer: Observer): void {
  for (const { name, minTls } of listeners) {
    if (minTls !== 'TLSv1' && minTls !== 'TLSv1.1') continue
    const message = `listener ${name} accepts ${minTls}, which is broken; keep it for clients that know nothing newer, on a port of its own`
    observer({ kind: 'warning', topic: 'legacy_tls', message })
  }
}

/** Whoever finds a passive port first gets the file, unless the data connection has to prove itself by TLS. */
function warnOfPeers({ dialect, partners }: Config, observer: Observer): void {
  const everybody = dialect.passive.peerMustMatch === 'any' ? ['everybody'] : []
  const some = partners.filter((partner) => partner.dialect.passive?.peerMustMatch === 'any')
  for (const who of [...everybody, ...some.map(({ name }) => `partner ${name}`)]) {
    const how = 'only tls.sessionReuse: require proves then who connects'
    const message = `passive.peerMustMatch is any for ${who}, so data connections are taken from everywhere; ${how}`
    observer({ kind: 'warning', topic: 'peer_must_match', message })
  }
}

/** What the operator should know of settings that are in force. */
export function warnOfSettings(config: Config, observer: Observer): void {
  warnOfPeers(config, observer)
  warnOfLegacyTls(config, observer)
}

/** Settings that a reload leaves as they were at the start. */
export const fixedSettings = ['admin', 'metrics', 'state', 'limits.bytesInFlight'] as const

/** Says at every reload what is still as it was at the start, until the gateway is started anew. */
export function warnOfRestart(started: Config, next: Config, observer: Observer): void {
  const fixed = ({ admin, metrics, state, limits }: Config): Record<(typeof fixedSettings)[number], unknown> => ({
    admin,
    metrics,
    state,
    'limits.bytesInFlight': limits.bytesInFlight,
  })
  const [before, after] = [fixed(started), fixed(next)]
  for (const key of fixedSettings) {
    if (isDeepStrictEqual(before[key], after[key])) continue
    observer({ kind: 'warning', topic: 'restart_needed', message: `the change of ${key} needs a restart` })
  }
}
