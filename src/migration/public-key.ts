import { createHash } from 'node:crypto'

/** What a text is that should be one public key. */
export type ReadKey =
  | { readonly kind: 'key'; readonly type: string; readonly fingerprint: string; readonly line: string }
  | { readonly kind: 'refused'; readonly why: string }

export const rsaBitsMin = 3072
/** What sftp servers accept today; hardware keys among it. */
export const keyTypes = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'sk-ssh-ed25519@openssh.com',
  'sk-ecdsa-sha2-nistp256@openssh.com',
  'ssh-rsa',
]

const refused = (why: string): ReadKey => ({ kind: 'refused', why })

/**
 * A public key as `ssh-keygen` writes it, or in the form of RFC 4716 (PuTTY). What a partner hands in goes into a file that
 * decides who may log in, so nothing is taken from it but the key itself: no options, and a comment of harmless letters.
 */
export function readPublicKey(text: string): ReadKey {
  if (/PRIVATE KEY|PuTTY-User-Key-File/.test(text)) {
    return refused('it is a private key; it must stay with its owner, who should make another one now')
  }
  const ssh2 = /---- BEGIN SSH2 PUBLIC KEY ----\r?\n([\s\S]*?)---- END SSH2 PUBLIC KEY ----/.exec(text)?.[1]
  return ssh2 === undefined ? readLine(text) : readBlob(blobOfSsh2(ssh2), '')
}

function readLine(text: string): ReadKey {
  const lines = text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'))
  if (lines.length !== 1)
    return refused(lines.length === 0 ? 'there is no key in it' : 'there is more than one key in it')
  const [, type, base64 = '', comment = ''] =
    /^\s*(\S+)[ \t]+([A-Za-z0-9+/]+={0,2})(?:[ \t]+(.*?))?\s*$/.exec(lines[0] ?? '') ?? []
  if (type === undefined) return refused('it is no public key in the form of OpenSSH or RFC 4716')
  const key = readBlob(Buffer.from(base64, 'base64'), comment)
  if (key.kind === 'key' && key.type !== type) return refused(`it says ${type} and is ${key.type}`)
  return key
}

/** Headers may go over several lines, each ending in a backslash. */
function blobOfSsh2(body: string): Buffer {
  const lines = body.split(/\r?\n/)
  const data: string[] = []
  let inHeader = false
  for (const line of lines) {
    const header: boolean = inHeader || line.includes(':')
    inHeader = header && line.endsWith('\\')
    if (!header) data.push(line.trim())
  }
  return Buffer.from(data.join(''), 'base64')
}

function readBlob(blob: Buffer, comment: string): ReadKey {
  const type = stringAt(blob, 0)?.toString('latin1')
  if (type === undefined) return refused('it is no public key')
  if (type === 'ssh-dss') return refused('it is a DSA key, which is too weak and which no server takes any more')
  if (type.includes('-cert-')) return refused('it is a certificate, not a key')
  if (!keyTypes.includes(type)) return refused('it is a key of an unknown kind')
  const bits = type === 'ssh-rsa' ? rsaBitsOf(blob) : undefined
  if (type === 'ssh-rsa' && bits === undefined) return refused('it is no public key')
  if (bits !== undefined && bits < rsaBitsMin)
    return refused(`it is an RSA key of ${bits} bits; ${rsaBitsMin} are needed`)
  if (!isWhole(blob)) return refused('it is damaged: something is missing at its end')
  const harmless = comment
    .replace(/[^\w@. +-]/g, '')
    .slice(0, 80)
    .trim()
  const base64 = blob.toString('base64')
  return {
    kind: 'key',
    type,
    fingerprint: `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`,
    line: [type, base64, harmless].join(' ').trim(),
  }
}

function stringAt(blob: Buffer, at: number): Buffer | undefined {
  if (blob.length < at + 4) return undefined
  const length = blob.readUInt32BE(at)
  return blob.length < at + 4 + length ? undefined : blob.subarray(at + 4, at + 4 + length)
}

/** All of it is strings with their lengths, and there are at least two. */
function isWhole(blob: Buffer): boolean {
  let [at, parts] = [0, 0]
  while (at < blob.length) {
    const part = stringAt(blob, at)
    if (part === undefined) return false
    at += 4 + part.length
    parts++
  }
  return parts >= 2
}

/** Type, exponent, modulus; a leading zero byte is no bits. */
export function rsaBitsOf(blob: Buffer): number | undefined {
  const exponent = stringAt(blob, 4 + 7)
  const modulus = exponent && stringAt(blob, 4 + 7 + 4 + exponent.length)
  const digits = modulus?.toString('hex').replace(/^0+/, '') ?? ''
  if (digits === '') return undefined
  return (digits.length - 1) * 4 + Number.parseInt(digits[0] ?? '0', 16).toString(2).length
}
