import { constants, type Dir } from 'node:fs'
import * as fs from 'node:fs/promises'
import { attrsField, longname } from './listing.ts'
import { type Attrs, answer, type Name, packetMax, type Status, status, string, u32 } from './wire.ts'

/** Bytes in one READ or WRITE at most, and entries in one READDIR answer. */
export const dataMax = packetMax - 1024
export const entriesPerBatch = 64

export interface OpenFile {
  readonly kind: 'file'
  readonly file: fs.FileHandle
}
export interface OpenDirectory {
  readonly kind: 'directory'
  readonly path: Buffer
  readonly entries: Dir
}
export type Handle = OpenFile | OpenDirectory

/** Type and fields of the packet that answers a request. */
export type Answer = readonly [type: number, ...fields: Buffer[]]

export const done: Answer = [answer.status, u32(status.ok), string('Success'), string('')]

/** A request that is refused with a status of its own. */
export class Refusal extends Error {
  readonly status: Status
  constructor(code: Status, message: string) {
    super(message)
    this.status = code
  }
}

export function openFlags(flags: number): number {
  const [reads, writes, appends, creates, truncates, exclusive] = [1, 2, 4, 8, 16, 32].map((bit) => (flags & bit) !== 0)
  return (
    (writes ? (reads ? constants.O_RDWR : constants.O_WRONLY) : constants.O_RDONLY) |
    (appends ? constants.O_APPEND : 0) |
    (creates ? constants.O_CREAT : 0) |
    (truncates ? constants.O_TRUNC : 0) |
    (exclusive ? constants.O_EXCL : 0)
  )
}

export async function read({ file }: OpenFile, offset: number, length: number): Promise<Answer> {
  const buffer = Buffer.allocUnsafe(Math.min(length, dataMax))
  const { bytesRead } = await file.read(buffer, 0, buffer.length, offset)
  if (bytesRead === 0 && length > 0) throw new Refusal(status.eof, 'End of file')
  return [answer.data, string(buffer.subarray(0, bytesRead))]
}

export async function write({ file }: OpenFile, offset: number, data: Buffer): Promise<Answer> {
  let written = 0
  while (written < data.length) {
    const rest = data.length - written
    written += (await file.write(data, written, rest, offset + written)).bytesWritten
  }
  return done
}

export async function readDirectory(handle: Handle): Promise<Answer> {
  if (handle.kind !== 'directory') throw new Refusal(status.failure, 'Not a directory handle')
  const entries: Buffer[] = []
  let count = 0
  while (count < entriesPerBatch) {
    const entry = await handle.entries.read()
    if (!entry) break
    const path = Buffer.concat([handle.path, Buffer.from(`/${entry.name}`, 'latin1')])
    const stats = await fs.lstat(path).catch(() => undefined)
    // Gone since the directory was read.
    if (!stats) continue
    entries.push(string(entry.name), string(longname(entry.name, stats)), attrsField(stats))
    count++
  }
  if (count === 0) throw new Refusal(status.eof, 'End of directory')
  return [answer.name, u32(count), ...entries]
}

/** Version 3 says that an existing target is kept; posix-rename replaces it, as rename(2) does. */
export async function rename(from: Buffer, to: Buffer, existing: 'keep' | 'replace'): Promise<Answer> {
  if (existing === 'keep') {
    const there = await fs.lstat(to).then(
      () => true,
      () => false,
    )
    if (there) throw new Refusal(status.failure, 'Target exists')
  }
  await fs.rename(from, to)
  return done
}

type AttrsOwner = Pick<fs.FileHandle, 'truncate' | 'chown' | 'chmod' | 'utimes'>

export function pathAttrs(path: Buffer): AttrsOwner {
  return {
    truncate: (length) => fs.truncate(path, length ?? 0),
    chown: (uid, gid) => fs.chown(path, uid, gid),
    chmod: (mode) => fs.chmod(path, mode),
    utimes: (accessed, modified) => fs.utimes(path, accessed, modified),
  }
}

export async function setAttrs(owner: AttrsOwner, { size, owner: ids, mode, times }: Attrs): Promise<Answer> {
  if (size !== undefined) await owner.truncate(size)
  if (ids) await owner.chown(ids.uid, ids.gid)
  if (mode !== undefined) await owner.chmod(mode)
  if (times) await owner.utimes(times.accessed, times.modified)
  return done
}

/** The answer to REALPATH and READLINK: one name without attributes. */
export function nameAnswer(name: Name): Answer {
  return [answer.name, u32(1), string(name), string(name), u32(0)]
}
