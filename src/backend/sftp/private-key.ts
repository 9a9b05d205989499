import ssh2 from 'ssh2'
import type { PrivateKey } from '../backend.ts'
import { fingerprint } from './host-keys.ts'

/** A private key with its public half, in the form of the wire. */
export interface ParsedPrivateKey extends PrivateKey {
  getPublicSSH(): Buffer
}

/** `SHA256:…` of the public half. */
export function publicFingerprint(key: ParsedPrivateKey): string {
  return fingerprint(key.getPublicSSH())
}

/** Parses an SSH private key (OpenSSH, PEM or PPK text); throws an Error with one sentence that does not show the key. */
export function parsePrivateKey(text: string, passphrase: string | undefined): ParsedPrivateKey {
  const parsed = ssh2.utils.parseKey(text, passphrase)
  const key = Array.isArray(parsed) ? parsed[0] : parsed
  if (key instanceof Error || key === undefined) {
    throw new Error(`not a usable private key: ${key?.message ?? 'nothing in it'}`)
  }
  if (!key.isPrivateKey()) throw new Error('not a usable private key: it is a public key')
  return key
}
