import { createHash, randomBytes } from 'node:crypto'
import { type ByteString, toBuffer } from '../../ftp/bytes.ts'

/** NAME_MAX of every file system that matters. */
const nameBytesMax = 255
const pattern = /^\..+\.([0-9a-f]{8})(-[0-9a-f]{8})?\.part$/s

/** Eight hex digits that stand for a login in the names of its partial files. */
export function loginTag(owner: string): string {
  return createHash('sha256').update(owner).digest('hex').slice(0, 8)
}

/**
 * Where an upload is collected: `.<name>.<tag>-<8 hex>.part` beside its target, so that the rename never crosses file
 * systems. The name is used once. A server that was taken for lost may still carry out a rename that it was sent; under a
 * name that is used again it would move another upload's half to the final name.
 */
export function collectingPath(target: ByteString, tag: string): ByteString {
  return beside(target, `.${tag}-${randomBytes(4).toString('hex')}.part`)
}

/** Where an interrupted upload waits to be continued: `.<name>.<tag>.part`, the same for a login and a target always. */
export function keptPath(target: ByteString, tag: string): ByteString {
  return beside(target, `.${tag}.part`)
}

export function isPartName(name: ByteString): boolean {
  return pattern.test(name)
}

/** Whether the name is that of a partial file of this login, and which of the two kinds. */
export function partOf(name: ByteString, tag: string): 'collecting' | 'kept' | undefined {
  const [, owner, another] = pattern.exec(name) ?? []
  if (owner !== tag) return undefined
  return another === undefined ? 'kept' : 'collecting'
}

function beside(target: ByteString, ending: string): ByteString {
  const slash = target.lastIndexOf('/') + 1
  return `${target.slice(0, slash)}.${shortened(target.slice(slash), nameBytesMax - 1 - ending.length)}${ending}`
}

/** A name too long for the ending keeps its beginning and gets a hash for the rest, so it stays one of a kind. */
function shortened(name: ByteString, bytesMax: number): ByteString {
  if (name.length <= bytesMax) return name
  const hash = createHash('sha256').update(toBuffer(name)).digest('hex').slice(0, 16)
  return `${name.slice(0, bytesMax - 17)}~${hash}`
}
