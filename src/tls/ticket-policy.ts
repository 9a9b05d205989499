import { randomBytes } from 'node:crypto'
import type { SecureContext } from 'node:tls'

/** Node's own side of a context. The hook is undocumented, so `suppressesTickets` proves at start that it works. */
interface NativeContext {
  enableTicketKeyCallback?(): void
  onticketkeycallback?: (name: Buffer, iv: Buffer, issuing: boolean) => readonly (number | Buffer)[]
}

/**
 * Decides whether connections on a context are given session tickets: `always`, a resumed one included, or `never`.
 * Tickets made with the same 48 bytes of keys are accepted either way, foreign ones lead to a full handshake.
 * Where Node has no such hook the context stays as it is.
 */
export function setTicketPolicy(context: SecureContext, ticketKeys: Buffer, tickets: 'always' | 'never'): void {
  const native: NativeContext = context.context
  if (typeof native.enableTicketKeyCallback !== 'function') return
  // The layout of Node's `ticketKeys` option.
  const name = ticketKeys.subarray(0, 16)
  const hmac = ticketKeys.subarray(16, 32)
  const aes = ticketKeys.subarray(32, 48)
  // Results as OpenSSL's SSL_CTX_set_tlsext_ticket_key_cb defines them.
  const [issue, accept] = tickets === 'always' ? [1, 2] : [0, 1]
  native.enableTicketKeyCallback()
  native.onticketkeycallback = (ticketName, _iv, issuing) => {
    if (issuing) return [issue, hmac, aes, name, randomBytes(16)]
    return [ticketName.equals(name) ? accept : 0, hmac, aes]
  }
}
