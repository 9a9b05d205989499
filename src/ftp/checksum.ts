import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'

/** By the names of draft-bryan-ftpext-hash; the first is what HASH begins with. */
export const checksumNames = ['SHA-256', 'SHA-512', 'SHA-1', 'MD5', 'CRC32'] as const
export type ChecksumName = (typeof checksumNames)[number]

/** A sum over bytes that come in pieces. */
export interface Checksum {
  add(bytes: Buffer): void
  /** Lower case; to be asked for once. */
  hex(): string
}

export function checksum(name: ChecksumName): Checksum {
  if (name === 'CRC32') return crc()
  const hash = createHash(name.replace('-', '').toLowerCase())
  return {
    add: (bytes) => void hash.update(bytes),
    hex: () => hash.digest('hex'),
  }
}

function crc(): Checksum {
  let value = 0
  return {
    add(bytes) {
      value = crc32(bytes, value)
    },
    hex: () => value.toString(16).padStart(8, '0'),
  }
}
