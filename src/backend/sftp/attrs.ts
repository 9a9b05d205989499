import type { MessageReader } from './message-reader.ts'
import { attrFlag } from './wire.ts'

/** File attributes of SFTP version 3 (draft section 5); what is undefined is not on the wire. */
export interface Attrs {
  /** Bytes; sizes of 2^53 and more are not told apart from each other. */
  readonly size?: number | undefined
  readonly uid?: number | undefined
  readonly gid?: number | undefined
  /** The whole st_mode, with the kind of file where the server says it. */
  readonly permissions?: number | undefined
  /** Seconds since 1970, UTC, unsigned 32 bits. */
  readonly accessed?: number | undefined
  readonly modified?: number | undefined
}

/** Wire length of attributes. Owner and group, and the two times, travel as pairs or not at all. */
export function attrsLength(attrs: Attrs): number {
  const flags = flagsOf(attrs)
  return (
    4 +
    (flags & attrFlag.size ? 8 : 0) +
    (flags & attrFlag.uidGid ? 8 : 0) +
    (flags & attrFlag.permissions ? 4 : 0) +
    (flags & attrFlag.times ? 8 : 0)
  )
}

export function writeAttrs(message: Buffer, start: number, attrs: Attrs): number {
  const flags = flagsOf(attrs)
  let at = message.writeUInt32BE(flags, start)
  if (flags & attrFlag.size) {
    at = message.writeUInt32BE(Math.floor((attrs.size ?? 0) / 2 ** 32), at)
    at = message.writeUInt32BE((attrs.size ?? 0) % 2 ** 32, at)
  }
  if (flags & attrFlag.uidGid) {
    at = message.writeUInt32BE(attrs.uid ?? 0, at)
    at = message.writeUInt32BE(attrs.gid ?? 0, at)
  }
  if (flags & attrFlag.permissions) at = message.writeUInt32BE(attrs.permissions ?? 0, at)
  if (flags & attrFlag.times) {
    at = message.writeUInt32BE(attrs.accessed ?? 0, at)
    at = message.writeUInt32BE(attrs.modified ?? 0, at)
  }
  return at
}

export function readAttrs(reader: MessageReader): Attrs {
  const flags = reader.u32()
  const size = flags & attrFlag.size ? reader.u64() : undefined
  const uid = flags & attrFlag.uidGid ? reader.u32() : undefined
  const gid = flags & attrFlag.uidGid ? reader.u32() : undefined
  const permissions = flags & attrFlag.permissions ? reader.u32() : undefined
  const accessed = flags & attrFlag.times ? reader.u32() : undefined
  const modified = flags & attrFlag.times ? reader.u32() : undefined
  if (flags & attrFlag.extended) {
    for (let pairs = reader.u32(); pairs > 0; pairs--) {
      reader.string()
      reader.string()
    }
  }
  return { size, uid, gid, permissions, accessed, modified }
}

function flagsOf(attrs: Attrs): number {
  return (
    (attrs.size === undefined ? 0 : attrFlag.size) |
    (attrs.uid === undefined || attrs.gid === undefined ? 0 : attrFlag.uidGid) |
    (attrs.permissions === undefined ? 0 : attrFlag.permissions) |
    (attrs.accessed === undefined || attrs.modified === undefined ? 0 : attrFlag.times)
  )
}
