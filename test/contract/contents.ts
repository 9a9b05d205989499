import { createCipheriv, createHash } from 'node:crypto'

/** Bytes of which no two stretches are equal, so that what comes back in the wrong order is noticed; the same each time. */
export function distinctBytes(length: number, seed = 0): Buffer {
  const key = Buffer.alloc(16, seed)
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length))
}

/** More than every window, request and queue on the way, and no multiple of any. */
export const largeBytes = 24 * 1024 * 1024 + 12_345

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
