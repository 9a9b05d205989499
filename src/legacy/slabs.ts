/** Bytes of one slab; what has come is passed on in pieces as large as there is to pass on. */
const slabBytes = 256 * 1024
const sparesMax = 8
/** Slabs of connections that are closed, for the next ones. */
const spares: Buffer[] = []

interface Slab {
  readonly memory: Buffer
  filled: number
  taken: number
  /** Pieces that somebody still reads. */
  out: number
}

/**
 * Memory between two sockets: filled at one end, read in pieces at the other, and used again when a piece is given back. A
 * fresh buffer for each TLS record would keep the collector busy, which sees late how large they are.
 */
export class Slabs {
  readonly #open: Slab[] = []
  readonly #slabs = new Map<ArrayBufferLike, Slab>()
  #waiting = 0

  /** Bytes that have come and were not taken. */
  get waiting(): number {
    return this.#waiting
  }

  /** Where the next bytes go; never empty. */
  room(): Buffer {
    const last = this.#open.at(-1)
    if (last && last.filled < last.memory.length) return last.memory.subarray(last.filled)
    const memory = spares.pop() ?? Buffer.allocUnsafeSlow(slabBytes)
    const slab = { memory, filled: 0, taken: 0, out: 0 }
    this.#open.push(slab)
    this.#slabs.set(memory.buffer, slab)
    return memory
  }

  filled(bytes: number): void {
    const last = this.#open.at(-1)
    if (!last) return
    last.filled += bytes
    this.#waiting += bytes
  }

  /** The oldest bytes; undefined when there are none. */
  take(): Buffer | undefined {
    const [slab] = this.#open
    if (!slab || slab.taken === slab.filled) return undefined
    const piece = slab.memory.subarray(slab.taken, slab.filled)
    slab.taken = slab.filled
    slab.out++
    this.#waiting -= piece.length
    if (slab.filled === slab.memory.length) this.#open.shift()
    return piece
  }

  /** Nobody reads the piece any more. */
  giveBack(piece: Buffer): void {
    const slab = this.#slabs.get(piece.buffer)
    if (!slab) return
    slab.out--
    if (slab.out > 0 || slab.taken < slab.memory.length) return
    this.#slabs.delete(piece.buffer)
    if (spares.length < sparesMax) spares.push(slab.memory)
  }
}
