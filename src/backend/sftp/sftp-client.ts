import { type ByteString, printable } from '../../ftp/bytes.ts'
import { resolve } from '../../ftp/pathname.ts'
import { BackendError } from '../backend.ts'
import type { Attrs } from './attrs.ts'
import type { Answer, NameEntry } from './decode.ts'
import type { Field } from './encode.ts'
import { unexpected } from './failures.ts'
import type { SftpSession } from './sftp-session.ts'
import { extension, request, status } from './wire.ts'

/** A longer path fits no command line. */
const pathBytesMax = 8 * 1024

/** Free space as statvfs@openssh.com tells it; bytes and inodes that an unprivileged user may use. */
export interface Space {
  readonly bytes: number
  readonly files: number
  /** False when the file system does not count inodes. */
  readonly countsFiles: boolean
}
export interface Limits {
  readonly packet: number
  readonly read: number
  readonly write: number
  readonly handles: number
}

/**
 * The requests of SFTP version 3 and of OpenSSH's extensions, one method each: answers checked for their type, a STATUS
 * other than OK thrown as SftpStatusError. Paths are byte strings, handles are opaque.
 */
export class SftpClient {
  readonly session: SftpSession
  #handles = 0
  #over = false
  constructor(session: SftpSession) {
    this.session = session
  }

  /** Ends the use of the session from here; it may have another user from then on. */
  end(): void {
    this.#over = true
  }

  /** Handles that were opened here and not asked to be closed. */
  get openHandles(): number {
    return this.#handles
  }

  offers(name: (typeof extension)[keyof typeof extension]): boolean {
    return this.session.extensions.has(name)
  }

