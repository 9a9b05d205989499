import { BackendError } from '../../../src/backend/backend.ts'
import {
  answer,
  attrFlag,
  Fields,
  MalformedPacket,
  packet,
  request,
  status,
  string,
  u32,
  u64,
} from '../../../src/demo/wire.ts'
import type { ByteString } from '../../../src/ftp/bytes.ts'
import { directoryNode, type File, fileNode, type Node, type Tree } from '../memory-tree.ts'
import type { Asked } from './scenario.ts'

type Handle =
  | { readonly kind: 'file'; readonly file: File }
  | { readonly kind: 'directory'; readonly entries: [ByteString, Node][] }
type Answer = readonly [type: number, ...fields: Buffer[]]

const done: Answer = [answer.status, u32(status.ok), string(''), string('')]
const flag = { create: 8, truncate: 16, exclusive: 32 } as const
const entriesPerAnswer = 100

class Refused extends Error {
  readonly code: number
  constructor(code: number) {
    super(`status ${code}`)
    this.code = code
  }
}

/** The correct server behind the faults: one channel's requests, carried out at once on a tree in memory. */
export class TreeService {
  readonly handles = new Map<string, Handle>()
  readonly #tree: Tree
  readonly #extensions: readonly string[]
  #lastHandle = 0

  constructor(tree: Tree, extensions: readonly string[]) {
    this.#tree = tree
    this.#extensions = extensions
  }

  /** The packet that answers a request. */
  answer({ type, id, operation, message }: Asked): Buffer {
    if (type === request.init) {
      return packet(answer.version, u32(3), ...this.#extensions.flatMap((name) => [string(name), string('1')]))
    }
    try {
      const fields = new Fields(message.subarray(5))
      const [kind, ...content] =
        type === request.extended ? this.#extended(operation, fields) : this.#plain(type, fields)
      return packet(kind, u32(id), ...content)
    } catch (error) {
      return packet(answer.status, u32(id), u32(statusOf(error)), string((error as Error).message), string(''))
    }
  }

  #plain(type: number, fields: Fields): Answer {
    const tree = this.#tree
    switch (type) {
      case request.open:
        return this.#open(fields.name(), fields.u32())
      case request.close:
        if (!this.handles.delete(fields.name())) throw new Refused(status.failure)
        return done
      case request.read:
        return read(this.#file(fields), fields.u64(), fields.u32())
      case request.write:
        return write(this.#file(fields), fields.u64(), fields.bytes())
      case request.lstat:
        return [answer.attrs, attrsOf(tree.findLink(fields.name()))]
      case request.stat:
        return [answer.attrs, attrsOf(tree.find(withoutDot(fields.name())))]
      case request.fstat:
        return [answer.attrs, attrsOf(this.#file(fields))]
      case request.setstat:
        return setAttrs(tree.find(fields.name()), fields)
      case request.fsetstat:
        return setAttrs(this.#file(fields), fields)
      case request.opendir:
        return this.#keep({ kind: 'directory', entries: [...tree.findDirectory(fields.name()).children] })
      case request.readdir:
        return this.#readDirectory(fields)
      case request.remove:
      case request.rmdir:
        return this.#remove(fields.name())
      case request.mkdir: {
        const { parent, name } = tree.findParent(fields.name())
        if (parent.children.has(name)) throw new Refused(status.failure)
        parent.children.set(name, directoryNode())
        return done
      }
      case request.realpath:
        return nameAnswer(absolute(fields.name()))
      case request.readlink: {
        const node = tree.findLink(fields.name())
        if (node.type !== 'symlink') throw new Refused(status.failure)
        return nameAnswer(node.target)
      }
      case request.rename:
        return this.#rename(fields.name(), fields.name(), false)
      default:
        throw new Refused(status.unsupported)
    }
  }

  #extended(name: string, fields: Fields): Answer {
    if (!this.#extensions.includes(name)) throw new Refused(status.unsupported)
    fields.name()
    switch (name) {
      case 'posix-rename@openssh.com':
        return this.#rename(fields.name(), fields.name(), true)
      case 'fsync@openssh.com':
        this.#file(fields)
        return done
      case 'limits@openssh.com':
        return [answer.extended, u64(256 * 1024), u64(255 * 1024), u64(255 * 1024), u64(64)]
      case 'statvfs@openssh.com':
        return [answer.extended, ...Array.from({ length: 11 }, () => u64(4096))]
      default:
        throw new Refused(status.unsupported)
    }
  }

  #open(path: ByteString, flags: number): Answer {
    const { parent, name } = this.#tree.findParent(path)
    let node = parent.children.get(name)
    if (node && flags & flag.exclusive) throw new Refused(status.failure)
    if (!node && flags & flag.create) {
      node = fileNode(Buffer.alloc(0))
      parent.children.set(name, node)
    }
    const file = this.#tree.find(path)
    if (file.type !== 'file') throw new Refused(status.failure)
    if (flags & flag.truncate) file.content = Buffer.alloc(0)
    return this.#keep({ kind: 'file', file })
  }

  #readDirectory(fields: Fields): Answer {
    const handle = this.handles.get(fields.name())
    if (handle?.kind !== 'directory') throw new Refused(status.failure)
    const batch = handle.entries.splice(0, entriesPerAnswer)
    if (batch.length === 0) throw new Refused(status.eof)
    const entries = batch.flatMap(([name, node]) => [string(name), string(''), attrsOf(node)])
    return [answer.name, u32(batch.length), ...entries]
  }

  #remove(path: ByteString): Answer {
    const { parent, name } = this.#tree.findParent(path)
    if (!parent.children.delete(name)) throw new Refused(status.noSuchFile)
    return done
  }

  #rename(from: ByteString, to: ByteString, replace: boolean): Answer {
    const source = this.#tree.findParent(from)
    const target = this.#tree.findParent(to)
    const node = source.parent.children.get(source.name)
    if (!node) throw new Refused(status.noSuchFile)
    if (!replace && target.parent.children.has(target.name)) throw new Refused(status.failure)
    source.parent.children.delete(source.name)
    target.parent.children.set(target.name, node)
    return done
  }

  #keep(handle: Handle): Answer {
    const key = String(++this.#lastHandle)
    this.handles.set(key, handle)
    return [answer.handle, string(key)]
  }

  #file(fields: Fields): File {
    const handle = this.handles.get(fields.name())
    if (handle?.kind !== 'file') throw new Refused(status.failure)
    return handle.file
  }
}

