import { connect, type Socket } from 'node:net'
import { BackendError } from '../backend.ts'

/**
 * Opens the TCP connection under an SSH connection. Nagle's algorithm is off (it costs 40 ms a request with ssh2's small
 * writes), writes of one tick go out together, and the end of the stream destroys the socket, because ssh2 waits for a
 * close that a half-closed peer never brings. Throws BackendError `unavailable`.
 */
export async function openSocket(host: string, port: number, timeoutMs: number, signal: AbortSignal): Promise<Socket> {
  const slabs = new Slabs()
  const socket = connect({
    host,
    port,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: 30_000,
    onread: {
      buffer: () => slabs.room,
      callback: (bytes) => {
        socket.emit('data', slabs.take(bytes))
        return true
      },
    },
  })
  try {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no connection within ${timeoutMs / 1000} s`)), timeoutMs)
      const onAbort = () => reject(new Error('the gateway is stopping'))
      signal.addEventListener('abort', onAbort, { once: true })
      socket.once('connect', () => signal.removeEventListener('abort', onAbort))
      socket.once('close', () => signal.removeEventListener('abort', onAbort))
      if (signal.aborted) onAbort()
      socket.once('connect', resolve)
      socket.once('error', reject)
      socket.once('close', () => clearTimeout(timer))
      socket.once('connect', () => clearTimeout(timer))
    })
  } catch (cause) {
    socket.destroy()
    throw new BackendError('unavailable', `cannot connect to ${host}:${port}: ${(cause as Error).message}`, { cause })
  }
  socket.removeAllListeners('error')
  socket.on('error', () => socket.destroy())
  socket.on('end', () => socket.destroy())
  return coalesceWrites(socket)
}

/** For the answers to small requests, and for a file on its way. */
const slabs = { small: 32 * 1024, large: 1024 * 1024 } as const
/** The part of a slab that is too small for the next read. */
const restPart = 8

/**
 * Memory for what comes in, cut off pieces that nobody else uses, because ssh2 and the SFTP layer keep parts of it. More
 * at a time means fewer turns of the loop for a file; a connection that is quiet holds little.
 */
class Slabs {
  #slab: Buffer = Buffer.allocUnsafeSlow(slabs.small)
  #size: number = slabs.small

  /** Where the next bytes go. */
  get room(): Buffer {
    if (this.#slab.length < this.#size / restPart) this.#slab = Buffer.allocUnsafeSlow(this.#size)
    return this.#slab
  }

  /** The bytes that have come. A read that fills its room says that there is more. */
  take(bytes: number): Buffer {
    const taken = this.#slab.subarray(0, bytes)
    this.#slab = this.#slab.subarray(bytes)
    if (this.#slab.length === 0) this.#size = slabs.large
    else if (bytes < slabs.small / restPart) this.#shrink()
    return taken
  }

  #shrink(): void {
    if (this.#size === slabs.small) return
    this.#size = slabs.small
    this.#slab = Buffer.alloc(0)
  }
}

/** Bytes after which a tick's writes start flowing at once. */
const corkedMax = 128 * 1024

/** Corks the socket until the end of the tick, so that many small packets become one system call. */
function coalesceWrites(socket: Socket): Socket {
  const write = socket.write.bind(socket)
  let corked = false
  const uncork = () => {
    if (!corked) return
    corked = false
    socket.uncork()
  }
  socket.write = (chunk: Uint8Array | string, ...rest: never[]) => {
    if (!corked) {
      corked = true
      socket.cork()
      process.nextTick(uncork)
    }
    const more = write(chunk, ...rest)
    if (socket.writableLength >= corkedMax) uncork()
    return more
  }
  return socket
}
