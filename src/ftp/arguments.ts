import { isIPv4, isIPv6 } from 'node:net'
import type { ByteRange } from './byte-range.ts'
import { asciiUpperCase, type ByteString } from './bytes.ts'
import { parseTime } from './facts.ts'
import { type ListArgument, parseListArgument } from './list-options.ts'
import { Secret } from './secret.ts'

/**
 * Argument grammars. `parse` returns undefined when the text does not fit; the dispatcher answers 501 with `syntax`,
 * which names the argument only (`<path>`), and is empty where a command takes none.
 * Paths, names and passwords are taken unchanged, blanks at the ends included; everything else is trimmed.
 */
export interface Argument<A> {
  readonly syntax: string
  parse(text: ByteString): A | undefined
}

/** No argument. One that comes all the same is ignored: it cannot be meant to do anything. */
export const none: Argument<true> = { syntax: '', parse: () => true }

/** Any text, also none. */
export const anything: Argument<ByteString> = { syntax: '[<text>]', parse: (text) => text }

/** Any text but none, unchanged. */
export function text(syntax: string): Argument<ByteString> {
  return { syntax, parse: nonEmpty }
}

export const path = text('<path>')

/** A path, or `{ path: undefined }` for none. */
export const optionalPath: Argument<{ readonly path: ByteString | undefined }> = {
  syntax: '[<path>]',
  parse: (text) => ({ path: nonEmpty(text) }),
}

/** `ls` options and a path, both optional. */
export const listPath: Argument<ListArgument> = { syntax: '[-<options>] [<path>]', parse: parseListArgument }

/** A password. It is never trimmed and may be empty. */
export const secret: Argument<Secret> = { syntax: '<password>', parse: (text) => new Secret(text) }

/** One word of a fixed set, in any case. */
export function oneOf<W extends string>(...words: readonly [W, ...W[]]): Argument<W> {
  return {
    syntax: words.join('|'),
    parse: (text) => words.find((word) => word === asciiUpperCase(text.trim())),
  }
}

/** Any one word, in upper case: for commands that tell unknown words (504) from missing ones (501). */
export function word(syntax: string): Argument<string> {
  return { syntax, parse: (text) => nonEmpty(asciiUpperCase(text.trim())) }
}

/** REST: a count of bytes. What JavaScript cannot count exactly is past the end of every file. */
export const offset: Argument<number> = { syntax: '<bytes>', parse: (text) => count(text.trim()) }

/** RANG: the first and the last byte of a range, or `1 0` for none (draft-bryan-ftp-range). */
export const byteRange: Argument<ByteRange | 'none'> = {
  syntax: '<start> <end>',
  parse(text) {
    const [, from = '', to = ''] = /^(\d+) +(\d+)$/.exec(text.trim()) ?? []
    const [start, end] = [count(from), count(to)]
    if (start === 1 && end === 0) return 'none'
    return start === undefined || end === undefined || end < start ? undefined : { start, end }
  },
}

/** ALLO: `<bytes> [R <bytes>]`; record sizes are of no use here (RFC 959 section 4.1.3). */
export const allocation: Argument<number> = {
  syntax: '<bytes> [R <bytes>]',
  parse: (text) => count(/^(\d+)(?: +R +\d+)?$/i.exec(text.trim())?.[1] ?? ''),
}

/** PBSZ: an unsigned 32-bit number (RFC 2228 section 3). */
export const bufferSize: Argument<number> = {
  syntax: '<bytes>',
  parse(text) {
    const size = count(text.trim())
    return size !== undefined && size <= 0xffff_ffff ? size : undefined
  },
}

/**
 * TYPE with all the forms that clients send: `A`, `A N`, `AN`, `A T`, `L7` are text, `I`, `I N`, `L`, `L 8` and `L8` are
 * bytes, `E`, `E N` and `E T` are EBCDIC. Carriage control and odd byte sizes are understood and `unsupported`.
 */
