/** Bytes in, bytes out, in order; the chunks may be cut otherwise. */
type Transform = (source: AsyncIterable<Buffer>) => AsyncGenerator<Buffer, void, undefined>

/** What a TYPE does to a file on its way to the client and back. */
export interface Conversion {
  readonly toNetwork: Transform
  readonly fromNetwork: Transform
}

const cr = 0x0d
const lf = 0x0a

/**
 * TYPE A towards the client (RFC 959 section 3.1.1.1): a LF without CR before it becomes CRLF. CRLF and lone CR stay, so
 * text that is stored with CRLF is not doubled. Chunks without bare LF pass as they are.
 */
export async function* toNetworkLines(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  let afterCr = false
  for await (const chunk of source) {
    if (chunk.length === 0) continue
    yield insertCr(chunk, afterCr)
    afterCr = chunk[chunk.length - 1] === cr
  }
}

/**
 * TYPE A from the client: CRLF becomes LF; a lone CR stays. A CR at the end of a chunk waits for the next byte. Fits
 * into `pipeline`. Chunks without CRLF pass as they are.
 */
export async function* fromNetworkLines(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  let heldCr = false
  for await (const chunk of source) {
    if (chunk.length === 0) continue
    if (heldCr && chunk[0] !== lf) yield Buffer.of(cr)
    heldCr = chunk[chunk.length - 1] === cr
    const text = removeCr(heldCr ? chunk.subarray(0, -1) : chunk)
    if (text.length > 0) yield text
  }
  if (heldCr) yield Buffer.of(cr)
}

/** The bytes after the first `count`: REST in TYPE A counts converted bytes (RFC 3659 section 5). */
export async function* skipBytes(
  source: AsyncIterable<Buffer>,
  count: number,
): AsyncGenerator<Buffer, void, undefined> {
  let left = count
  for await (const chunk of source) {
    if (left < chunk.length) yield left === 0 ? chunk : chunk.subarray(left)
    left = Math.max(left - chunk.length, 0)
  }
}

function insertCr(chunk: Buffer, afterCr: boolean): Buffer {
  let out: Buffer | undefined
  let length = 0
  let copied = 0
  for (let at = chunk.indexOf(lf); at !== -1; at = chunk.indexOf(lf, at + 1)) {
    if (at === 0 ? afterCr : chunk[at - 1] === cr) continue
    out ??= Buffer.allocUnsafe(chunk.length * 2)
    length = append(out, length, chunk, copied, at)
    out[length] = cr
    length += 1
    copied = at
  }
  if (out === undefined) return chunk
  return out.subarray(0, append(out, length, chunk, copied, chunk.length))
}

function removeCr(chunk: Buffer): Buffer {
  let out: Buffer | undefined
  let length = 0
  let copied = 0
  for (let at = chunk.indexOf(lf, 1); at !== -1; at = chunk.indexOf(lf, at + 1)) {
    if (chunk[at - 1] !== cr) continue
    out ??= Buffer.allocUnsafe(chunk.length)
    length = append(out, length, chunk, copied, at - 1)
    copied = at
  }
  if (out === undefined) return chunk
  return out.subarray(0, append(out, length, chunk, copied, chunk.length))
}

/** Below this many bytes a loop is faster than a call of `copy`; most lines of text are. */
const loopMax = 64

function append(out: Buffer, length: number, chunk: Buffer, from: number, to: number): number {
  if (to - from >= loopMax) return length + chunk.copy(out, length, from, to)
  let end = length
  for (let i = from; i < to; i++) {
    out[end] = chunk[i] ?? 0
    end += 1
  }
  return end
}
