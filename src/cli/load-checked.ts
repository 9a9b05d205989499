import { createHostKeyPolicy } from '../backend/sftp/host-keys.ts'
import { parsePrivateKey } from '../backend/sftp/private-key.ts'
import { commands } from '../commands/index.ts'
import { siteNames } from '../commands/site.ts'
import type { Checks } from '../config/checks.ts'
import type { Config } from '../config/config.ts'
import { loadConfig } from '../config/load.ts'
import { suggest } from '../config/suggest.ts'
import { hasArgon2 } from '../partners/argon2.ts'

/** Loads a configuration as the gateway will use it: keys parsed, known_hosts looked through. Throws ConfigError. */
export function loadChecked(file: string, env: NodeJS.ProcessEnv): Promise<Config> {
  return loadConfig(file, env, checks)
}

const checks: Checks = {
  privateKey(text, passphrase) {
    try {
      parsePrivateKey(text, passphrase)
      return undefined
    } catch (error) {
      return `is ${(error as Error).message}`
    }
  },
  passwordHash(hash) {
    if (hasArgon2 || !hash.startsWith('$argon2id$')) return undefined
    return `is an argon2id hash, which needs Node 24.7 or later; this is ${process.version}, which has scrypt only`
  },
  command(name) {
    if (commands.has(name) || siteNames.includes(name)) return undefined
    return `is no command${suggest(name, [...commands.keys(), ...siteNames])}`
  },
  knownHosts(text, host, port) {
    const { expected, notes } = createHostKeyPolicy({ host, port, fingerprints: [], knownHostsText: text })
    if (expected.length > 0) return undefined
    return [`has no usable key of ${host} port ${port}, so no login could ever be trusted`, ...notes].join('; ')
  },
}
