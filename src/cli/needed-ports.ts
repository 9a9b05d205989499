import { isIP } from 'node:net'
import type { Config } from '../config/config.ts'
import { sliceOf } from '../data/port-slice.ts'

/** TCP that a firewall has to let through, seen from the gateway. Replies to it are another matter (connection tracking). */
export interface NeededPorts {
  readonly direction: 'in' | 'out'
  /** What it is for, in a few words. */
  readonly purpose: string
  /** in: the address that listens (`::` and `0.0.0.0` are all); out: the host that is connected to; undefined: any. */
  readonly address: string | undefined
  /** Destination ports, inclusive. */
  readonly first: number
  readonly last: number
  /** Ports that it comes from, where those are fixed. */
  readonly source?: Range
  /** Who has to get through. */
  readonly peers: 'clients' | 'monitoring' | 'backend' | 'name servers'
  /** Besides TCP. */
  readonly udp?: true
}

interface Range {
  readonly first: number
  readonly last: number
}

/** What cannot be opened, because the configuration leaves the port to the system. */
export interface Unfixed {
  readonly key: string
}

export interface Needs {
  readonly ports: readonly NeededPorts[]
  readonly unfixed: readonly Unfixed[]
}

/** Everything that the gateway listens on and connects to with this configuration. */
export function neededPorts(config: Config): Needs {
  const all = [...listeners(config), ...passive(config), ...admin(config), ...active(config), ...backends(config)]
  const ports = all.filter((one) => one.last > 0)
  const unfixed = all.filter((one) => one.last === 0).map(({ purpose }) => ({ key: purpose }))
  return { ports: [...ports, ...names(config)], unfixed }
}

function listeners({ listeners: all }: Config): NeededPorts[] {
  return all.map(({ name, address, port, tls }) => {
    const purpose = `listener ${name}, ${tls === 'off' ? 'plain FTP' : `${tls} TLS`}`
    return { direction: 'in', purpose, address, first: port, last: port, peers: 'clients' }
  })
}

/** Passive ports are opened on the address that the client reached, so on those of the listeners. */
function passive({ passive: { ports, slice }, listeners: all }: Config): NeededPorts[] {
  const share = slice.count > 1 ? `, share ${slice.index} of ${slice.count}` : ''
  const addresses = new Set(all.map(({ address }) => address))
  const everywhere = addresses.has('::') || addresses.has('0.0.0.0') || addresses.size === 0
  return (everywhere ? [undefined] : [...addresses]).map((address) => ({
    direction: 'in',
    purpose: `passive data connections${share}`,
    address,
    ...sliceOf(ports, slice),
    peers: 'clients',
  }))
}

/** A port that only this machine can reach needs no firewall. */
function admin({ admin: server }: Config): NeededPorts[] {
  if (!server || server.address === '::1' || server.address.startsWith('127.')) return []
  const { address, port } = server
  return [{ direction: 'in', purpose: 'admin, metrics, health', address, first: port, last: port, peers: 'monitoring' }]
}

/** Clients choose the ports that are connected to. */
function active({ active: { sourcePort }, dialect, listeners: all, partners }: Config): NeededPorts[] {
  const modes = [
    dialect.active.mode,
    ...all.map((one) => one.active),
    ...partners.map((one) => one.dialect.active?.mode),
  ]
  if (!modes.includes('on')) return []
  const source = sourcePort.first === 0 ? {} : { source: sourcePort }
  const purpose = 'active data connections'
  return [{ direction: 'out', purpose, address: undefined, first: 1, last: 65535, ...source, peers: 'clients' }]
}

function backends({ backends: all }: Config): NeededPorts[] {
  return all.map(({ name, host, port }) => ({
    direction: 'out',
    purpose: `backend ${name}, SFTP`,
    address: host,
    first: port,
    last: port,
    peers: 'backend',
  }))
}

function names({ backends: all, passive: { advertise, advertiseFor } }: Config): NeededPorts[] {
  const told = [advertise, ...advertiseFor.map((rule) => rule.address)].filter((name) => name !== 'auto')
  const hosts = [...all.map(({ host }) => host), ...told].filter((host) => isIP(host) === 0)
  if (hosts.length === 0) return []
  const purpose = `addresses of ${[...new Set(hosts)].join(', ')}`
  return [{ direction: 'out', purpose, address: undefined, first: 53, last: 53, peers: 'name servers', udp: true }]
}
