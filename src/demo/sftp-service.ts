import { once } from 'node:events'
import * as fs from 'node:fs/promises'
import type { Duplex } from 'node:stream'
import { type FileTree, OutsideTree } from './file-tree.ts'
import { attrsField } from './listing.ts'
import {
  type Answer,
  dataMax,
  done,
  entriesPerBatch,
  type Handle,
  nameAnswer,
  type OpenFile,
  openFlags,
  pathAttrs,
  Refusal,
  read,
  readDirectory,
  rename,
  setAttrs,
  write,
} from './operations.ts'
import {
  type Attrs,
  answer,
  Fields,
  MalformedPacket,
  type Name,
  packet,
  packetMax,
  packets,
  request,
  type Status,
  status,
  string,
  u32,
  u64,
} from './wire.ts'

const handlesMax = 64

/** What the server can do beyond version 3, and its version of that (OpenSSH PROTOCOL, section 4). */
const extensions = ['posix-rename@openssh.com', 'fsync@openssh.com', 'limits@openssh.com']

/**
 * Serves SFTP on one channel until the client ends it. Requests are carried out one after the other, in their order:
 * that is all a demo needs, and it bounds what waits in memory to one packet each way. Throws MalformedPacket when
 * the client does not speak SFTP, AbortError when `ended` tells that a channel which is full will not drain any more.
 */
export async function serveSftp(channel: Duplex, tree: FileTree, ended: AbortSignal): Promise<void> {
  const service = new SftpService(tree)
  try {
    for await (const message of packets(channel)) {
      const reply = await service.answer(message)
      if (!channel.write(reply)) await once(channel, 'drain', { signal: ended })
    }
  } finally {
    await service.close()
  }
}

class SftpService {
  readonly #tree: FileTree
  readonly #handles = new Map<number, Handle>()
  #nextHandle = 1
  constructor(tree: FileTree) {
    this.#tree = tree
  }

  /** Carries out one request and returns the packet that answers it. */
  async answer(message: Buffer): Promise<Buffer> {
    const fields = new Fields(message)
    const type = fields.u8()
    if (type === request.init) {
      return packet(answer.version, u32(3), ...extensions.flatMap((name) => [string(name), string('1')]))
    }
    const id = u32(fields.u32())
    try {
      const [kind, ...content] = await this.#carryOut(type, fields)
      return packet(kind, id, ...content)
    } catch (error) {
      const [code, text] = statusOf(error)
      return packet(answer.status, id, u32(code), string(text), string(''))
    }
  }

