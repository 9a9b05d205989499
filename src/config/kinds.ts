import { isIP, isIPv4, SocketAddress } from 'node:net'
import { parseNetwork } from '../ftp/ip-network.ts'
import { isTimeZone } from '../ftp/time-zone.ts'
import { isPasswordHash } from './password-hash-form.ts'

/** One kind of value: what it looks like in words for a person, and its meaning; undefined when the text does not fit. */
export interface Kind<V> {
  readonly expects: string
  /** The words of an enumeration, for a suggestion. */
  readonly words?: readonly string[]
  /** Words that a later version will know. */
  readonly later?: readonly string[]
  /** The same for editors, as a part of a JSON Schema; left out, any scalar may stand there. */
  readonly json?: object
  read(text: string): V | undefined
}

export function oneOf<const W extends string>(words: readonly W[], later: readonly string[] = []): Kind<W> {
  const expects = words.length === 1 ? words.join() : `one of ${words.join(', ')}`
  // YAML reads some words as numbers.
  const json = { enum: words.flatMap((word) => (/^\d+$/.test(word) ? [Number(word), word] : [word])) }
  return { expects, words, later, json, read: (text) => words.find((word) => word === text) }
}

export const truth: Kind<boolean> = {
  expects: 'true or false',
  json: { type: 'boolean' },
  read: (text) => (/^true$/i.test(text) ? true : /^false$/i.test(text) ? false : undefined),
}

export function whole(min: number, max: number): Kind<number> {
  return {
    expects: `a whole number from ${min} to ${max}`,
    json: { type: 'integer', minimum: min, maximum: max },
    read(text) {
      const value = digits(text)
      return value !== undefined && value >= min && value <= max ? value : undefined
    },
  }
}

function digits(text: string): number | undefined {
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined
}

export const port: Kind<number> = { ...whole(1, 65535), expects: 'a port, 1 to 65535' }

/** Port of something that listens: 0 takes any free one. */
export const listenPort: Kind<number> = { ...whole(0, 65535), expects: 'a port, 1 to 65535, or 0 for any free port' }

export const portRange: Kind<{ readonly first: number; readonly last: number }> = {
  expects: 'ports such as 50000-50099, the lower one first, or 0 for any free port',
  read(text) {
    if (text === '0') return { first: 0, last: 0 }
    const [, from = '', to = ''] = /^(\d{1,5}) *- *(\d{1,5})$/.exec(text) ?? []
    const [first, last] = [port.read(from), port.read(to)]
    return first !== undefined && last !== undefined && first <= last ? { first, last } : undefined
  },
}

/** Where active data connections come from. */
export const sourcePorts: typeof portRange = {
  expects: 'any, a port such as 20, or ports such as 40000-40099, the lower one first',
  read(text) {
    if (text === 'any') return { first: 0, last: 0 }
    const one = port.read(text)
    if (one !== undefined) return { first: one, last: one }
    return text === '0' ? undefined : portRange.read(text)
  },
}

const millisecondsOf = new Map([
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
])
/** Node's timers hold 31 bits of milliseconds and fire at once beyond. */
const durationMax = 24 * 86_400_000

/** Milliseconds. */
export function duration(min: number): Kind<number> {
  return {
    expects: `a time such as 500ms, 15s, 10m or 24h, ${min === 0 ? '0s' : 'more than 0'} to 24d`,
    json: { type: 'string', pattern: '^\\d{1,10}(ms|s|m|h|d)$' },
    read(text) {
      const [, amount = '', unit = ''] = /^(\d{1,10})(ms|s|m|h|d)$/.exec(text) ?? []
      const value = Number(amount) * (millisecondsOf.get(unit) ?? Number.NaN)
      return value >= min && value <= durationMax ? value : undefined
    },
  }
}

/** Milliseconds that no timer waits for. */
export const span: Kind<number> = {
  expects: 'a time such as 90m, 26h or 31d, from 1m to 400d',
  read(text) {
    const [, amount = '', unit = ''] = /^(\d{1,6})(m|h|d)$/.exec(text) ?? []
    const value = Number(amount) * (millisecondsOf.get(unit) ?? Number.NaN)
    return value >= 60_000 && value <= 400 * 86_400_000 ? value : undefined
  },
}

