import type { ByteString } from '../../ftp/bytes.ts'
import { type Attrs, attrsLength, writeAttrs } from './attrs.ts'
import { request } from './wire.ts'

/** One field of an SFTP request; strings are handles (Buffer) or names (byte strings). */
export type Field =
  | { readonly u32: number }
  | { readonly u64: number }
  | { readonly string: ByteString | Buffer }
  | { readonly attrs: Attrs }

/** A request: uint32 length, byte type, uint32 id, fields (draft-ietf-secsh-filexfer-02 section 3). */
export function encodeRequest(type: number, id: number, fields: readonly Field[]): Buffer {
  let length = 1 + 4
  for (const field of fields) length += fieldLength(field)
  const message = Buffer.allocUnsafe(4 + length)
  message.writeUInt32BE(length, 0)
  message[4] = type
  message.writeUInt32BE(id, 5)
  let at = 9
  for (const field of fields) at = writeField(message, at, field)
  return message
}

/** INIT carries the version where other requests carry the id. */
export function encodeInit(version: number): Buffer {
  return encodeRequest(request.init, version, [])
}

/** Bytes of a WRITE request in front of its data: length, type, id, handle, offset, data length. */
export function writeHeaderLength(handle: Buffer): number {
  return 4 + 1 + 4 + 4 + handle.length + 8 + 4
}

/**
 * Puts the header of a WRITE request in front of `dataLength` bytes that are already in `message` behind it, so that the
 * data is not copied again. Returns the whole message.
 */
export function encodeWrite(message: Buffer, id: number, handle: Buffer, offset: number, dataLength: number): Buffer {
  const header = writeHeaderLength(handle)
  message.writeUInt32BE(header - 4 + dataLength, 0)
  message[4] = request.write
  message.writeUInt32BE(id, 5)
  let at = writeField(message, 9, { string: handle })
  at = writeField(message, at, { u64: offset })
  message.writeUInt32BE(dataLength, at)
  return message.subarray(0, header + dataLength)
}

function fieldLength(field: Field): number {
  if ('u32' in field) return 4
  if ('u64' in field) return 8
  if ('string' in field) return 4 + field.string.length
  return attrsLength(field.attrs)
}

function writeField(message: Buffer, at: number, field: Field): number {
  if ('u32' in field) return message.writeUInt32BE(field.u32, at)
  if ('u64' in field) {
    message.writeUInt32BE(Math.floor(field.u64 / 2 ** 32), at)
    return message.writeUInt32BE(field.u64 % 2 ** 32, at + 4)
  }
  if ('string' in field) {
    const start = message.writeUInt32BE(field.string.length, at)
    if (typeof field.string === 'string') message.write(field.string, start, 'latin1')
    else field.string.copy(message, start)
    return start + field.string.length
  }
  return writeAttrs(message, at, field.attrs)
}
