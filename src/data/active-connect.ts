import { connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { type Address, formatAddress } from './addresses.ts'
import { DataConnectionError } from './data-error.ts'
import type { SourcePorts } from './source-ports.ts'

/** Before each try; a client on a slow host may listen only after it has read the reply to PORT. */
const pausesMs = [0, 250, 750]

export interface ConnectOptions {
  /** Numeric; firewalls of clients expect the address that they know from the control connection. */
  readonly localAddress: string
  readonly sourcePorts: SourcePorts
  /** For all tries together. */
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/** Connects to where the client listens (PORT, EPRT). Throws DataConnectionError `refused`, `timeout` or `aborted`. */
export async function connectToClient(address: Address, options: ConnectOptions): Promise<Socket> {
  const deadline = performance.now() + options.timeoutMs
  let cause: unknown
  for (const pauseMs of pausesMs) {
    try {
      if (pauseMs > 0) await pause(pauseMs, undefined, { signal: options.signal })
      return await tryOnce(address, options, deadline)
    } catch (error) {
      if (options.signal.aborted) throw new DataConnectionError('aborted', 'aborted while connecting to the client')
      if (error instanceof DataConnectionError) throw error
      cause = error
    }
  }
  const why = cause instanceof Error ? cause.message : String(cause)
  throw new DataConnectionError('refused', `cannot connect to ${formatAddress(address.host, address.port)}: ${why}`, {
    cause,
  })
}

/** One try, from the first of our own ports that can be used for this client. */
async function tryOnce(address: Address, options: ConnectOptions, deadline: number): Promise<Socket> {
  const ports = options.sourcePorts.candidates()
  for (const port of ports) {
    try {
      return await connectFrom(port, address, options, deadline - performance.now())
    } catch (error) {
      if (!options.sourcePorts.isToBlame(port, (error as NodeJS.ErrnoException).code)) throw error
    }
  }
  throw new Error('unreachable: the last candidate is any port, which is never to blame')
}

function connectFrom(
  localPort: number,
  { host, port }: Address,
  { localAddress, signal }: ConnectOptions,
  timeoutMs: number,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host,
      port,
      localAddress,
      ...(localPort !== 0 && { localPort }),
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: 30_000,
    })
    const settle = (error?: Error) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      if (error) {
        socket.destroy()
        reject(error)
      } else {
        resolve(socket)
      }
    }
    const onAbort = () => settle(new DataConnectionError('aborted', 'aborted while connecting to the client'))
    const timer = setTimeout(
      () => settle(new DataConnectionError('timeout', `no answer from ${formatAddress(host, port)}`)),
      Math.max(timeoutMs, 1),
    )
    // Stays for the life of the socket: it is unowned for a moment between here and its use.
    socket.on('error', settle)
    socket.once('connect', () => settle())
    signal.addEventListener('abort', onAbort)
    if (signal.aborted) onAbort()
  })
}
