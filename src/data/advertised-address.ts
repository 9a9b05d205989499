import { lookup } from 'node:dns/promises'
import { isIPv4 } from 'node:net'

/** A host name is looked up again after this long: the address of a cloud load balancer changes. */
const lookupEveryMs = 60_000

/**
 * The address that PASV tells clients: `auto` is the one that the client reached us at; else the given IPv4 address, or
 * that of the given host name. When a look-up fails the last known address stays good.
 */
export function advertised(setting: string): (clientAddress: string, localAddress: string) => Promise<string> {
  if (setting === 'auto') return async (_client, local) => local
  if (isIPv4(setting)) return async () => setting
  let known: string | undefined
  let knownAt = 0
  return async (_client, local) => {
    if (known === undefined || performance.now() - knownAt > lookupEveryMs) {
      const found = await lookup(setting, { family: 4 }).catch(() => undefined)
      if (found) {
        known = found.address
        knownAt = performance.now()
      }
    }
    return known ?? local
  }
}
