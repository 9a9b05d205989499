import { isIP, SocketAddress } from 'node:net'

/** A network of numeric addresses: those whose first `length` bits are those of `base`. */
export interface IpNetwork {
  readonly family: 4 | 6
  readonly base: bigint
  readonly length: number
}

/**
 * `10.0.0.0/8`, `2001:db8::/32`, or one address. Undefined for anything else, and for a network with bits behind its
 * length: `10.1.2.3/8` is more likely a slip than meant. IPv4 that is written in IPv6 (`::ffff:10.0.0.0/104`) is IPv4.
 */
export function parseNetwork(text: string): IpNetwork | undefined {
  const [, address = '', written] = /^([^/%]+)(?:\/(\d{1,3}))?$/.exec(text) ?? []
  const family = isIP(address)
  if (family !== 4 && family !== 6) return undefined
  const width = family === 4 ? 32 : 128
  const length = written === undefined ? width : Number(written)
  const base = bitsOf(address, family)
  if (length > width || shifted({ family, length }, base) << BigInt(width - length) !== base) return undefined
  const plain = family === 6 && length >= 96 ? embedded(base) : undefined
  return plain === undefined ? { family, base, length } : { family: 4, base: plain, length: length - 96 }
}

/** Whether an address, numeric and with or without a scope, is in a network. */
export function isInNetwork(network: IpNetwork, address: string): boolean {
  const numeric = address.replace(/%.*$/, '')
  const family = isIP(numeric)
  if (family !== 4 && family !== 6) return false
  const bits = bitsOf(numeric, family)
  const plain = family === 6 ? embedded(bits) : bits
  if (network.family === 4) return plain !== undefined && shifted(network, plain) === shifted(network, network.base)
  return plain === undefined && shifted(network, bits) === shifted(network, network.base)
}

function shifted({ family, length }: Pick<IpNetwork, 'family' | 'length'>, bits: bigint): bigint {
  return bits >> BigInt((family === 4 ? 32 : 128) - length)
}

/** The IPv4 address within `::ffff:0:0/96`, as sockets of `::` show IPv4 clients. */
function embedded(bits: bigint): bigint | undefined {
  return bits >> 32n === 0xffffn ? bits & 0xffff_ffffn : undefined
}

function bitsOf(address: string, family: 4 | 6): bigint {
  if (family === 4) return joined(address.split('.'), 8, 10)
  // One spelling for each address; only the last 32 bits may still be written as IPv4.
  const { address: canonical } = new SocketAddress({ address, family: 'ipv6' })
  const inHex = canonical.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...parts: string[]) => {
    const bits = joined(parts.slice(0, 4), 8, 10)
    return `${(bits >> 16n).toString(16)}:${(bits & 0xffffn).toString(16)}`
  })
  const [head = '', tail] = inHex.split('::')
  const groups = (part: string) => (part === '' ? [] : part.split(':'))
  const [before, after] = [groups(head), groups(tail ?? '')]
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0')
  return joined([...before, ...zeros, ...after], 16, 16)
}

function joined(parts: readonly string[], bitsEach: number, radix: number): bigint {
  return parts.reduce((bits, part) => (bits << BigInt(bitsEach)) | BigInt(Number.parseInt(part, radix)), 0n)
}
