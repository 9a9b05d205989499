import type { Socket } from 'node:net'
import { BackendError } from '../backend/backend.ts'

/** Bytes of a transfer that may wait in the gateway for whoever is slower. */
export const waitingMax = 512 * 1024
/** For the server to read our last bytes and to end its side. */
export const lingerMs = 15_000

/** An open data connection to the old server. */
export interface DataSocket {
  readonly raw: Socket
  /** The TLS on it, or the same. */
  readonly stream: Socket
  /** Rejects when the handshake fails; the connection is gone then. */
  readonly ready: Promise<void>
  /** Whether the server has ended in a way that nobody in between can make: by close_notify where there is TLS. */
  readonly complete: () => boolean
  /** Ends our side, without waiting for the server's. */
  readonly end: () => Promise<void>
  /** How long nothing may move while it is the server's turn. */
  readonly stallMs: number
}

/** Drops a connection by a reset: some servers take a mere FIN for the end of a file, with TLS, too. */
export function cut({ raw, stream }: DataSocket): void {
  if (!raw.destroyed) raw.resetAndDestroy()
  stream.destroy()
}

export function dataLost(cause: unknown): BackendError {
  if (cause instanceof BackendError) return cause
  const why = cause instanceof Error ? cause.message : 'it has closed the connection'
  return new BackendError('failed', `data connection to the old server: ${why}`, { cause })
}
