import { isIPv6, SocketAddress } from 'node:net'

const windowMs = 600_000
const addressesMax = 10_000

/**
 * Refused logins by address, for guessers who try many names: what they try of one name `RefusalGuard` sees. An IPv6
 * client has 64 bits of addresses for itself, so its network counts as one.
 */
export class RefusedLogins {
  /** When each of the newest refusals of an address was, oldest first; the address refused last comes last. */
  readonly #refusedAt = new Map<string, number[]>()
  readonly #now: () => number

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  add(address: string): void {
    const key = networkOf(address)
    const times = this.#recent(key)
    times.push(this.#now())
    this.#refusedAt.delete(key)
    this.#refusedAt.set(key, times)
    for (const oldest of this.#refusedAt.keys()) {
      if (this.#refusedAt.size <= addressesMax && this.#recent(oldest).length > 0) break
      this.#refusedAt.delete(oldest)
    }
  }

  /** Whether so many have been refused within ten minutes. */
  atLeast(address: string, refusals: number): boolean {
    return this.#recent(networkOf(address)).length >= refusals
  }

  #recent(key: string): number[] {
    const since = this.#now() - windowMs
    return (this.#refusedAt.get(key) ?? []).filter((time) => time > since)
  }
}

/** The address itself, or the first 64 bits of an IPv6 address. */
function networkOf(address: string): string {
  if (!isIPv6(address)) return address
  const canonical = new SocketAddress({ address, family: 'ipv6' }).address
  const [head = '', tail] = canonical.split('::')
  const groups = (text: string) => (text === '' ? [] : text.split(':'))
  const zeros = tail === undefined ? 0 : 8 - groups(head).length - groups(tail).length
  const all = [...groups(head), ...Array.from({ length: Math.max(zeros, 0) }, () => '0'), ...groups(tail ?? '')]
  return `${all.slice(0, 4).join(':')}::/64`
}
