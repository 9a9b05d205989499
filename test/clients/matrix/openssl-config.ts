import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Site } from '../../support/place.ts'

/** For clients on OpenSSL that have no option for the TLS version: OpenSSL itself is told. */
export function onlyTlsOf(site: Site): NodeJS.ProcessEnv {
  const path = join(site.folder, 'openssl.cnf')
  const version = `TLSv${site.tls}`
  const lines = [
    'openssl_conf = all',
    '[all]',
    'ssl_conf = ssl',
    '[ssl]',
    'system_default = default',
    '[default]',
    `MinProtocol = ${version}`,
    `MaxProtocol = ${version}`,
  ]
  writeFileSync(path, `${lines.join('\n')}\n`)
  return { OPENSSL_CONF: path }
}
