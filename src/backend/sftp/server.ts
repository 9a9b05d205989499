import {
  type Capabilities,
  type CapabilityOverrides,
  type Lesson,
  requestBytesWithoutLimits,
  unknownServer,
  writeHeaderBytes,
} from './capabilities.ts'
import { SftpStatusError } from './failures.ts'
import { quirkOf } from './quirks.ts'
import type { Limits, SftpClient } from './sftp-client.ts'
import { extension, requestBytesMax } from './wire.ts'

/** What a server says of itself when a channel is opened. */
export interface Offer {
  readonly extensions: ReadonlyMap<string, string>
  /** Largest payload of one SSH packet. */
  readonly packetSize: number
}

/** What the servers of one backend have taught. It is forgotten when another server answers (an update, a new product). */
export class LearnedCapabilities {
  readonly #overrides: CapabilityOverrides
  #memory = new Memory('')

  constructor(overrides: CapabilityOverrides = {}) {
    this.#overrides = overrides
  }

  /** What holds before the server has said anything, its banner included. */
  get beforeBanner(): Pick<Capabilities, 'keepalive'> {
    return { ...unknownServer, ...this.#overrides }
  }

  /** The server behind one connection: what its banner, its offer (once there is a channel) and others' lessons say. */
  server(banner: string = this.#memory.banner, offer?: Offer): Server {
    if (this.#memory.banner !== banner) this.#memory = new Memory(banner)
    return new Server(this.#memory, offer, this.#overrides)
  }
}

class Memory {
  readonly banner: string
  lesson: Lesson = {}
  limits: Limits | undefined
  constructor(banner: string) {
    this.banner = banner
  }
}

/** One server as one connection sees it. */
export class Server {
  readonly #memory: Memory
  readonly #offer: Offer | undefined
  readonly #overrides: CapabilityOverrides
  #seen: { readonly lesson: Lesson; readonly limits: Limits | undefined; readonly record: Capabilities } | undefined

  constructor(memory: Memory, offer: Offer | undefined, overrides: CapabilityOverrides) {
    this.#memory = memory
    this.#offer = offer
    this.#overrides = overrides
  }

  get banner(): string {
    return this.#memory.banner
  }

  /** As it is known now: ask each time, others may have learned since. */
  get can(): Capabilities {
    const { lesson, limits, banner } = this.#memory
    if (this.#seen?.lesson === lesson && this.#seen.limits === limits) return this.#seen.record
    const record = Object.freeze({
      ...unknownServer,
      ...fittingPacket(this.#offer),
      ...quirkOf(banner)?.overrides,
      ...offered(this.#offer, limits),
      ...lesson,
      ...this.#overrides,
    })
    this.#seen = { lesson, limits, record }
    return record
  }

  learn(lesson: Lesson): void {
    this.#memory.lesson = { ...this.#memory.lesson, ...lesson }
  }

  /** Asks for the limits where the server tells them and nobody has asked this one before. */
  async askLimits(client: Pick<SftpClient, 'offers' | 'limits'>): Promise<void> {
    if (this.#memory.limits !== undefined || !client.offers(extension.limits)) return
    try {
      this.#memory.limits = await client.limits()
    } catch (error) {
      // A server that offers limits and does not tell them is treated as one without.
      if (!(error instanceof SftpStatusError)) throw error
    }
  }
}

function fittingPacket(offer: Offer | undefined): Partial<Capabilities> {
  if (!offer || offer.packetSize <= writeHeaderBytes) return {}
  return { writeBytes: Math.min(offer.packetSize, requestBytesWithoutLimits) - writeHeaderBytes }
}

function offered(offer: Offer | undefined, limits: Limits | undefined): Partial<Capabilities> {
  const has = (name: string) => offer?.extensions.has(name) === true
  return {
    ...(has(extension.posixRename) && { rename: 'posix' as const }),
    ...(has(extension.fsync) && { fsync: true }),
    // 0 means that there is no limit, or none that the server knows.
    ...(limits?.read && { readBytes: within(limits.read) }),
    ...(limits?.write && { writeBytes: within(limits.write) }),
  }
}

/** Limits below this contradict the draft, and would make a flood of requests of one file. */
const requestBytesMin = 4 * 1024

function within(bytes: number): number {
  return Math.max(requestBytesMin, Math.min(bytes, requestBytesMax))
}