const bytesOf = new Map([
  ['', 1],
  ['B', 1],
  ['KiB', 1024],
  ['MiB', 1024 ** 2],
  ['GiB', 1024 ** 3],
])

function sizeBetween(min: number, max: number, expects: string): Kind<number> {
  return {
    expects,
    json: { anyOf: [{ type: 'integer' }, { type: 'string', pattern: '^\\d{1,15} ?(B|KiB|MiB|GiB|)$' }] },
    read(text) {
      const [, amount = '', unit = 'none'] = /^(\d{1,15}) ?(B|KiB|MiB|GiB|)$/.exec(text) ?? []
      const value = Number(amount) * (bytesOf.get(unit) ?? Number.NaN)
      return value >= min && value <= max ? value : undefined
    },
  }
}

/** Bytes. */
export const size = sizeBetween(64 * 1024, 64 * 1024 ** 3, 'a size such as 512KiB, 16MiB or 1GiB, 64KiB to 64GiB')

/** Bytes a second; slower, and clients would take the pauses for a lost connection. */
export const rate: Kind<number> = {
  expects: 'a size for each second such as 512KiB or 10MiB, 8KiB to 64GiB, or 0 for no limit',
  read: (text) => (text === '0' ? 0 : sizeBetween(8192, 64 * 1024 ** 3, '').read(text)),
}

/** Bytes of one SFTP request: answers to larger ones would not fit into what OpenSSH and others take as a message. */
export const requestSize = sizeBetween(4096, 255 * 1024, 'a size such as 32KiB, 4KiB to 255KiB')

/** Names of listeners, backends and partners: they are labels in metrics and words in logs. */
export const label: Kind<string> = {
  expects: 'a name of letters, digits, ".", "_" and "-", at most 64, the first a letter or digit',
  read: (text) => (/^[A-Za-z0-9][\w.-]{0,63}$/.test(text) ? text : undefined),
}

/** A user name on the wire, in any script; control characters never reach a backend. */
export const userName: Kind<string> = {
  expects: 'a user name, not empty, at most 255 bytes, without control characters',
  read: (text) => (isLine(text) && Buffer.byteLength(text) <= 255 ? text : undefined),
}

export const secretText: Kind<string> = {
  expects: 'text, not empty',
  read: (text) => (text === '' ? undefined : text),
}

export const path: Kind<string> = {
  expects: 'a path, not empty',
  read: (text) => (isLine(text) && !isKey(text) ? text : undefined),
}

/** An ssh-agent: true for the one of the environment. */
export const agent: Kind<true | string> = {
  expects: 'true, for the agent of SSH_AUTH_SOCK, or the path of its socket',
  read: (text) => (text === 'true' ? true : text === 'false' ? undefined : path.read(text)),
}

/** A key itself where its path belongs. */
export function isKey(text: string): boolean {
  return /-----BEGIN|PRIVATE KEY/.test(text)
}

/** An absolute path on a backend, without a slash at its end. */
export const root: Kind<string> = {
  expects: 'an absolute path such as /data/partners/acme, without "." and ".." in it',
  read(text) {
    if (!text.startsWith('/') || !isLine(text)) return undefined
    const parts = text.split('/').filter((part) => part !== '')
    return parts.includes('.') || parts.includes('..') ? undefined : `/${parts.join('/')}`
  },
}

/** A folder on a backend: an absolute path, or one below the home of a login. */
export const backendFolder: Kind<string> = {
  expects: 'a folder on the backend such as .incoming or /data/incoming, without "." and ".." in it',
  read(text) {
    const parts = text.split('/').filter((part) => part !== '')
    if (!isLine(text) || parts.length === 0 || parts.includes('.') || parts.includes('..')) return undefined
    return `${text.startsWith('/') ? '/' : ''}${parts.join('/')}`
  },
}

function isLine(text: string): boolean {
  return text !== '' && !/[\u0000-\u001f\u007f]/.test(text)
}

export const address: Kind<string> = {
  expects: 'a numeric address such as 127.0.0.1, 0.0.0.0 or "::"',
  read: canonicalAddress,
}

/** One spelling per address, so that equal ones are seen to be equal. */
function canonicalAddress(text: string): string | undefined {
  const family = isIP(text)
  if (family === 0) return undefined
  return family === 4 || text.includes('%') ? text : new SocketAddress({ address: text, family: 'ipv6' }).address
}

