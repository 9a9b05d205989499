import { createHash, randomBytes } from 'node:crypto'
import { type ByteString, toBuffer } from '../../ftp/bytes.ts'
import { join, parentOf } from '../../ftp/pathname.ts'

/** NAME_MAX of every file system that matters. */
const nameBytesMax = 255
const pattern = /^\.(.+)\.([0-9a-f]{8})(?:-([sgc])([0-9a-f]{4})([0-9a-f]{4})[0-9a-f]{8})?\.part$/s
/** That of the longer ending, so that both kinds of names shorten a long name to the same. */
const baseBytesMax = nameBytesMax - 1 - '.01234567-s0123456701234567.part'.length

/** Which gateway, and which run of it, a file that is being written belongs to. */
export interface GatewayMark {
  /** Four hex digits that a gateway has again after a restart, and none that runs at the same time. */
  readonly instance: string
  /** Four hex digits of this run. */
  readonly run: string
}

/** How the bytes come: each behind the one before, or with gaps meanwhile, or from another file that is copied. */
export type Filling = 'sequence' | 'gaps' | 'copy'
const letters = { sequence: 's', gaps: 'g', copy: 'c' } as const
const fillings: Readonly<Record<string, Filling>> = { s: 'sequence', g: 'gaps', c: 'copy' }

/** Whose a temporary file is, and where it is. */
export interface PartOwner {
  /** See `loginTag`. */
  readonly tag: string
  readonly gateway: GatewayMark
  /** A folder for all of them, on the same file system as their targets; undefined: each beside its target. */
  readonly staging?: ByteString | undefined
}

/** Eight hex digits that stand for a login in the names of its partial files. */
export function loginTag(owner: string): string {
  return createHash('sha256').update(owner).digest('hex').slice(0, 8)
}

/**
 * Where an upload is collected: `.<name>.<tag>-<filling><instance><run><8 hex>.part`, on the file system of its target, so
 * that the rename crosses none. The name is used once. A server that was taken for lost may still carry out a rename that it
 * was sent; under a name that is used again it would move another upload's half to the final name.
 */
export function collectingPath(target: ByteString, owner: PartOwner, filling: Filling): ByteString {
  const { tag, gateway } = owner
  const { instance, run } = gateway
  return partPath(target, owner, `.${tag}-${letters[filling]}${instance}${run}${randomBytes(4).toString('hex')}.part`)
}

/** Where an interrupted upload waits to be continued: `.<name>.<tag>.part`, the same for a login and a target always. */
export function keptPath(target: ByteString, owner: Pick<PartOwner, 'tag' | 'staging'>): ByteString {
  return partPath(target, owner, `.${owner.tag}.part`)
}

/** Whether a target's name was too long, so that those of its temporary files do not tell it. */
export function isShortened(base: ByteString): boolean {
  return base.length >= baseBytesMax
}

/** The name that a temporary file of a target in `directory` is to have; undefined where its name does not tell. */
export function nameOf(
  base: ByteString,
  directory: ByteString,
  { staging }: Pick<PartOwner, 'staging'>,
): ByteString | undefined {
  if (isShortened(base)) return undefined
  if (staging === undefined) return base
  const ending = placeEnding(directory)
  return base.endsWith(ending) && base.length > ending.length ? base.slice(0, -ending.length) : undefined
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

/** What the names of a target's temporary files say of it; the inverse of `nameOf`. */
export function baseOf(name: ByteString, directory: ByteString, { staging }: Pick<PartOwner, 'staging'>): ByteString {
  return staging === undefined ? name : `${name}${placeEnding(directory)}`
}

function partPath(target: ByteString, owner: Pick<PartOwner, 'staging'>, ending: string): ByteString {
  const base = baseOf(target.slice(target.lastIndexOf('/') + 1), parentOf(target), owner)
  return join(owner.staging ?? parentOf(target), `.${shortened(base, baseBytesMax)}${ending}`)
}

/** In a common folder, files of one name from several directories. */
function placeEnding(directory: ByteString): string {
  return `.${createHash('sha256').update(toBuffer(directory)).digest('hex').slice(0, 8)}`
}

/** A name too long for the ending keeps its beginning and gets a hash for the rest, so it stays one of a kind. */
function shortened(name: ByteString, bytesMax: number): ByteString {
  if (name.length <= bytesMax) return name
  const hash = createHash('sha256').update(toBuffer(name)).digest('hex').slice(0, 16)
  return `${name.slice(0, bytesMax - 17)}~${hash}`
}
