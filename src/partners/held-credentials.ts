import type { Credentials, PrivateKey } from '../backend/backend.ts'
import type { PartnerAuth } from '../config/config.ts'

/** Makes what a backend enters with of a key's text. Throws an Error that does not show the key. */
export type ParseKey = (text: string, passphrase: string | undefined) => PrivateKey

/** What the gateway enters a backend with in place of a partner's client. Throws what `parseKey` throws. */
export function credentialsOf(
  { username, proof }: Exclude<PartnerAuth, { readonly mode: 'passthrough' }>,
  parseKey: ParseKey,
): Credentials {
  if (proof.kind === 'password') return { kind: 'password', username, password: proof.password, held: true }
  if (proof.kind === 'agent') return { kind: 'agent', username, socket: proof.socket }
  return { kind: 'privateKey', username, privateKey: parseKey(proof.privateKey, proof.passphrase) }
}
