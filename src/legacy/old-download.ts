import { readInto } from '../tls/read-into.ts'
import { cut, type DataSocket, dataLost, lingerMs, waitingMax } from './data-socket.ts'
import type { OldDownload } from './old-server.ts'
import { Slabs } from './slabs.ts'

/** What the old server sends over a data connection. */
export function oldDownload(socket: DataSocket): OldDownload {
  const slabs = new Slabs()
  return {
    get complete() {
      return socket.complete()
    },
    content: () => contentOf(socket, slabs),
    recycle: (chunk) => slabs.giveBack(chunk),
    drop: () => cut(socket),
  }
}

async function* contentOf(socket: DataSocket, slabs: Slabs): AsyncIterable<Buffer> {
  const { stream, ready, stallMs } = socket
  const chunks: Buffer[] = []
  let wake = () => {}
  const filled = (bytes: number) => {
    slabs.filled(bytes)
    wake()
    return slabs.waiting < waitingMax
  }
  await ready
  for (const event of ['end', 'close']) stream.on(event, () => wake())
  if (!readInto(stream, { room: () => slabs.room(), filled })) {
    stream.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      stream.pause()
      wake()
    })
  }
  for (;;) {
    const chunk = slabs.take() ?? chunks.shift()
    if (chunk) {
      if (slabs.waiting === 0) stream.resume()
      yield chunk
    } else if (stream.readableEnded) return leave(socket)
    else if (stream.destroyed) throw dataLost(stream.errored)
    else {
      const more = new Promise<void>((resolve) => {
        wake = resolve
      })
      stream.resume()
      await within(stallMs, more)
    }
  }
}

/** Some servers wait for our end before they say how it was. */
function leave({ stream, end }: DataSocket): void {
  end().catch(() => {})
  const timer = setTimeout(() => stream.destroy(), lingerMs)
  stream.once('close', () => clearTimeout(timer))
}

async function within(ms: number, event: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(dataLost(new Error(`it has sent nothing for ${ms} ms`))), ms)
  })
  await Promise.race([event, late]).finally(() => clearTimeout(timer))
}
