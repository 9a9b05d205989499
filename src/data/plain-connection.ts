import type { Socket } from 'node:net'
import { finished } from 'node:stream/promises'
import { bytesMoved, type DataConnection, unsentBytes } from './data-connection.ts'

/** A data connection without TLS (PROT C); its FIN is the end of the data, as it has been since RFC 959. */
export function plainConnection(raw: Socket, direction: 'upload' | 'download'): DataConnection {
  raw.on('error', () => {})
  return {
    stream: raw,
    tls: undefined,
    reused: undefined,
    get bytes() {
      return bytesMoved(raw, direction)
    },
    get unsent() {
      return unsentBytes(raw)
    },
    get endOfData() {
      return raw.readableEnded ? 'fin' : 'none'
    },
    end: () => {
      raw.end()
      return finished(raw, { readable: false })
    },
    close: () => raw.destroy(),
  }
}
