import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'

/** The IPv4 addresses of a host; none when it has none, or nobody can tell. */
export async function addressesOf(host: string): Promise<readonly string[]> {
  if (isIP(host) !== 0) return [host]
  const found = await lookup(host, { all: true, family: 4 }).catch(() => [])
  return found.map(({ address }) => address)
}