function read({ content }: File, offset: number, length: number): Answer {
  if (offset >= content.length) throw new Refused(status.eof)
  return [answer.data, string(content.subarray(offset, offset + length))]
}

function write(file: File, offset: number, bytes: Buffer): Answer {
  const content = Buffer.alloc(Math.max(file.content.length, offset + bytes.length))
  file.content.copy(content)
  bytes.copy(content, offset)
  file.content = content
  return done
}

function setAttrs(node: Node, fields: Fields): Answer {
  const { size, mode, times } = fields.attrs()
  if (size !== undefined && node.type === 'file') {
    node.content = Buffer.concat([node.content, Buffer.alloc(Math.max(0, size - node.content.length))]).subarray(
      0,
      size,
    )
  }
  if (mode !== undefined) node.attrs.mode = mode
  if (times !== undefined) node.attrs.modified = times.modified
  return done
}

function nameAnswer(path: ByteString): Answer {
  return [answer.name, u32(1), string(path), string(path), u32(0)]
}

const kinds = { file: 0o100000, directory: 0o040000, symlink: 0o120000 } as const

function attrsOf(node: Node): Buffer {
  const { mode = 0, modified = 0 } = node.attrs
  const size = node.type === 'file' ? node.content.length : 0
  const flags = attrFlag.size | attrFlag.mode | attrFlag.times
  return Buffer.concat([u32(flags), u64(size), u32(kinds[node.type] | mode), u32(modified), u32(modified)])
}

function absolute(path: ByteString): ByteString {
  return path === '.' || path === '' ? '/' : path
}

function withoutDot(path: ByteString): ByteString {
  return path.endsWith('/.') ? path.slice(0, -2) || '/' : path
}

function statusOf(error: unknown): number {
  if (error instanceof Refused) return error.code
  if (error instanceof MalformedPacket) return status.badMessage
  return error instanceof BackendError && error.kind === 'notFound' ? status.noSuchFile : status.failure
}
