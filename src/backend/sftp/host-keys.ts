import { createHash, timingSafeEqual } from 'node:crypto'
import { lookUp } from './known-hosts.ts'

export type HostKeyVerdict = 'trusted' | 'unknown' | 'revoked'

/** Whether a server is the one it should be. Pure: the verdict on a key never changes, so rekeying can ask again. */
export interface HostKeyPolicy {
  /**
   * Judges the public key blob that the server proved to own. Synchronous on purpose: ssh2 breaks the connection when
   * the answer comes late in a rekey.
   */
  check(blob: Buffer): HostKeyVerdict
  /** Host key algorithms for the key exchange, those of known keys first: a server with several keys then shows that one. */
  readonly keyTypes: readonly string[]
  /** Fingerprints of the trusted keys, for the log line of a refused one; empty when nothing can ever be trusted. */
  readonly expected: readonly string[]
  /** Lines of the known_hosts file that could not be used, and why; for the operator. */
  readonly notes: readonly string[]
}

export interface HostKeyPins {
  readonly host: string
  readonly port: number
  /** `SHA256:…`, form already checked. */
  readonly fingerprints: readonly string[]
  /** Text of a known_hosts file. */
  readonly knownHostsText: string | undefined
}

/** Every algorithm that is still sound, in the order in which OpenSSH offers them; no SHA-1 (`ssh-rsa`) and no DSS. */
const modern = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
]

/** A key is trusted when a fingerprint or a known_hosts line names it; a revoked one never is, whatever else names it. */
export function createHostKeyPolicy({ host, port, fingerprints, knownHostsText }: HostKeyPins): HostKeyPolicy {
  const known = lookUp(knownHostsText ?? '', host, port)
  const revoked = known.keys.filter((key) => key.revoked).map(({ blob }) => digest(blob))
  const trusted = known.keys.filter((key) => !key.revoked && !includes(revoked, digest(key.blob)))
  const pins = fingerprints.map((text) => Buffer.from(text.replace(/^SHA256:/, ''), 'base64'))
  const digests = [...pins.filter((pin) => !includes(revoked, pin)), ...trusted.map(({ blob }) => digest(blob))]
  const first = new Set(trusted.flatMap(({ type }) => algorithmsOf(type)))
  return {
    check(blob) {
      const shown = digest(blob)
      if (includes(revoked, shown)) return 'revoked'
      return includes(digests, shown) ? 'trusted' : 'unknown'
    },
    // The others stay on offer: a server that has changed its key then fails with both fingerprints in the log, and not
    // with "no matching host key type".
    keyTypes: [...modern.filter((type) => first.has(type)), ...modern.filter((type) => !first.has(type))],
    expected: [...new Set(digests.map(print))],
    notes: known.notes,
  }
}

/** The fingerprint of a public key blob as ssh-keygen prints it: `SHA256:` and base64 without padding. */
export function fingerprint(blob: Buffer): string {
  return print(digest(blob))
}

function print(sha256: Buffer): string {
  return `SHA256:${sha256.toString('base64').replace(/=+$/, '')}`
}

function digest(blob: Buffer): Buffer {
  return createHash('sha256').update(blob).digest()
}

function includes(digests: readonly Buffer[], wanted: Buffer): boolean {
  return digests.some((one) => one.length === wanted.length && timingSafeEqual(one, wanted))
}

/** RSA keys have one type and several signature algorithms (RFC 8332). */
function algorithmsOf(type: string): readonly string[] {
  return type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : [type]
}
