import { isIP } from 'node:net'
import { canonicalAddress } from '../data/addresses.ts'
import { covers, type ServerNames } from '../tls/server-names.ts'

/**
 * Which of the gateway's names a client wants to talk to, as far as it says so: by HOST, or by SNI, which is stronger
 * (RFC 7151 section 3.2). It decides which certificate is shown, and nothing else.
 */
export class NamedHost {
  readonly #names: ServerNames
  readonly #localAddress: string
  #chosen: string | undefined
  #serverName: string | undefined
  #covers: ((host: string) => boolean) | undefined

  /** `localAddress`: the one that the client has connected to. */
  constructor(names: ServerNames, localAddress: string) {
    this.#names = names
    this.#localAddress = canonicalAddress(localAddress)
  }

  /** Takes the word of a client's HOST; false: that is nobody here, or somebody else than its TLS has been told. */
  choose(host: string): boolean {
    if (isIP(host) !== 0) return canonicalAddress(host) === this.#localAddress
    const name = host.toLowerCase()
    if (!this.#names.know(name) || (this.#serverName ?? name) !== name) return false
    if (this.#covers !== undefined) return this.#covers(name)
    this.#chosen = name
    return true
  }

  /** The host that TLS now begins for, to a client that asks for this name or none. */
  asked(serverName: string | undefined): string | undefined {
    const host = serverName ?? this.#chosen
    this.#serverName = serverName
    const shown = this.#names.certificatesFor(host)
    this.#covers = (name) => shown.some((certificate) => covers(certificate, name))
    return host
  }

  forget(): void {
    this.#chosen = undefined
  }
}
