import { BackendError } from '../../src/backend/backend.ts'
import type { ByteString } from '../../src/ftp/bytes.ts'

/** What a node says of itself; undefined is what a server leaves out. */
export interface Attrs {
  mode: number | undefined
  modified: number | undefined
  uid: number | undefined
  gid: number | undefined
  owner: ByteString | undefined
  group: ByteString | undefined
  links: number | undefined
}

export interface File {
  readonly type: 'file'
  readonly attrs: Attrs
  content: Buffer
}
export interface Directory {
  readonly type: 'directory'
  readonly attrs: Attrs
  readonly children: Map<ByteString, Node>
}
export interface Link {
  readonly type: 'symlink'
  readonly attrs: Attrs
  readonly target: ByteString
}
export type Node = File | Directory | Link

export function fileNode(content: Buffer, attrs: Partial<Attrs> = {}): File {
  return { type: 'file', attrs: withDefaults(0o644, attrs), content }
}
export function directoryNode(attrs: Partial<Attrs> = {}): Directory {
  return { type: 'directory', attrs: withDefaults(0o755, attrs), children: new Map() }
}

function withDefaults(mode: number, attrs: Partial<Attrs>): Attrs {
  const modified = Math.floor(Date.now() / 1000)
  return { mode, modified, uid: 1000, gid: 1000, owner: undefined, group: undefined, links: undefined, ...attrs }
}

const linksFollowedMax = 40

/** Directories, files and links by path, as a Unix kernel finds them. Paths are absolute and normalised. */
export class Tree {
  readonly root = directoryNode()

  /** Makes a file, and the directories above it. */
  addFile(path: ByteString, content: Buffer | string = '', attrs: Partial<Attrs> = {}): void {
    this.#add(path, fileNode(Buffer.from(content), attrs))
  }
  addDirectory(path: ByteString, attrs: Partial<Attrs> = {}): void {
    this.#add(path, directoryNode(attrs))
  }
  addLink(path: ByteString, target: ByteString): void {
    this.#add(path, { type: 'symlink', attrs: withDefaults(0o777, {}), target })
  }

  #add(path: ByteString, node: Node): void {
    let directory = this.root
    const parts = partsOf(path)
    const name = parts.pop() ?? ''
    for (const part of parts) {
      const next = directory.children.get(part) ?? directoryNode()
      if (next.type !== 'directory') throw new Error(`${part} is not a directory`)
      directory.children.set(part, next)
      directory = next
    }
    directory.children.set(name, node)
  }

  /** The node, links not followed at the end; undefined when there is none. */
  peek(path: ByteString): Node | undefined {
    try {
      return this.findLink(path)
    } catch {
      return undefined
    }
  }

  /** The node that a path leads to, links followed. */
  find(path: ByteString): File | Directory {
    let at = path
    for (let followed = 0; followed < linksFollowedMax; followed++) {
      const node = this.findLink(at)
      if (node.type !== 'symlink') return node
      at = absolute(at, node.target)
    }
    throw new BackendError('failed', 'too many links')
  }

  /** The node itself, be it a link. Links in the path before it are followed. */
  findLink(path: ByteString): Node {
    if (path === '/') return this.root
    const { parent, name } = this.findParent(path)
    const node = parent.children.get(name)
    if (node === undefined) throw new BackendError('notFound', `${path}: no such file or directory`)
    return node
  }

  findDirectory(path: ByteString): Directory {
    const node = this.find(path)
    if (node.type !== 'directory') throw new BackendError('notADirectory', `${path}: not a directory`)
    return node
  }

  findParent(path: ByteString): { readonly parent: Directory; readonly name: ByteString } {
    if (path === '/') throw new BackendError('accessDenied', 'the root stays')
    const parts = partsOf(path)
    const name = parts.pop() ?? ''
    return { parent: this.findDirectory(`/${parts.join('/')}`), name }
  }
}

function partsOf(path: ByteString): ByteString[] {
  return path.split('/').filter((part) => part !== '')
}

/** Where a link at `path` points. */
function absolute(path: ByteString, target: ByteString): ByteString {
  const parts = target.startsWith('/') ? [] : partsOf(path).slice(0, -1)
  for (const part of partsOf(target)) {
    if (part === '..') parts.pop()
    else if (part !== '.') parts.push(part)
  }
  return `/${parts.join('/')}`
}