  async close(): Promise<void> {
    const handles = [...this.#handles.values()]
    this.#handles.clear()
    await Promise.allSettled(handles.map((handle) => closeHandle(handle)))
  }

  async #carryOut(type: number, fields: Fields): Promise<Answer> {
    const tree = this.#tree
    switch (type) {
      case request.open:
        return this.#open(fields.name(), fields.u32(), fields.attrs())
      case request.close: {
        const key = handleKey(fields.bytes())
        const handle = this.#handle(key)
        this.#handles.delete(key)
        await closeHandle(handle)
        return done
      }
      case request.read:
        return read(this.#file(fields), fields.u64(), fields.u32())
      case request.write:
        return write(this.#file(fields), fields.u64(), fields.bytes())
      case request.lstat:
        return [answer.attrs, attrsField(await fs.lstat(await tree.entry(fields.name())))]
      case request.stat:
        return [answer.attrs, attrsField(await fs.stat(await tree.target(fields.name())))]
      case request.fstat:
        return [answer.attrs, attrsField(await this.#file(fields).file.stat())]
      case request.setstat:
        return setAttrs(pathAttrs(await tree.target(fields.name())), fields.attrs())
      case request.fsetstat:
        return setAttrs(this.#file(fields).file, fields.attrs())
      case request.opendir: {
        const path = await tree.target(fields.name())
        return this.#keep(async () => ({
          kind: 'directory',
          path,
          entries: await fs.opendir(path, { encoding: 'latin1', bufferSize: entriesPerBatch }),
        }))
      }
      case request.readdir:
        return readDirectory(this.#handle(handleKey(fields.bytes())))
      case request.remove:
        await fs.unlink(await tree.entry(fields.name()))
        return done
      case request.mkdir: {
        const path = await tree.entry(fields.name())
        await fs.mkdir(path, fields.attrs().mode ?? 0o777)
        return done
      }
      case request.rmdir:
        await fs.rmdir(await tree.entry(fields.name()))
        return done
      case request.realpath:
        return nameAnswer(tree.absolute(fields.name()))
      case request.rename:
        return rename(await tree.entry(fields.name()), await tree.entry(fields.name()), 'keep')
      case request.readlink:
        return nameAnswer((await fs.readlink(await tree.entry(fields.name()), 'buffer')).toString('latin1'))
      case request.symlink: {
        // OpenSSH has the two names the other way round than the draft, and every client follows it.
        const target = fields.name()
        const link = fields.name()
        await fs.symlink(tree.linkTarget(link, target), await tree.entry(link))
        return done
      }
      case request.extended:
        return this.#extended(fields.name(), fields)
      default:
        throw new Refusal(status.unsupported, 'Not in version 3')
    }
  }

  async #extended(extension: Name, fields: Fields): Promise<Answer> {
    switch (extension) {
      case 'posix-rename@openssh.com':
        return rename(await this.#tree.entry(fields.name()), await this.#tree.entry(fields.name()), 'replace')
      case 'fsync@openssh.com':
        await this.#file(fields).file.sync()
        return done
      case 'limits@openssh.com':
        return [answer.extended, u64(packetMax), u64(dataMax), u64(dataMax), u64(handlesMax)]
      default:
        throw new Refusal(status.unsupported, 'Extension not offered')
    }
  }

  async #open(name: Name, flags: number, attrs: Attrs): Promise<Answer> {
    const path = await this.#tree.target(name)
    return this.#keep(async () => ({
      kind: 'file',
      file: await fs.open(path, openFlags(flags), attrs.mode ?? 0o666),
    }))
  }

  async #keep(open: () => Promise<Handle>): Promise<Answer> {
    if (this.#handles.size >= handlesMax) throw new Refusal(status.failure, 'Too many open handles')
    const handle = await open()
    const key = this.#nextHandle++
    this.#handles.set(key, handle)
    return [answer.handle, string(u32(key))]
  }

  #handle(key: number): Handle {
    const handle = this.#handles.get(key)
    if (!handle) throw new Refusal(status.failure, 'No such handle')
    return handle
  }

  #file(fields: Fields): OpenFile {
    const handle = this.#handle(handleKey(fields.bytes()))
    if (handle.kind !== 'file') throw new Refusal(status.failure, 'Not a file handle')
    return handle
  }
}

function handleKey(bytes: Buffer): number {
  return bytes.length === 4 ? bytes.readUInt32BE() : 0
}

function closeHandle(handle: Handle): Promise<void> {
  return handle.kind === 'file' ? handle.file.close() : handle.entries.close()
}

/** Status and text for a failed request; the codes are OpenSSH's choice (sftp-server.c, errno_to_portable). */
function statusOf(error: unknown): readonly [Status, string] {
  if (error instanceof Refusal) return [error.status, error.message]
  if (error instanceof OutsideTree) return [status.permissionDenied, error.message]
  if (error instanceof MalformedPacket) return [status.badMessage, error.message]
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOENT':
    case 'ENOTDIR':
    case 'ELOOP':
      return [status.noSuchFile, 'No such file']
    case 'EPERM':
    case 'EACCES':
      return [status.permissionDenied, 'Permission denied']
    case 'ENAMETOOLONG':
    case 'EINVAL':
      return [status.badMessage, 'Bad message']
    default:
      return [status.failure, 'Failure']
  }
}
