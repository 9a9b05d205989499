import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { type Shown, shownBy } from '../tls/client-certificates.ts'
import { EndOfDataShim } from '../tls/end-of-data-shim.ts'
import { endSafely } from '../tls/safe-end.ts'
import type { SessionTls } from '../tls/session-tls.ts'
import { bytesMoved, type DataConnection, unsentBytes } from './data-connection.ts'
import { DataConnectionError } from './data-error.ts'
import { toDataError } from './failures.ts'
import { sendQueue } from './send-queue.ts'

/** Decrypted bytes that may wait for the reader before the client is held back. */
const bufferBytes = 256 * 1024

export interface SecureOptions {
  readonly tls: SessionTls
  readonly direction: 'upload' | 'download'
  /** Whether an upload of so many bytes may end by FIN without close_notify. */
  readonly acceptFin: (bytes: number) => boolean
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/** What a handshake has led to. */
export interface Agreed {
  readonly version: string
  readonly cipher: string
  /** Whether the client resumed the TLS session of its control connection. */
  readonly reused: boolean
  /** What the client showed where it was asked for a certificate. */
  readonly shown: Shown
}

/**
 * Makes the TLS handshake on a data connection; the server's part, in active mode too (RFC 4217 section 7).
 * Throws DataConnectionError `tls` or `aborted`, with the connection closed.
 */
export async function secureConnection(
  raw: Socket,
  options: SecureOptions,
): Promise<Agreed & { readonly connection: DataConnection }> {
  const { direction } = options
  const shim = direction === 'upload' ? new EndOfDataShim(raw) : undefined
  const socket = new TLSSocket(shim ?? raw, {
    isServer: true,
    secureContext: options.tls[direction],
    // Typed as a tls.Server, used as an emitter of two events.
    server: options.tls.dataResumption as never,
    ALPNProtocols: ['ftp-data', 'ftp'],
    requestCert: options.tls.clientCertificates !== 'off',
    // A resumed session shows none; whether one is missing is for the caller to say.
    rejectUnauthorized: false,
    // Taken by net.Socket, unknown to the typings of TLSSocket.
    ...{ highWaterMark: bufferBytes },
  })
  socket.on('error', () => {})
  // What goes wrong after the handshake is told only by this event on a socket that no tls.Server has made.
  socket.on('_tlsError', (error: Error) => socket.destroy(error))
  const end = shim ? judgeEnd(socket, shim, options.acceptFin) : () => 'none' as const
  const agreed = await handshake(socket, options)
  const connection: DataConnection = {
    stream: socket,
    tls: agreed.version,
    cipher: agreed.cipher,
    reused: agreed.reused,
    get bytes() {
      return bytesMoved(socket, direction)
    },
    get unsent() {
      return unsentBytes(raw)
    },
    inSystem: () => sendQueue(raw),
    get endOfData() {
      return end()
    },
    end: () => endSafely(socket, shim),
    close: () => socket.destroy(),
  }
  return { connection, ...agreed }
}

/**
 * Decides what the end of an upload means at the moment when the TLS engine reports it (see EndOfDataShim), before any
 * reader can see it: an end that proves nothing destroys the socket, so it never looks like one. Returns the verdict.
 */
export function judgeEnd(
  socket: TLSSocket,
  shim: EndOfDataShim,
  acceptFin: (bytes: number) => boolean,
): () => DataConnection['endOfData'] {
  const push = socket.push.bind(socket)
  const closingAlerts = countClosingAlerts(socket, shim)
  let verdict: DataConnection['endOfData'] = 'none'
  socket.push = (chunk, encoding) => {
    if (chunk !== null || verdict !== 'none') return push(chunk, encoding)
    if (!shim.endReleased || (closingAlerts() >= 2 && !shim.insideRecord)) verdict = 'close_notify'
    else if (shim.failure) socket.destroy(toDataError(shim.failure))
    else if (!shim.insideRecord && acceptFin(socket.bytesRead)) verdict = 'fin'
    else socket.destroy(truncated(socket.bytesRead, shim.insideRecord))
    return verdict === 'none' ? false : push(null)
  }
  return () => verdict
}

/**
 * Java closes a TLS 1.3 connection with two alerts, user_canceled and close_notify, and OpenSSL's SSL_get_error, misled by
 * the first, does not report the second: Node learns of no end. Returns how many records have come since the last byte of
 * data that are as short as an alert and held no data. The TLS engine has proven each of them before anybody can ask,
 * for one that is not the client's ends the connection with an error.
 */
function countClosingAlerts(socket: TLSSocket, shim: EndOfDataShim): () => number {
  let alerts = 0
  let bytesBefore = 0
  shim.prependListener('data', () => {
    bytesBefore = socket.bytesRead
  })
  // The TLS engine has listened before this, and so has decrypted the chunk.
  shim.on('data', (chunk: Buffer) => {
    if (socket.bytesRead > bytesBefore) alerts = 0
    else if (shim.mayBeAlert(chunk) && socket.getProtocol() === 'TLSv1.3') alerts++
  })
  return () => alerts
}

function truncated(bytes: number, insideRecord: boolean): DataConnectionError {
  const where = insideRecord ? 'inside a TLS record' : 'without TLS close_notify'
  return new DataConnectionError('truncated', `the upload ended ${where} after ${bytes} bytes`)
}

function handshake(socket: TLSSocket, { timeoutMs, signal }: SecureOptions): Promise<Agreed> {
  return new Promise((resolve, reject) => {
    const settle = (outcome: Agreed | DataConnectionError) => {
      clearTimeout(timer)
      socket.off('secure', onSecure).off('error', onError).off('end', onEnd).off('close', onEnd)
      signal.removeEventListener('abort', onAbort)
      if (outcome instanceof DataConnectionError) {
        socket.destroy()
        reject(outcome)
      } else {
        resolve(outcome)
      }
    }
    // Asked at once: the socket may be gone before the next turn, and can tell nothing then.
    const onSecure = () => {
      const version = socket.getProtocol() ?? 'unknown'
      const [reused, shown] = [socket.isSessionReused(), shownBy(socket)]
      settle({ version, cipher: socket.getCipher().standardName, reused, shown })
    }
    const onError = (cause: Error & { readonly reason?: string }) => {
      // OpenSSL's whole message is full of its source lines; `reason` is the part that people search for.
      settle(new DataConnectionError('tls', `TLS handshake: ${cause.reason ?? cause.message}`, { cause }))
    }
    // A FIN in the middle of the handshake shows as nothing but 'end'.
    const onEnd = () => settle(new DataConnectionError('tls', 'the client left before the TLS handshake was done'))
    const onAbort = () => settle(new DataConnectionError('aborted', 'aborted during the TLS handshake'))
    const timer = setTimeout(
      () => settle(new DataConnectionError('tls', `no TLS handshake within ${timeoutMs} ms`)),
      timeoutMs,
    )
    socket.on('secure', onSecure).on('error', onError).on('end', onEnd).on('close', onEnd)
    signal.addEventListener('abort', onAbort)
    if (signal.aborted) onAbort()
  })
}
