import type { Socket } from 'node:net'

interface Target {
  /** Where the next bytes go; never empty, and asked for again after each `filled`. */
  room(): Buffer
  /** So many bytes are in the room now; false pauses the socket. Some that were on their way may still come. */
  filled(bytes: number): boolean
}

/** What net.Socket's `onread` option sets; a TLSSocket around a given socket has no such option, but the same inside. */
interface Internals {
  readonly buffer: symbol
  readonly callback: symbol
  readonly generator: symbol
}

interface Handle {
  useUserBuffer(buffer: Buffer): void
}

/**
 * Makes a socket read into `target` and no longer into chunks of its own: a TLS record is 16 KiB, and a fresh buffer, a
 * stream's queue and a copy for each of them cost more than its decryption. The stream goes on to tell its end, errors and
 * close, and `pause` and `resume` work. False, and nothing has changed, where this Node is not made as it is expected to be.
 */
export function readInto(socket: Socket, target: Target): boolean {
  const { _handle: handle } = socket as unknown as { readonly _handle?: Handle | null }
  const internals = internalsOf(socket)
  if (!internals || typeof handle?.useUserBuffer !== 'function') return false
  // What came before anybody asked.
  for (let early: Buffer | null = socket.read(); early !== null; early = socket.read()) copyInto(target, early)
  const slots = socket as unknown as Record<symbol, unknown>
  const first = target.room()
  slots[internals.buffer] = first
  slots[internals.callback] = (bytes: number) => target.filled(bytes)
  slots[internals.generator] = () => target.room()
  handle.useUserBuffer(first)
  return true
}

function copyInto(target: Target, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) {
    const copied = bytes.copy(target.room(), 0, at)
    target.filled(copied)
    at += copied
  }
}

function internalsOf(socket: Socket): Internals | undefined {
  const symbols = new Map(Object.getOwnPropertySymbols(socket).map((symbol) => [symbol.description, symbol]))
  const [buffer, callback, generator] = ['kBuffer', 'kBufferCb', 'kBufferGen'].map((name) => symbols.get(name))
  return buffer && callback && generator ? { buffer, callback, generator } : undefined
}
