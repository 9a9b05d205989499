import type { Socket } from 'node:net'
import { finished } from 'node:stream/promises'
import { askForReset } from '../tls/reset-probe.ts'
import { bytesMoved, type DataConnection, unsentBytes } from './data-connection.ts'
import { toDataError } from './failures.ts'
import { sendQueue } from './send-queue.ts'

/** A data connection without TLS (PROT C); its FIN is the end of the data, as it has been since RFC 959. */
export function plainConnection(raw: Socket, direction: 'upload' | 'download'): DataConnection {
  raw.on('error', () => {})
  if (direction === 'upload') holdEndBack(raw)
  return {
    stream: raw,
    tls: undefined,
    cipher: undefined,
    reused: undefined,
    get bytes() {
      return bytesMoved(raw, direction)
    },
    get unsent() {
      return unsentBytes(raw)
    },
    inSystem: () => sendQueue(raw),
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

/** Lets the end through to a reader only when it is a FIN, and destroys the socket when it was a reset. */
function holdEndBack(raw: Socket): void {
  const push = raw.push.bind(raw)
  raw.push = (chunk, encoding) => {
    if (chunk !== null) return push(chunk, encoding)
    askForReset(raw, (reset) => (reset ? raw.destroy(toDataError(reset)) : push(null)))
    return false
  }
}
