import { setTimeout as sleep } from 'node:timers/promises'
import type { ServerChannel } from 'ssh2'
import { packet, u32 } from '../../../src/demo/wire.ts'
import { type Asked, askedBy, type Misdeed } from './scenario.ts'
import type { TreeService } from './tree-service.ts'

export interface ChannelPlan {
  readonly service: TreeService
  /** What befalls this request; undefined: nothing. */
  befalling(operation: string): Misdeed | undefined
  disconnect(): void
  farewell(): void
  /** The channel or its connection is gone. */
  readonly ended: AbortSignal
  /** A scenario that throws is a mistake in its test; ssh2 would swallow it. */
  onMistake(error: unknown): void
}

/** Serves SFTP on one channel: every request is answered at once and in order, unless a misdeed befalls it. */
export function serveChannel(
  channel: ServerChannel,
  { service, befalling, disconnect, farewell, ended, onMistake }: ChannelPlan,
): void {
  const held: Buffer[] = []
  const travelling: { readonly operation: string; readonly answer: Buffer }[] = []
  let dripped = Promise.resolve()

  const onRequest = (message: Buffer) => {
    const asked = askedBy(message)
    const misdeed = befalling(asked.operation)
    try {
      if (misdeed) commit(misdeed, asked)
      else channel.write(service.answer(asked))
    } catch (error) {
      onMistake(error)
    }
  }
  const commit = (misdeed: Misdeed, asked: Asked): void => {
    switch (misdeed.do) {
      case 'silence':
        return
      case 'status': {
        const text = Buffer.from(misdeed.text ?? '', 'latin1')
        channel.write(packet(101, u32(asked.id), u32(misdeed.code), u32(text.length), text, u32(0)))
        return
      }
      case 'answer':
        channel.write(packet(misdeed.type, u32(asked.id), misdeed.body))
        return
      case 'bytes':
        channel.write(misdeed.bytes)
        return
      case 'change':
        for (const bytes of misdeed.change(service.answer(asked), asked)) channel.write(bytes)
        return
      case 'hold':
        if (held.push(service.answer(asked)) === 1) {
          setTimeout(() => {
            for (const answer of held.splice(0).reverse()) channel.write(answer)
          }, misdeed.forMs)
        }
        return
      case 'travel':
        travelling.push({ operation: asked.operation, answer: service.answer(asked) })
        if (travelling.length > 1) return
        setTimeout(() => {
          const arrived = travelling.splice(0)
          misdeed.told(arrived.map(({ operation }) => operation))
          for (const { answer } of arrived) channel.write(answer)
        }, misdeed.forMs)
        return
      case 'drip':
        dripped = dripped.then(() => drip(channel, service.answer(asked), misdeed, ended))
        return
      case 'disconnect':
        if (misdeed.after === 'request') disconnect()
        else if (misdeed.after === 'farewell') farewell()
        else sendHalf(channel, service.answer(asked), disconnect)
        return
      case 'stderr':
        channel.stderr.write(Buffer.alloc(misdeed.bytes, 'error\n'), () => channel.write(service.answer(asked)))
        return
      case 'endOfData':
        channel.eof()
        return
      case 'closeChannel':
        channel.close()
    }
  }
  splitRequests(channel, onRequest)
  channel.on('error', () => {})
}

/** Half of the answer must have left the process before the socket goes. */
function sendHalf(channel: ServerChannel, answer: Buffer, disconnect: () => void): void {
  channel.write(answer.subarray(0, Math.ceil(answer.length / 2)), () => setImmediate(disconnect))
}

async function drip(
  channel: ServerChannel,
  answer: Buffer,
  { bytes, everyMs }: { readonly bytes: number; readonly everyMs: number },
  ended: AbortSignal,
): Promise<void> {
  for (let at = 0; at < answer.length && !ended.aborted; at += bytes) {
    channel.write(answer.subarray(at, at + bytes))
    await sleep(everyMs, undefined, { signal: ended }).catch(() => {})
  }
}

function splitRequests(channel: ServerChannel, onRequest: (message: Buffer) => void): void {
  let waiting: Buffer = Buffer.alloc(0)
  channel.on('data', (chunk: Buffer) => {
    waiting = waiting.length === 0 ? chunk : Buffer.concat([waiting, chunk])
    while (waiting.length >= 4 && waiting.length >= 4 + waiting.readUInt32BE(0)) {
      const end = 4 + waiting.readUInt32BE(0)
      const message = waiting.subarray(4, end)
      waiting = waiting.subarray(end)
      onRequest(message)
    }
  })
}