  async open(path: ByteString, flags: number, attrs: Attrs = {}): Promise<Buffer> {
    return this.#handle(request.open, 'open', [{ string: path }, { u32: flags }, { attrs }])
  }
  async close(handle: Buffer): Promise<void> {
    // After the end no CLOSE goes out, and the handle stays open.
    if (!this.#over) this.#handles--
    await this.#ok(request.close, 'close', [{ string: handle }], true)
  }
  /** The bytes at an offset, possibly fewer than asked; undefined at the end of the file. */
  async read(handle: Buffer, offset: number, length: number): Promise<Buffer | undefined> {
    const answer = await this.#request(request.read, 'read', [{ string: handle }, { u64: offset }, { u32: length }])
    if (answer.type === 'status' && answer.code === status.eof) return undefined
    if (answer.type !== 'data') throw unexpected(answer, 'read')
    if (answer.data.length > length) throw new BackendError('failed', `read: ${answer.data.length} bytes for ${length}`)
    return answer.data
  }
  /** See SftpSession.write. */
  async write(message: Buffer, handle: Buffer, offset: number, length: number): Promise<void> {
    if (this.#over) throw loginOver()
    expectOk(await this.session.write(message, handle, offset, length), 'write')
  }

  async stat(path: ByteString): Promise<Attrs> {
    return this.#attrs(request.stat, 'stat', [{ string: path }])
  }
  async lstat(path: ByteString): Promise<Attrs> {
    return this.#attrs(request.lstat, 'lstat', [{ string: path }])
  }
  async fstat(handle: Buffer): Promise<Attrs> {
    return this.#attrs(request.fstat, 'fstat', [{ string: handle }])
  }
  async setstat(path: ByteString, attrs: Attrs): Promise<void> {
    await this.#ok(request.setstat, 'setstat', [{ string: path }, { attrs }])
  }
  async fsetstat(handle: Buffer, attrs: Attrs): Promise<void> {
    await this.#ok(request.fsetstat, 'fsetstat', [{ string: handle }, { attrs }])
  }

  async opendir(path: ByteString): Promise<Buffer> {
    return this.#handle(request.opendir, 'opendir', [{ string: path }])
  }
  /** The next entries; undefined at the end. An empty answer means the end too (WinSCP met such servers). */
  async readdir(handle: Buffer): Promise<readonly NameEntry[] | undefined> {
    const answer = await this.#request(request.readdir, 'readdir', [{ string: handle }])
    if (answer.type === 'status' && answer.code === status.eof) return undefined
    if (answer.type !== 'name') throw unexpected(answer, 'readdir')
    return answer.names.length === 0 ? undefined : answer.names
  }
  async remove(path: ByteString): Promise<void> {
    await this.#ok(request.remove, 'remove', [{ string: path }])
  }
  async mkdir(path: ByteString): Promise<void> {
    await this.#ok(request.mkdir, 'mkdir', [{ string: path }, { attrs: {} }])
  }
  async rmdir(path: ByteString): Promise<void> {
    await this.#ok(request.rmdir, 'rmdir', [{ string: path }])
  }
  /** Normalised; some servers end directories with a slash. What is no absolute path of one line is thrown as `failed`. */
  async realpath(path: ByteString): Promise<ByteString> {
    const answered = await this.#name(request.realpath, 'realpath', [{ string: path }])
    const resolved = answered.startsWith('/') && answered.length <= pathBytesMax && resolve('/', answered, '/')
    if (!resolved) throw new BackendError('failed', `realpath: "${printable(answered)}" is no absolute path`)
    return resolved
  }
  async readlink(path: ByteString): Promise<ByteString> {
    return this.#name(request.readlink, 'readlink', [{ string: path }])
  }
  /** Fails when `to` exists (draft section 6.5). */
  async rename(from: ByteString, to: ByteString): Promise<void> {
    await this.#ok(request.rename, 'rename', [{ string: from }, { string: to }])
  }
  /** The two paths in the order that the server wants; see `Capabilities.symlink`. */
  async symlink(first: ByteString, second: ByteString): Promise<void> {
    await this.#ok(request.symlink, 'symlink', [{ string: first }, { string: second }])
  }

  /** Replaces `to` in one step. */
  async posixRename(from: ByteString, to: ByteString): Promise<void> {
    await this.#extendedOk(extension.posixRename, [{ string: from }, { string: to }])
  }
  async fsync(handle: Buffer): Promise<void> {
    await this.#extendedOk(extension.fsync, [{ string: handle }], true)
  }
  async hardlink(from: ByteString, to: ByteString): Promise<void> {
    await this.#extendedOk(extension.hardlink, [{ string: from }, { string: to }])
  }
  async lsetstat(path: ByteString, attrs: Attrs): Promise<void> {
    await this.#extendedOk(extension.lsetstat, [{ string: path }, { attrs }])
  }
  /** Copies `length` bytes (0: to the end) between two open files, inside the server. */
  async copyData(from: Buffer, fromOffset: number, length: number, to: Buffer, toOffset: number): Promise<void> {
    const fields: Field[] = [{ string: from }, { u64: fromOffset }, { u64: length }, { string: to }, { u64: toOffset }]
    await this.#extendedOk(extension.copyData, fields, true)
  }
  async expandPath(path: ByteString): Promise<ByteString> {
    return this.#name(request.extended, extension.expandPath, [{ string: extension.expandPath }, { string: path }])
  }
  async homeDirectory(username: ByteString): Promise<ByteString> {
    return this.#name(request.extended, extension.homeDirectory, [
      { string: extension.homeDirectory },
      { string: username },
    ])
  }
  async statvfs(path: ByteString): Promise<Space> {
    return this.#space(extension.statvfs, { string: path })
  }
  async fstatvfs(handle: Buffer): Promise<Space> {
    return this.#space(extension.fstatvfs, { string: handle })
  }
  async limits(): Promise<Limits> {
    const reader = await this.#extended(extension.limits, [])
    return { packet: reader.u64(), read: reader.u64(), write: reader.u64(), handles: reader.u64() }
  }
  /** Names of users and groups, '' where the server knows none; in the order of the ids. */
  async usersGroupsById(uids: readonly number[], gids: readonly number[]): Promise<{ users: Buffer; groups: Buffer }> {
    const reader = await this.#extended(extension.usersGroupsById, [
      { string: packIds(uids) },
      { string: packIds(gids) },
    ])
    return { users: reader.string(), groups: reader.string() }
  }

  #request(type: number, operation: string, fields: readonly Field[], slow = false): Promise<Answer> {
    return this.#over ? Promise.reject(loginOver()) : this.session.request(type, operation, fields, slow)
  }
  async #ok(type: number, operation: string, fields: readonly Field[], slow = false): Promise<void> {
    expectOk(await this.#request(type, operation, fields, slow), operation)
  }
  async #handle(type: number, operation: string, fields: readonly Field[]): Promise<Buffer> {
    const answer = await this.#request(type, operation, fields)
    if (answer.type !== 'handle') throw unexpected(answer, operation)
    this.#handles++
    return answer.handle
  }
  async #attrs(type: number, operation: string, fields: readonly Field[]): Promise<Attrs> {
    const answer = await this.#request(type, operation, fields)
    if (answer.type !== 'attrs') throw unexpected(answer, operation)
    return answer.attrs
  }
  async #name(type: number, operation: string, fields: readonly Field[]): Promise<ByteString> {
    const answer = await this.#request(type, operation, fields)
    const [first] = answer.type === 'name' ? answer.names : []
    if (!first) throw unexpected(answer, operation)
    return first.filename
  }
  async #extendedOk(name: string, fields: readonly Field[], slow = false): Promise<void> {
    await this.#ok(request.extended, name, [{ string: name }, ...fields], slow)
  }
  async #extended(name: string, fields: readonly Field[]) {
    const answer = await this.#request(request.extended, name, [{ string: name }, ...fields])
    if (answer.type !== 'extended') throw unexpected(answer, name)
    return answer.reader
  }
  async #space(name: string, of: Field): Promise<Space> {
    const reader = await this.#extended(name, [of])
    const [, fragmentSize = 0, , , available = 0, files = 0, , availableFiles = 0] = Array.from({ length: 11 }, () =>
      reader.u64(),
    )
    return { bytes: fragmentSize * available, files: availableFiles, countsFiles: files > 0 }
  }
}

function loginOver(): BackendError {
  return new BackendError('unavailable', 'the login has ended')
}

function expectOk(answer: Answer, operation: string): void {
  if (answer.type !== 'status' || answer.code !== status.ok) throw unexpected(answer, operation)
}

function packIds(ids: readonly number[]): Buffer {
  const packed = Buffer.alloc(ids.length * 4)
  for (const [i, id] of ids.entries()) packed.writeUInt32BE(id, i * 4)
  return packed
}
