import { Writable } from 'node:stream'
import type { ByteTarget, Upload } from '../../src/backend/backend.ts'
import { DataChannel, type DataChannelOptions } from '../../src/data/data-channel.ts'
import { PassivePorts } from '../../src/data/passive-ports.ts'
import { SourcePorts } from '../../src/data/source-ports.ts'
import type { Event } from '../../src/observe/observer.ts'
import { createTls, type SessionTls, type Tls, type TlsSettings } from '../../src/tls/session-tls.ts'
import { testCertificate } from './certificates.ts'

export async function testTls(settings: Partial<TlsSettings> = {}): Promise<Tls> {
  return createTls({
    certificates: [await testCertificate()],
    minVersion: 'TLSv1.2',
    ...settings,
  })
}

export interface TestChannel {
  readonly channel: DataChannel
  readonly ports: PassivePorts
  readonly events: Event[]
}

/** A data channel of a session between 127.0.0.1 and itself, with all that it reported. */
export function testChannel(tls: SessionTls | undefined, options: Partial<DataChannelOptions> = {}): TestChannel {
  const events: Event[] = []
  const observer = (event: Event) => void events.push(event)
  const ports = options.ports ?? new PassivePorts({ first: 0, last: 0 }, observer)
  const channel = new DataChannel({
    session: 'test',
    clientAddress: '127.0.0.1',
    localAddress: '127.0.0.1',
    ports,
    advertise: async (_client, local) => local,
    sourcePorts: new SourcePorts({ first: 0, last: 0 }, observer),
    isListener: () => false,
    timeouts: { dataConnectMs: 10_000, handshakeMs: 10_000 },
    observer,
    ...options,
  })
  channel.tls = tls
  return { channel, ports, events }
}

/** Keeps what is written to it; each write takes `writeMs`. */
export class MemorySink extends Writable {
  readonly #chunks: Buffer[] = []
  readonly #writeMs: number

  constructor(writeMs = 0) {
    super({ highWaterMark: 16_384 })
    this.#writeMs = writeMs
  }
  get content(): Buffer {
    return Buffer.concat(this.#chunks)
  }
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#chunks.push(chunk)
    if (this.#writeMs === 0) done()
    else setTimeout(done, this.#writeMs)
  }
}

/** How an upload's bytes get into its sink: written to it, or put where it wants them. */
export const manners = ['written', 'direct'] as const

/** An upload into this sink; its room is of a length that fits neither records nor anything else. */
export function uploadInto(sink: Writable, manner: (typeof manners)[number]): Pick<Upload, 'sink' | 'direct'> {
  if (manner === 'written') return { sink }
  const room = Buffer.alloc(10_007)
  const direct: ByteTarget = {
    room: () => room,
    filled: (bytes) => sink.destroyed || sink.write(Buffer.from(room.subarray(0, bytes))),
    onRoom: () => {},
  }
  sink.on('drain', () => direct.onRoom())
  return { sink, direct }
}

/** Resolves when the condition holds; rejects, naming it, when it does not come true in time. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`it never came true that ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