export const type: Argument<'A' | 'I' | 'E' | 'unsupported'> = {
  syntax: 'A|I|L 8',
  parse(text) {
    const form = asciiUpperCase(text.trim()).replace(/ +/g, '')
    if (/^(A[NT]?|L7)$/.test(form)) return 'A'
    if (/^(IN?|L8?)$/.test(form)) return 'I'
    if (/^E[NT]?$/.test(form)) return 'E'
    return /^([AE]C|L\d+|B\d*)$/.test(form) ? 'unsupported' : undefined
  },
}

/** A numeric address and port, as a data connection needs it. */
export interface HostPort {
  readonly host: string
  readonly port: number
}

/** HOST: a DNS name or a numeric address, IPv6 in brackets; a port is none of it (RFC 7151 section 3.1). */
export const hostName: Argument<string> = {
  syntax: '<name>',
  parse(text) {
    const [, address] = /^\[(.*)\]$/.exec(text.trim()) ?? []
    if (address !== undefined) return isIPv6(address) ? address : undefined
    return /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/i.test(text.trim()) ? text.trim() : undefined
  },
}

/** PORT: `h1,h2,h3,h4,p1,p2`; blanks around the numbers are tolerated. */
export const hostPort: Argument<HostPort> = {
  syntax: '<h1,h2,h3,h4,p1,p2>',
  parse(text) {
    const numbers = text.split(',').map((part) => part.trim())
    if (numbers.length !== 6 || !numbers.every((n) => /^\d{1,3}$/.test(n) && Number(n) <= 255)) return undefined
    const [h1, h2, h3, h4, p1, p2] = numbers.map(Number)
    const port = (p1 ?? 0) * 256 + (p2 ?? 0)
    return port === 0 ? undefined : { host: `${h1}.${h2}.${h3}.${h4}`, port }
  },
}

/** EPRT: `|1|192.0.2.1|6275|` or `|2|2001:db8::1|6275|` (RFC 2428 section 2); a scope (`%eth0`) is dropped. */
export const extendedHostPort: Argument<HostPort | 'unsupportedFamily'> = {
  syntax: '<|family|address|port|>',
  parse(text) {
    const trimmed = text.trim()
    const delimiter = trimmed.charAt(0)
    const parts = trimmed.split(delimiter)
    if (!/^[!-~]$/.test(delimiter) || parts.length !== 5 || parts[4] !== '') return undefined
    const [, family = '', address = '', digits = ''] = parts
    const port = Number(digits)
    if (!/^\d+$/.test(family) || !/^\d{1,5}$/.test(digits) || port < 1 || port > 65535) return undefined
    if (family !== '1' && family !== '2') return 'unsupportedFamily'
    const host = address.replace(/%.*$/s, '')
    return (family === '1' ? isIPv4(host) : isIPv6(host)) ? { host, port } : undefined
  },
}

/** EPSV: nothing, `1` (IPv4), `2` (IPv6) or `ALL`; other numbers are families that nobody has. */
export const extendedPassive: Argument<'any' | 'IPv4' | 'IPv6' | 'ALL' | 'unsupportedFamily'> = {
  syntax: '[1|2|ALL]',
  parse(text) {
    const form = asciiUpperCase(text.trim())
    if (form === '') return 'any'
    if (form === 'ALL') return 'ALL'
    if (form === '1') return 'IPv4'
    if (form === '2') return 'IPv6'
    return /^\d+$/.test(form) ? 'unsupportedFamily' : undefined
  },
}

/** MFMT: `YYYYMMDDHHMMSS[.sss] <path>`; seconds since 1970. */
export const timeAndPath: Argument<{ readonly time: number; readonly path: ByteString }> = {
  syntax: '<YYYYMMDDHHMMSS> <path>',
  parse(text) {
    const parts = /^(\d{14}(?:\.\d+)?) (.+)$/s.exec(text)
    const time = parseTime(parts?.[1] ?? '')
    const path = parts?.[2]
    return time === undefined || path === undefined ? undefined : { time, path }
  },
}

function nonEmpty(value: ByteString): ByteString | undefined {
  return value === '' ? undefined : value
}

/** Up to 19 digits: RFC 3659 offsets go to 2^63 - 1. */
function count(digits: string): number | undefined {
  return /^\d{1,19}$/.test(digits) ? Math.min(Number(digits), Number.MAX_SAFE_INTEGER) : undefined
}