const hostName = /^(?=.{1,253}$)([A-Za-z0-9_]([\w-]{0,62}[A-Za-z0-9_])?\.)*[A-Za-z0-9_]([\w-]{0,62}[A-Za-z0-9_])?\.?$/

/** A host name: its last label is not a number, else it would be a mistyped IPv4 address. */
function isHostName(text: string): boolean {
  return hostName.test(text) && !/(^|\.)\d+\.?$/.test(text)
}

export const host: Kind<string> = {
  expects: 'a host name or a numeric address, without scheme and port',
  read: (text) => canonicalAddress(text) ?? (isHostName(text) ? text : undefined),
}

/** PASV can only say IPv4 (RFC 959 section 4.1.2); IPv6 clients use EPSV, which names no host at all. */
export const advertise: Kind<string> = {
  expects: 'auto, an IPv4 address or a host name',
  read: (text) => (isIPv4(text) || isHostName(text) ? text : undefined),
}

/** Of clients that use PASV, so IPv4 only. An address within a network (10.1.2.3/8) is more likely a slip than meant. */
export const network: Kind<string> = {
  expects: 'an IPv4 network such as 10.0.0.0/8, all bits behind its length 0',
  read(text) {
    const [, address = '', length = ''] = /^([\d.]+)\/(\d{1,2})$/.exec(text) ?? []
    if (!isIPv4(address) || Number(length) > 32) return undefined
    const bits = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
    return bits % 2 ** (32 - Number(length)) === 0 ? text : undefined
  },
}

/** A command, or a word of SITE; whether there is one of the name others know (checks.ts). */
export const commandName: Kind<string> = {
  expects: 'a command such as DELE, or a word of SITE such as "SITE CHMOD"',
  read: (text) => (/^[A-Za-z][A-Za-z0-9@]{1,9}( [A-Za-z]{2,9})?$/.test(text) ? text.toUpperCase() : undefined),
}

/** Where clients come from, by either protocol. */
export const clientNetwork: Kind<string> = {
  expects: 'a network such as 203.0.113.0/24 or 2001:db8::/32, all bits behind its length 0, or one address',
  read: (text) => (parseNetwork(text) === undefined ? undefined : text),
}

/** The form of a fingerprint: SHA-256 is 32 bytes, 43 base64 characters of which the last holds 4 bits. */
export const fingerprint: Kind<string> = {
  expects: 'a fingerprint as `ssh-keygen -lf` prints it: "SHA256:" and 43 base64 characters',
  read: (text) => (/^SHA256:[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]$/.test(text) ? text : undefined),
}

/** The name of a client certificate; openssl prints the hex digits with colons and without. */
export const certificateName: Kind<string> = {
  expects:
    '"SHA256:" and a fingerprint in hex, as `openssl x509 -fingerprint -sha256` prints it, or "CN=" and a common name',
  read(text) {
    if (text.startsWith('CN=')) return isLine(text) && text.length > 3 ? text : undefined
    return certificateFingerprint.read(text)
  },
}

/** Of a server's certificate. */
export const certificateFingerprint: Kind<string> = {
  expects: '"SHA256:" and a fingerprint in hex, as `openssl x509 -fingerprint -sha256` prints it',
  read(text) {
    const [, hex] = /^SHA256:([0-9A-F]{64}|(?:[0-9A-F]{2}:){31}[0-9A-F]{2})$/i.exec(text) ?? []
    const pairs = hex?.toUpperCase().match(/[0-9A-F]{2}/g)
    return pairs ? `SHA256:${pairs.join(':')}` : undefined
  },
}

export const passwordHash: Kind<string> = {
  expects:
    'a scrypt hash as `ftps-gateway hash-password` prints it: $scrypt$ln=15,r=8,p=1$salt$hash, or an argon2id one',
  read: (text) => (isPasswordHash(text) ? text : undefined),
}

/** A zone in the words of the IANA; other forms (`CET-1CEST`, `+01:00`) know nothing of summer time, or only of one. */
export const timeZone: Kind<string> = {
  expects: 'a time zone such as UTC, Europe/Berlin or America/New_York',
  read: (text) => (isTimeZone(text) ? text : undefined),
}
