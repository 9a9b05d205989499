/**
 * The SFTP v3 wire form (draft-ietf-secsh-filexfer-02) as a server sees it. ssh2 has a server class for it, but that one
 * decodes names as UTF-8, so names in other charsets are lost, and it cannot announce extensions such as posix-rename.
 */

/** A file name as it came: each char is one byte (see ftp/bytes.ts, which the demo does not import to stay on its own). */
export type Name = string

export const request = {
  init: 1,
  open: 3,
  close: 4,
  read: 5,
  write: 6,
  lstat: 7,
  fstat: 8,
  setstat: 9,
  fsetstat: 10,
  opendir: 11,
  readdir: 12,
  remove: 13,
  mkdir: 14,
  rmdir: 15,
  realpath: 16,
  stat: 17,
  rename: 18,
  readlink: 19,
  symlink: 20,
  extended: 200,
} as const

export const answer = { version: 2, status: 101, handle: 102, data: 103, name: 104, attrs: 105, extended: 201 } as const

export const status = {
  ok: 0,
  eof: 1,
  noSuchFile: 2,
  permissionDenied: 3,
  failure: 4,
  badMessage: 5,
  unsupported: 8,
} as const
export type Status = (typeof status)[keyof typeof status]

/** Attributes that a client sends; what it left out is undefined. */
export interface Attrs {
  readonly size: number | undefined
  readonly owner: { readonly uid: number; readonly gid: number } | undefined
  readonly mode: number | undefined
  /** Seconds since 1970. */
  readonly times: { readonly accessed: number; readonly modified: number } | undefined
}

export const attrFlag = { size: 1, owner: 2, mode: 4, times: 8, extended: 0x80000000 } as const

/** A packet that does not hold what its type says; the request is refused with BAD_MESSAGE. */
export class MalformedPacket extends Error {
  override readonly name = 'MalformedPacket'
}

/** Takes the fields of one packet in turn; throws MalformedPacket when they run out. */
export class Fields {
  readonly #packet: Buffer
  #at = 0
  constructor(packet: Buffer) {
    this.#packet = packet
  }

  get rest(): number {
    return this.#packet.length - this.#at
  }

  u8(): number {
    return this.#take(1).readUInt8()
  }

  u32(): number {
    return this.#take(4).readUInt32BE()
  }

  u64(): number {
    const value = Number(this.#take(8).readBigUInt64BE())
    if (!Number.isSafeInteger(value)) throw new MalformedPacket('Offset out of range')
    return value
  }

  bytes(): Buffer {
    return this.#take(this.u32())
  }

  name(): Name {
    return this.bytes().toString('latin1')
  }

  attrs(): Attrs {
    const flags = this.u32()
    return {
      size: flags & attrFlag.size ? this.u64() : undefined,
      owner: flags & attrFlag.owner ? { uid: this.u32(), gid: this.u32() } : undefined,
      mode: flags & attrFlag.mode ? this.u32() & 0o7777 : undefined,
      times: flags & attrFlag.times ? { accessed: this.u32(), modified: this.u32() } : undefined,
    }
  }

  #take(length: number): Buffer {
    if (length > this.rest) throw new MalformedPacket('Packet too short')
    this.#at += length
    return this.#packet.subarray(this.#at - length, this.#at)
  }
}

export function u32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeUInt32BE(value)
  return bytes
}

export function u64(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(8)
  bytes.writeBigUInt64BE(BigInt(value))
  return bytes
}

/** A string field: its length, then its bytes. */
export function string(value: Name | Buffer): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'latin1') : value
  return Buffer.concat([u32(bytes.length), bytes])
}

/** A packet: the length of what follows, the type, the fields. */
export function packet(type: number, ...fields: readonly Buffer[]): Buffer {
  const length = fields.reduce((sum, field) => sum + field.length, 1)
  return Buffer.concat([u32(length), Buffer.of(type), ...fields])
}

/** Bytes of the largest packet taken, as OpenSSH's sftp-server has it. */
export const packetMax = 256 * 1024

/** Cuts a byte stream into packets, without their length fields. Throws MalformedPacket for an impossible length. */
export async function* packets(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let waiting: Buffer[] = []
  let have = 0
  let need = 4
  for await (const chunk of source) {
    waiting.push(chunk)
    have += chunk.length
    while (have >= need) {
      const bytes = waiting.length === 1 && waiting[0] ? waiting[0] : Buffer.concat(waiting)
      waiting = [bytes]
      const length = bytes.readUInt32BE()
      if (length === 0 || length > packetMax) throw new MalformedPacket(`Impossible packet length ${length}`)
      need = 4 + length
      if (have < need) break
      yield bytes.subarray(4, need)
      waiting = [bytes.subarray(need)]
      have -= need
      need = 4
    }
  }
}
