import { parsePrivateKey, publicFingerprint } from '../backend/sftp/private-key.ts'
import type { Config, PartnerConfig } from '../config/config.ts'
import { suggest } from '../config/suggest.ts'
import { loadChecked } from './load-checked.ts'
import { type Io, UsageError } from './verb.ts'

/** The configuration of a verb that needs one. Throws UsageError and ConfigError. */
export function configFor(verb: string, file: string | undefined, { env }: Io): Promise<Config> {
  if (file === undefined) throw new UsageError(`${verb} needs --config FILE`)
  return loadChecked(file, env)
}

/** Where the gateway keeps what it remembers. Throws UsageError when it remembers nothing. */
export function stateDirectory({ state }: Config, verb: string): string {
  if (state.directory === undefined)
    throw new UsageError(`${verb} needs state.directory in the configuration: without it nothing is remembered`)
  return state.directory
}

/** Throws UsageError. */
export function partnerNamed({ partners }: Config, name: string): PartnerConfig {
  const found = partners.find((partner) => partner.name === name)
  if (found) return found
  const names = partners.map((partner) => partner.name)
  throw new UsageError(`there is no partner "${name}"${suggest(name, names)}`)
}

/** Under which names a partner can come to the SFTP server itself. */
export function sftpUsersOf({ users, auth }: PartnerConfig): readonly string[] {
  return auth.username === undefined || users.includes(auth.username) ? users : [...users, auth.username]
}

/** Fingerprints of the keys with which the gateway itself enters backends: their logins are nobody's move. */
export function ownFingerprints({ partners }: Config): ReadonlySet<string> {
  const found = new Set<string>()
  for (const { auth } of partners) {
    if (auth.mode === 'passthrough' || auth.proof.kind !== 'privateKey') continue
    found.add(publicFingerprint(parsePrivateKey(auth.proof.privateKey, auth.proof.passphrase)))
  }
  return found
}
