import type { Address } from '../data/addresses.ts'
import { isPrivate } from '../data/addresses.ts'
import type { ByteString } from '../ftp/bytes.ts'

/** The port in an answer to EPSV: `(|||50001|)`; any other sign may stand for the bar (RFC 2428 section 3). */
export function extendedPort(text: ByteString): number | undefined {
  const [, , digits] = /\(([!-~])\1\1(\d{1,5})\1\)/.exec(text) ?? []
  return port(Number(digits))
}

/**
 * Where an answer to PASV leads, by its six numbers, brackets or not. A server behind a NAT tells its inner address, which
 * means nothing here: then, and for 0.0.0.0, the address of its control connection is the one.
 */
export function passiveAddress(text: ByteString, control: string): Address | undefined {
  const numbers = /(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3})/.exec(text)?.slice(1).map(Number)
  if (numbers === undefined || numbers.some((number) => number > 255)) return undefined
  const [a, b, c, d, high = 0, low = 0] = numbers
  const host = `${a}.${b}.${c}.${d}`
  const meaningless = host === '0.0.0.0' || isPrivate(host)
  const found = port(high * 256 + low)
  return found === undefined ? undefined : { host: meaningless ? control : host, port: found }
}

function port(number: number): number | undefined {
  return Number.isInteger(number) && number > 0 && number < 65_536 ? number : undefined
}
