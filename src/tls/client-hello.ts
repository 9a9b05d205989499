/** A client that says more than this before it has said hello, or says it in more pieces, is shown the usual certificate. */
const bytesMax = 16_384
const recordsMax = 16
const handshakeRecord = 22
const clientHello = 1
const serverNameExtension = 0
const hostName = 0
const hostNames = /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/i

/** What the beginning of a TLS connection tells; `more`: the ClientHello is not whole yet. */
export type Hello = 'more' | { readonly serverName: string | undefined }

/**
 * The name that a client wants to talk to (RFC 6066 section 3), in lower case. Whatever is no ClientHello with one has
 * none: OpenSSL judges it, and the SSL 2.0 form in which Java 6 greets.
 */
export function readHello(bytes: Buffer): Hello {
  const message = handshakeMessage(bytes)
  if (message === 'more') return 'more'
  return { serverName: message && serverNameOf(message) }
}

/** The first handshake message, out of its records; undefined: that is no ClientHello. */
function handshakeMessage(bytes: Buffer): Buffer | 'more' | undefined {
  const parts: Buffer[] = []
  let at = 0
  while (at + 5 <= bytes.length && bytes[at] === handshakeRecord && parts.length < recordsMax) {
    const end = at + 5 + bytes.readUInt16BE(at + 3)
    parts.push(bytes.subarray(at + 5, end))
    at = end
  }
  const message = Buffer.concat(parts)
  if (message.length > 0 && message[0] !== clientHello) return undefined
  const length = message.length < 4 ? Number.POSITIVE_INFINITY : 4 + message.readUIntBE(1, 3)
  if (message.length >= length) return message.subarray(0, length)
  const foreign = at < bytes.length && bytes[at] !== handshakeRecord
  return foreign || parts.length === recordsMax || bytes.length >= bytesMax ? undefined : 'more'
}

function serverNameOf(message: Buffer): string | undefined {
  // Type and length, version, random.
  const fields = new Fields(message.subarray(4 + 2 + 32))
  fields.next(1) // session id
  fields.next(2) // cipher suites
  fields.next(1) // compression methods
  const extensions = new Fields(fields.next(2))
  for (;;) {
    const type = extensions.number(2)
    if (type === undefined) return undefined
    const content = extensions.next(2)
    if (type !== serverNameExtension) continue
    const names = new Fields(new Fields(content).next(2))
    const name = names.number(1) === hostName ? names.next(2).toString('latin1') : ''
    return hostNames.test(name) ? name.toLowerCase() : undefined
  }
}

/** Reads one field after the other; behind the end there are only empty ones. */
class Fields {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }
  number(size: 1 | 2): number | undefined {
    const at = this.#at
    this.#at += size
    return this.#at <= this.#bytes.length ? this.#bytes.readUIntBE(at, size) : undefined
  }
  /** A field behind its length, which has so many bytes. */
  next(size: 1 | 2): Buffer {
    const length = this.number(size) ?? 0
    const at = this.#at
    this.#at += length
    return this.#bytes.subarray(at, this.#at)
  }
}
