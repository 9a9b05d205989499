import type { Socket } from 'node:net'

/**
 * Tells, at the 'end' of a socket, whether it was a TCP reset, with the error if so. libuv reports an end of the stream
 * instead of ECONNRESET when the reset comes together with data (EPOLLHUP after a partial read), so a broken upload
 * would look complete. A write of nothing sends nothing, but makes the system say what became of the connection; EPIPE
 * means that a FIN had come before the reset, which makes the end a true one.
 */
export function askForReset(raw: Socket, answer: (reset: Error | undefined) => void): void {
  if (!raw.writable) {
    answer(undefined)
    return
  }
  raw.write(Buffer.alloc(0), (error?: NodeJS.ErrnoException | null) => {
    answer(error && error.code !== 'EPIPE' ? error : undefined)
  })
}
