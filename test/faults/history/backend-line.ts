import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** The line between the gateway and its backend, for as long as it holds. */
export interface BackendLine {
  readonly port: number
  /** Resets every connection. */
  cut(): void
  /** Resets one of them: the oldest is 0, -1 the newest. */
  cutOne(which: number): void
  readonly connections: number
  /** Lets nothing pass in either direction; connections stay. */
  freeze(frozen: boolean): void
  /** Leads new connections to another port. */
  lead(target: number): void
  /** Whether new connections come through. */
  open(open: boolean): void
  stop(): Promise<void>
}

export async function startBackendLine(first: number): Promise<BackendLine> {
  const pairs = new Set<readonly [Socket, Socket]>()
  let target = first
  let frozen = false
  let isOpen = true
  const server = createServer((near) => {
    if (!isOpen) {
      near.resetAndDestroy()
      return
    }
    const far = connect(target, '127.0.0.1')
    const pair = [near, far] as const
    pairs.add(pair)
    for (const [from, to] of [pair, [far, near] as const]) {
      from.setNoDelay(true)
      from.on('data', (chunk: Buffer) => {
        if (!to.write(chunk)) from.pause()
      })
      to.on('drain', () => frozen || from.resume())
      from.on('error', () => {})
      from.on('close', () => {
        pairs.delete(pair)
        to.destroy()
      })
    }
    if (frozen) for (const socket of pair) socket.pause()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cut = () => {
    for (const pair of pairs) for (const socket of pair) socket.resetAndDestroy()
  }
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    cutOne(which) {
      for (const socket of [...pairs].at(which) ?? []) socket.resetAndDestroy()
    },
    get connections() {
      return pairs.size
    },
    freeze(value) {
      frozen = value
      for (const pair of pairs) for (const socket of pair) value ? socket.pause() : socket.resume()
    },
    lead(port) {
      target = port
    },
    open(value) {
      isOpen = value
    },
    async stop() {
      cut()
      server.close()
      await once(server, 'close')
    },
  }
}
