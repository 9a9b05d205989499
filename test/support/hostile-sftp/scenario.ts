import { request } from '../../../src/demo/wire.ts'

/** A request by name; an extended request by the name of its extension. */
export type Operation =
  | keyof typeof request
  | 'posix-rename@openssh.com'
  | 'fsync@openssh.com'
  | 'statvfs@openssh.com'
  | 'limits@openssh.com'

/** One request as it came. */
export interface Asked {
  readonly operation: string
  readonly type: number
  readonly id: number
  /** The packet without its length. */
  readonly message: Buffer
}

/**
 * What the server does instead of answering as it should. `status`, `answer`, `silence`, `bytes` and `closeChannel` do not
 * carry the request out; the others do, and spoil the answer.
 */
export type Misdeed =
  | { readonly do: 'silence' }
  | { readonly do: 'status'; readonly code: number; readonly text?: string }
  /** An answer of any type with the right id. */
  | { readonly do: 'answer'; readonly type: number; readonly body: Buffer }
  /** Anything, on the channel as it is. */
  | { readonly do: 'bytes'; readonly bytes: Buffer }
  /** Packets in place of the honest answer, which is whole, with its length. */
  | { readonly do: 'change'; change(answer: Buffer, asked: Asked): readonly Buffer[] }
  /** Answers are held for so long and then sent all together, the newest first. */
  | { readonly do: 'hold'; readonly forMs: number }
  /** A long way: what is asked before the first answer is back is one round trip, and is told when it is answered, in order. */
  | { readonly do: 'travel'; readonly forMs: number; told(roundTrip: readonly string[]): void }
  /** The honest answer, so many bytes at a time. */
  | { readonly do: 'drip'; readonly bytes: number; readonly everyMs: number }
  /** `farewell`: with SSH's DISCONNECT; else the socket just goes. */
  | { readonly do: 'disconnect'; readonly after: 'request' | 'halfAnswer' | 'farewell' }
  /** So many bytes of error text before the honest answer. */
  | { readonly do: 'stderr'; readonly bytes: number }
  /** The end of data, but not of the channel. */
  | { readonly do: 'endOfData' }
  | { readonly do: 'closeChannel' }

/** Which requests are treated how. */
export interface Fault {
  readonly on: Operation | 'any'
  /** The first request that it befalls, of those that it is about; from 1, which is the default. */
  readonly nth?: number
  /** How many requests it befalls from there; 1 by default. */
  readonly times?: number
  /** Only this login, one of several victims; all of them by default. */
  readonly login?: string
  /** Only on this channel of the connection, from 1; on all by default. */
  readonly channel?: number
  readonly does: Misdeed
}

/** Counts requests, and finds the fault that befalls one. */
export class Scenario {
  readonly #faults: readonly Fault[]
  readonly #seen: number[]
  constructor(faults: readonly Fault[]) {
    this.#faults = faults
    this.#seen = faults.map(() => 0)
  }

  befalling(operation: string, login: string, channel: number): Misdeed | undefined {
    let found: Misdeed | undefined
    for (const [i, fault] of this.#faults.entries()) {
      if (fault.on !== 'any' && fault.on !== operation) continue
      if (fault.login !== undefined && fault.login !== login) continue
      if (fault.channel !== undefined && fault.channel !== channel) continue
      const count = (this.#seen[i] ?? 0) + 1
      this.#seen[i] = count
      const first = fault.nth ?? 1
      if (count >= first && count < first + (fault.times ?? 1)) found ??= fault.does
    }
    return found
  }
}

const names = new Map<number, string>(Object.entries(request).map(([name, type]) => [type, name]))

/** Reads the head of a request. */
export function askedBy(message: Buffer): Asked {
  const type = message.readUInt8(0)
  const id = message.readUInt32BE(1)
  const extended = type === request.extended
  const operation = extended ? message.toString('latin1', 9, 9 + message.readUInt32BE(5)) : (names.get(type) ?? '')
  return { operation, type, id, message }
}
