import { createHash, randomBytes } from 'node:crypto'
import { type ByteString, toBuffer } from '../../ftp/bytes.ts'

/** NAME_MAX of every file system that matters. */
const nameBytesMax = 255
const pattern = /^\..+\.[0-9a-f]{8}(-[0-9a-f]{8})?\.part$/s

/** Eight hex digits that stand for a login in the names of its partial files. */
export function loginTag(username: string): string {
  return createHash('sha256').update(username).digest('hex').slice(0, 8)
}

/**
 * Where an upload is collected: `.<name>.<tag>.part` beside its target, so that the rename never crosses file systems.
 * `another`: a name that nobody has yet, for when the plain one is taken: by a crashed upload, by a second session of the
 * same login, or by another gateway. Two writers must never share a file.
 */
export function partPath(target: ByteString, tag: string, another: boolean): ByteString {
  const slash = target.lastIndexOf('/') + 1
  const ending = `.${tag}${another ? `-${randomBytes(4).toString('hex')}` : ''}.part`
  return `${target.slice(0, slash)}.${shortened(target.slice(slash), nameBytesMax - 1 - ending.length)}${ending}`
}

export function isPartName(name: ByteString): boolean {
  return pattern.test(name)
}

/** A name too long for the ending keeps its beginning and gets a hash for the rest, so it stays one of a kind. */
function shortened(name: ByteString, bytesMax: number): ByteString {
  if (name.length <= bytesMax) return name
  const hash = createHash('sha256').update(toBuffer(name)).digest('hex').slice(0, 16)
  return `${name.slice(0, bytesMax - 17)}~${hash}`
}
