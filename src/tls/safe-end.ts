import type { TLSSocket } from 'node:tls'

/** What stands between the TLS and the socket: bytes that it has written wait there. */
interface Shim {
  readonly pending: number
}

const pollMs = 5

/**
 * The only way in which the gateway ends a TLS connection: close_notify, then FIN. `TLSSocket.end()` sends both, but
 * close_notify gets lost when it is called in the turn of the event loop in which the handshake or a write is still
 * being flushed, and FileZilla and GnuTLS clients then fail the transfer; above a shim Node even throws
 * ERR_INTERNAL_ASSERTION. So everything written goes out first, then two turns pass. Give the shim where there is one.
 */
export function safeEnd(socket: TLSSocket, shim?: Shim): void {
  const step = () => {
    if (socket.destroyed || socket.writableEnded) return
    if (socket.writableLength > 0 || (shim && shim.pending > 0)) {
      setTimeout(step, pollMs)
      return
    }
    setImmediate(() => {
      setImmediate(() => {
        if (!socket.destroyed) socket.end()
      })
    })
  }
  step()
}

/** `safeEnd`, waiting until the FIN is with the system; rejects when the connection closes before, with its error if there is one. */
export function endSafely(socket: TLSSocket, shim?: Shim): Promise<void> {
  return new Promise((resolve, reject) => {
    if (socket.writableFinished) {
      resolve()
      return
    }
    const settle = () => {
      socket.off('finish', settle)
      socket.off('close', settle)
      if (socket.writableFinished) resolve()
      else reject(socket.errored ?? new Error('the connection closed before its end was sent'))
    }
    socket.once('finish', settle)
    socket.once('close', settle)
    if (socket.destroyed) settle()
    else safeEnd(socket, shim)
  })
}
