import { type AddressInfo, createServer } from 'node:net'
import { connect, type SecureContext, TLSSocket } from 'node:tls'
import { safeEnd } from './safe-end.ts'

const timeoutMs = 5000

/**
 * Whether this Node keeps session tickets off TLS 1.3 connections on the `upload` context and sends them on `download`.
 * Tried with real handshakes over loopback. A failing handshake counts as no.
 */
export async function suppressesTickets(contexts: {
  readonly upload: SecureContext
  readonly download: SecureContext
}): Promise<boolean> {
  try {
    return (await ticketsReceived(contexts.upload)) === 0 && (await ticketsReceived(contexts.download)) > 0
  } catch {
    return false
  }
}

/** Tickets that a client has when it reads the first byte of data; TLS 1.3 servers send them before any data. */
function ticketsReceived(secureContext: SecureContext): Promise<number> {
  return new Promise((resolve, reject) => {
    let tickets = 0
    const server = createServer({ allowHalfOpen: true }, (raw) => {
      server.close()
      const socket = new TLSSocket(raw, { isServer: true, secureContext })
      accepted = socket
      socket.on('error', settle)
      socket.once('secure', () => socket.write('.', () => safeEnd(socket)))
      socket.resume()
    })
    const timer = setTimeout(() => settle(new Error('the TLS self-test timed out')), timeoutMs)
    let client: TLSSocket | undefined
    let accepted: TLSSocket | undefined
    function settle(outcome: Error | number): void {
      clearTimeout(timer)
      server.close()
      client?.destroy()
      accepted?.destroy()
      if (typeof outcome === 'number') resolve(outcome)
      else reject(outcome)
    }
    server.on('error', settle)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      client = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, minVersion: 'TLSv1.3' })
      client.on('session', () => tickets++)
      client.once('data', () => setImmediate(() => settle(tickets)))
      client.on('error', settle)
    })
  })
}
