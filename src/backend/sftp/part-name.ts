import { createHash, randomBytes } from 'node:crypto'
import { type ByteString, toBuffer } from '../../ftp/bytes.ts'

/** NAME_MAX of every file system that matters. */
const nameBytesMax = 255
const pattern = /^\.(.+)\.([0-9a-f]{8})(?:-([sgc])([0-9a-f]{4})([0-9a-f]{4})[0-9a-f]{8})?\.part$/s
/** That of the longer ending, so that both kinds of names shorten a long name to the same. */
const baseBytesMax = nameBytesMax - 1 - '.01234567-s0123456701234567.part'.length

/** Which gateway, and which run of it, a file that is being written belongs to. */
export interface GatewayMark {
  /** Four hex digits that a gateway has again after a restart. */
  readonly instance: string
  /** Four hex digits of this run. */
  readonly run: string
  /** Milliseconds since 1970. */
  readonly startedAt: number
}

/** How the bytes come: each behind the one before, or with gaps meanwhile, or from another file that is copied. */
export type Filling = 'sequence' | 'gaps' | 'copy'
const letters = { sequence: 's', gaps: 'g', copy: 'c' } as const
const fillings: Readonly<Record<string, Filling>> = { s: 'sequence', g: 'gaps', c: 'copy' }

/** Whose a temporary file is. */
export interface PartOwner {
  /** See `loginTag`. */
  readonly tag: string
  readonly gateway: GatewayMark
}

/** Eight hex digits that stand for a login in the names of its partial files. */
export function loginTag(owner: string): string {
  return createHash('sha256').update(owner).digest('hex').slice(0, 8)
}

/**
 * Where an upload is collected: `.<name>.<tag>-<filling><instance><run><8 hex>.part` beside its target, so that the rename
 * never crosses file systems. The name is used once. A server that was taken for lost may still carry out a rename that it
 * was sent; under a name that is used again it would move another upload's half to the final name.
 */
export function collectingPath(target: ByteString, { tag, gateway }: PartOwner, filling: Filling): ByteString {
  const { instance, run } = gateway
  return beside(target, `.${tag}-${letters[filling]}${instance}${run}${randomBytes(4).toString('hex')}.part`)
}

/** Where an interrupted upload waits to be continued: `.<name>.<tag>.part`, the same for a login and a target always. */
export function keptPath(target: ByteString, tag: string): ByteString {
  return beside(target, `.${tag}.part`)
}

export function isPartName(name: ByteString): boolean {
  return pattern.test(name)
}

export type Part =
  | { readonly kind: 'kept'; readonly base: ByteString }
  | {
      readonly kind: 'collecting'
      readonly base: ByteString
      readonly filling: Filling
      readonly instance: string
      readonly run: string
    }

/** What a name says, where it is that of a partial file of this login. */
export function partOf(name: ByteString, tag: string): Part | undefined {
  const [, base = '', owner, letter = '', instance = '', run = ''] = pattern.exec(name) ?? []
  if (owner !== tag) return undefined
  const filling = fillings[letter]
  return filling ? { kind: 'collecting', base, filling, instance, run } : { kind: 'kept', base }
}

/** Whether what a partial file's name says of its target is the target's name, which was not too long for that. */
export function isWhole(base: ByteString): boolean {
  return base.length < baseBytesMax
}

function beside(target: ByteString, ending: string): ByteString {
  const slash = target.lastIndexOf('/') + 1
  return `${target.slice(0, slash)}.${shortened(target.slice(slash), baseBytesMax)}${ending}`
}

/** A name too long for the ending keeps its beginning and gets a hash for the rest, so it stays one of a kind. */
function shortened(name: ByteString, bytesMax: number): ByteString {
  if (name.length <= bytesMax) return name
  const hash = createHash('sha256').update(toBuffer(name)).digest('hex').slice(0, 16)
  return `${name.slice(0, bytesMax - 17)}~${hash}`
}
