import type { Site } from '../../support/place.ts'

/** One way to the gateway: a column of the matrix. */
export interface Way {
  readonly name: WayName
  readonly mode: Site['mode']
  readonly tls: Site['tls']
  readonly data: Site['data']
  readonly host: '127.0.0.1' | '::1'
}

export type WayName = (typeof wayNames)[number]

/** Where a name says nothing of it: passive; IPv4; explicit TLS on active ways; what the client is best at for IPv6. */
export const wayNames = [
  'plain',
  'plain, active',
  'explicit, TLS 1.2',
  'explicit, TLS 1.3',
  'implicit, TLS 1.2',
  'implicit, TLS 1.3',
  'active, TLS 1.2',
  'active, TLS 1.3',
  'IPv6',
  'IPv6, active',
] as const

export type Mode = Site['mode']

/** What a name means for a client that comes by IPv6 with `best`, and in active mode by IPv6 with `bestActive`. */
export function wayOf(name: WayName, best: Mode, bestActive = best): Way {
  const active = name.includes('active')
  const ipv6 = name.includes('IPv6')
  return {
    name,
    mode: ipv6 ? (active ? bestActive : best) : modeOf(name),
    tls: name.includes('TLS 1.2') ? '1.2' : '1.3',
    data: active ? 'active' : 'passive',
    host: ipv6 ? '::1' : '127.0.0.1',
  }
}

function modeOf(name: WayName): Mode {
  if (name.startsWith('plain')) return 'off'
  return name.startsWith('implicit') ? 'implicit' : 'explicit'
}
