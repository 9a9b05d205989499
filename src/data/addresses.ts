import { BlockList, isIPv4, isIPv6, SocketAddress } from 'node:net'

/**
 * One spelling for each numeric address, to compare by: IPv6 as inet_ntop writes it and without scope, an IPv4 address
 * that came mapped into IPv6 as IPv4. Anything that is no numeric address is returned as it is.
 */
export function canonicalAddress(address: string): string {
  if (!isIPv6(address)) return address
  const canonical = new SocketAddress({ address, family: 'ipv6' }).address
  return canonical.startsWith('::ffff:') && canonical.includes('.') ? canonical.slice(7) : canonical
}

/** `host:port` for the operator, with brackets around IPv6. */
export function formatAddress(host: string, port: number): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`
}

/** A TCP address; `host` is numeric. */
export interface Address {
  readonly host: string
  readonly port: number
}

/** Whether addresses belong to a network such as 10.0.0.0/8. */
export function network(text: string): (address: string) => boolean {
  return networks([text])
}

function networks(texts: readonly string[]): (address: string) => boolean {
  const list = new BlockList()
  for (const text of texts) {
    const [address = '', length] = text.split('/')
    list.addSubnet(address, Number(length), isIPv4(address) ? 'ipv4' : 'ipv6')
  }
  return (address) => {
    const canonical = canonicalAddress(address)
    return list.check(canonical, isIPv4(canonical) ? 'ipv4' : 'ipv6')
  }
}

/** Addresses that mean something else, or nothing, on the other side of a NAT: private, shared (carriers), link-local, loopback. */
export const isPrivate = networks([
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '169.254.0.0/16',
  '127.0.0.0/8',
  'fc00::/7',
  'fe80::/10',
  '::1/128',
])
