import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

/** The version in package.json, which lies two folders up from `src/cli` and from `dist/cli`. */
export const version = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version

/**
 * Which code ssh2 encrypts with: the native part that npm builds at install time, or the slower one in JavaScript,
 * which it takes without a word when npm was not allowed to build.
 */
export function sshCrypto(): 'native' | 'js' {
  try {
    createRequire(import.meta.url)('ssh2/lib/protocol/crypto/build/Release/sshcrypto.node')
    return 'native'
  } catch {
    return 'js'
  }
}
