import { isIPv6, SocketAddress } from 'node:net'

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
