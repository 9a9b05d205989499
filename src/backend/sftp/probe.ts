import { BackendError } from '../backend.ts'
import { greet } from './connection.ts'
import { fingerprint } from './host-keys.ts'

/** The kinds of host key that a server may have, newest first. */
const kinds = ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'rsa-sha2-512'] as const

/** A host key that a server has proved to own. */
export interface ShownKey {
  readonly type: string
  readonly fingerprint: string
  /** The key itself, in the form of the wire. */
  readonly blob: Buffer
}

/**
 * The host keys that a server presents, one per kind it has, for a person to compare and pin. Nothing is trusted and
 * nothing is sent but the key exchange. Throws BackendError `unavailable` when the server cannot be reached.
 */
export async function probeHostKey(host: string, port: number, timeoutMs: number): Promise<readonly ShownKey[]> {
  const found: ShownKey[] = []
  let failure: unknown
  const { signal } = new AbortController()
  for (const type of kinds) {
    const check = (key: Buffer) => {
      found.push({
        type: type.startsWith('rsa') ? 'ssh-rsa' : type,
        fingerprint: fingerprint(key),
        blob: Buffer.from(key),
      })
      return 'unknown' as const
    }
    const hostKeys = { check, keyTypes: [type], expected: [], notes: [] }
    await greet({ host, port, hostKeys, connectMs: timeoutMs, loginMs: timeoutMs, keepalive: false }, signal).then(
      (greeted) => greeted.destroy(),
      (error) => {
        failure = error
      },
    )
  }
  if (found.length > 0) return found
  throw failure instanceof BackendError ? failure : new BackendError('unavailable', `no host key from ${host}:${port}`)
}
