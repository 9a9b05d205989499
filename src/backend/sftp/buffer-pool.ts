import { requestBytesMax } from './wire.ts'

/**
 * Buffers of one size that are used again and again: a fresh 255 KiB buffer for every request would keep the garbage
 * collector busy with memory that it cannot see. Whoever takes a buffer may keep it; giving back is a favour.
 */
export class BufferPool {
  readonly #bytes: number
  readonly #spares: ArrayBufferLike[] = []
  readonly #own = new WeakSet<ArrayBufferLike>()
  readonly #sparesMax: number

  /** `bytes`: size of every buffer; `heldMax`: bytes of unused buffers that are kept. */
  constructor(bytes: number, heldMax: number) {
    this.#bytes = bytes
    this.#sparesMax = Math.max(1, Math.floor(heldMax / bytes))
  }

  /** A buffer of just this length with any content. Small ones, and ones too large for the pool, are ordinary. */
  take(length: number): Buffer {
    if (length > this.#bytes || length <= this.#bytes / 2) return Buffer.allocUnsafe(length)
    const spare = this.#spares.pop()
    if (spare) return Buffer.from(spare, 0, length)
    const fresh = Buffer.allocUnsafeSlow(this.#bytes)
    this.#own.add(fresh.buffer)
    return fresh.subarray(0, length)
  }

  /** Takes the memory under a buffer, or under a view of one, back; its content is no longer the caller's. Once only. */
  giveBack({ buffer }: Buffer): void {
    if (this.#own.has(buffer) && this.#spares.length < this.#sparesMax) this.#spares.push(buffer)
  }
}

/** Memory for the large answers of all sessions; a READ's data is a view of one: type, id, length, data. */
export const answerBuffers = new BufferPool(9 + requestBytesMax, 16 * 1024 * 1024)

/** Memory for the WRITEs of all uploads: header, a handle of up to 256 bytes, data. */
export const messageBuffers = new BufferPool(25 + 256 + requestBytesMax, 16 * 1024 * 1024)
