/** A part of a file, from its first byte to its last, both counted from 0. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/** No more than so many bytes of the content, which is not asked for any after them. */
export async function* firstBytes(content: AsyncIterable<Buffer>, bytes: number): AsyncGenerator<Buffer> {
  let left = bytes
  if (left === 0) return
  for await (const chunk of content) {
    yield left < chunk.length ? chunk.subarray(0, left) : chunk
    left -= chunk.length
    if (left <= 0) return
  }
}
