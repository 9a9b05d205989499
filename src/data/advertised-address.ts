import { isIPv4 } from 'node:net'
import type { Observer } from '../observe/observer.ts'
import { isPrivate, network } from './addresses.ts'
import { addressOfName, type LookUp } from './host-name.ts'

/** What PASV tells a client at `clientAddress` that reached us at `localAddress`. */
export type Advertise = (clientAddress: string, localAddress: string) => Promise<string>

export interface AdvertiseSettings {
  /** `auto`: the address that the client reached us at; else an IPv4 address or a host name. */
  readonly advertise: string
  /** The same for clients of some networks, in place of `advertise`; the first that fits. */
  readonly advertiseFor: readonly { readonly from: string; readonly address: string }[]
}

/**
 * The address that PASV tells clients. A client with a private address is on our side of the NAT whose outer address
 * `advertise` is, and may not get through it from within: it is told the address that it reached us at.
 */
export function advertised(settings: AdvertiseSettings, observer: Observer, lookUp?: LookUp): Advertise {
  const usual = told(settings.advertise, observer, lookUp)
  const rules = settings.advertiseFor.map(({ from, address }) => ({
    fits: network(from),
    address: told(address, observer, lookUp),
  }))
  return async (client, local) => {
    const rule = rules.find(({ fits }) => fits(client))
    if (rule) return rule.address(local)
    const address = await usual(local)
    return isPrivate(client) && !isPrivate(address) ? local : address
  }
}

function told(setting: string, observer: Observer, lookUp: LookUp | undefined): (local: string) => Promise<string> {
  if (setting === 'auto') return async (local) => local
  if (isIPv4(setting)) return async () => setting
  const address = addressOfName(setting, observer, lookUp)
  return async (local) => (await address()) ?? local
}
