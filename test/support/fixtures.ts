import { createCipheriv, createHash } from 'node:crypto'
import { createReadStream, readdirSync, readFileSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'

/** A file with known content. */
export interface Fixture {
  readonly path: string
  readonly bytes: number
  /** Hexadecimal SHA-256 of the content. */
  readonly sha256: string
}

const chunkBytes = 4 * 1024 * 1024

/** Writes a file of noise that is the same in every run; a byte lost, doubled or moved anywhere changes its hash. */
export async function makeFixture(folder: string, bytes: number): Promise<Fixture> {
  const path = join(folder, `${bytes}.bin`)
  const noise = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16))
  const zeros = Buffer.alloc(Math.min(chunkBytes, bytes))
  const hash = createHash('sha256')
  const file = await open(path, 'w')
  try {
    for (let left = bytes; left > 0; left -= chunkBytes) {
      const chunk = noise.update(zeros.subarray(0, Math.min(chunkBytes, left)))
      hash.update(chunk)
      await file.write(chunk)
    }
  } finally {
    await file.close()
  }
  return { path, bytes, sha256: hash.digest('hex') }
}

/** Hexadecimal SHA-256 of a file; the path may be a Buffer, for names that are not UTF-8. */
export async function sha256(path: string | Buffer): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), hash)
  return hash.digest('hex')
}

/** The names in a folder as byte strings, sorted. */
export function namesIn(folder: string): string[] {
  return readdirSync(folder, 'latin1').sort()
}

const keptPart = /^\.(.*)\.[0-9a-f]{8}\.part$/s

/** The names in a folder as its users see them: without what is kept of interrupted uploads. */
export function finishedIn(folder: string): string[] {
  return namesIn(folder).filter((name) => !keptPart.test(name))
}

/** What is kept of interrupted uploads in a folder, by the name that each was to have. */
export function keptIn(folder: string): Map<string, Buffer> {
  const names = namesIn(folder).flatMap((name) => keptPart.exec(name)?.slice(0, 2) ?? [])
  const kept = new Map<string, Buffer>()
  for (let i = 0; i < names.length; i += 2) kept.set(names[i + 1] ?? '', readFileSync(pathOf(folder, names[i] ?? '')))
  return kept
}

/** The path of a name in a folder, bytes kept. */
export function pathOf(folder: string, name: string): Buffer {
  return Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(name, 'latin1')])
}

/** Empties a folder and keeps it. */
export function emptyFolder(folder: string): void {
  for (const name of readdirSync(folder, 'buffer')) {
    rmSync(Buffer.concat([Buffer.from(`${folder}/`), name]), { recursive: true })
  }
}
