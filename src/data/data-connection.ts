import type { Socket } from 'node:net'

/** An open data connection, ready for the bytes of one transfer. */
export interface DataConnection {
  /** A TLSSocket or the TCP socket itself; half-open, with an `error` listener. */
  readonly stream: Socket
  /** TLS version. */
  readonly tls: string | undefined
  readonly cipher: string | undefined
  /** Whether the client resumed the TLS session of its control connection. */
  readonly reused: boolean | undefined
  /** Bytes of the file or listing that have been received, or that the system has taken to send. */
  readonly bytes: number
  /** Bytes, encrypted, that wait for the client to read; moves while `bytes` does not when the client is slow. */
  readonly unsent: number
  /** Bytes that the system has taken and the client has not confirmed, where it tells. */
  inSystem(): Promise<number | undefined>
  /** How the client's side ended: by TLS close_notify, by TCP FIN only, or not (yet). */
  readonly endOfData: 'close_notify' | 'fin' | 'none'
  /** Ends our side: close_notify where there is TLS, then FIN. Resolves when the system has both; rejects when the connection is lost before. */
  end(): Promise<void>
  /** Drops the connection at once. */
  close(): void
}

/** Ciphertext that the system has not taken. Node knows it, and its own socket timeouts use it, but has no public name for it. */
export function unsentBytes(raw: Socket): number {
  const { _handle } = raw as Socket & { readonly _handle?: { readonly writeQueueSize?: number } | null }
  return _handle?.writeQueueSize ?? 0
}

/** Bytes that went through a socket in one direction; remains known after it is closed. */
export function bytesMoved(stream: Socket, direction: 'upload' | 'download'): number {
  return direction === 'upload' ? stream.bytesRead : stream.bytesWritten - stream.writableLength
}
