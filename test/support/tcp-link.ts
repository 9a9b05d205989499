import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

type Direction = 'up' | 'down'

/** A line to a server of this machine, with faults of its own. */
export interface TcpLink {
  readonly port: number
  /** One bit of what passes next in this direction is turned over; `always`: one of every chunk from now on. */
  flip(direction: Direction, always?: boolean): void
  /** What comes from now on takes so long each way; not less than before. */
  slow(ms: number): void
  /** Nothing is turned over any more. */
  calm(): void
  /** Bits that were turned over. */
  readonly flips: number
  /** The most bytes that were under way to the server, and from it, at a time. */
  readonly peak: Readonly<Record<Direction, number>>
  stop(): Promise<void>
}

/** `delayMs`: each way. `spared`: what comes first on a connection and is never turned over, in bytes. */
export async function startTcpLink(
  target: { readonly host: string; readonly port: number },
  { host = '127.0.0.1', port = 0, delayMs = 0, spared = 0 } = {},
): Promise<TcpLink> {
  const sockets = new Set<Socket>()
  const peak = { up: 0, down: 0 }
  const wanted = { up: false, down: false }
  const always = { up: false, down: false }
  let flips = 0
  let delay = delayMs
  const server = createServer((near) => {
    const far = connect({ ...target })
    carry(near, far, 'up')
    carry(far, near, 'down')
  }).listen(port, host)

  function carry(from: Socket, to: Socket, direction: Direction): void {
    sockets.add(from)
    from.setNoDelay(true)
    let underWay = 0
    let passed = 0
    const later = (job: () => void) => (delay > 0 ? void setTimeout(job, delay) : job())
    from.on('data', (chunk: Buffer) => {
      const sent = spared <= passed && wanted[direction] ? turned(chunk) : chunk
      passed += chunk.length
      underWay += chunk.length
      peak[direction] = Math.max(peak[direction], underWay)
      later(() => {
        underWay -= chunk.length
        to.write(sent)
      })
    })
    from.on('error', () => undefined)
    from.on('close', () => {
      sockets.delete(from)
      later(() => void to.destroySoon())
    })
    function turned(chunk: Buffer): Buffer {
      wanted[direction] = always[direction]
      flips++
      const changed = Buffer.from(chunk)
      const at = changed.length >> 1
      changed[at] = (changed[at] ?? 0) ^ 1
      return changed
    }
  }

  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    flip(direction, every = false) {
      wanted[direction] = true
      always[direction] = every
    },
    slow(ms) {
      delay = ms
    },
    calm() {
      for (const direction of ['up', 'down'] as const) wanted[direction] = always[direction] = false
    },
    get flips() {
      return flips
    },
    peak,
    async stop() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
