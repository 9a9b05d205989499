import { Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import {
  type Backend,
  BackendError,
  type Credentials,
  type Download,
  type Entry,
  type ExpectedFile,
  type FailureKind,
  type FileSystem,
  type Owner,
  type Preparation,
  type Upload,
  type WriteMode,
} from '../../src/backend/backend.ts'
import type { ByteString } from '../../src/ftp/bytes.ts'
import { directoryNode, type File, fileNode, type Node, Tree } from './memory-tree.ts'

/** Where a test may step in: every operation of the contract, each piece of a listing or transfer, and the commit. */
export type Operation =
  | keyof Omit<FileSystem, 'home' | 'close'>
  | 'open'
  | 'batch'
  | 'readChunk'
  | 'writeChunk'
  | 'commit'

/** Runs before an operation; what it throws is the operation's failure, what it awaits delays it. */
export type Before = (operation: Operation, path: ByteString) => void | Promise<void>

export function failure(kind: FailureKind, message: string = kind): BackendError {
  return new BackendError(kind, message)
}

/** Files in memory, for tests of everything above the storage contract. Every user's password is `secret`. */
export class MemoryBackend implements Backend {
  readonly name = 'memory'
  readonly tree = new Tree()
  home: ByteString = '/'
  up: boolean | undefined
  before: Before = () => {}
  /** Uploads under way, by owner and path. */
  readonly uploading = new Set<string>()
  /** Directories, downloads and uploads that were opened and not closed, committed or abandoned. */
  openHandles = 0
  readonly #closing = new Set<() => void>()
  /** Calls back when a login is closed. */
  onClose(callback: () => void): void {
    this.#closing.add(callback)
  }
  closed(): void {
    for (const callback of this.#closing) callback()
  }
  /** What `space` tells; undefined for a server that does not. */
  free: number | undefined = 1024 ** 3
  batchLength = 100
  chunkLength = 64 * 1024

  async open(credentials: Credentials, _preparation?: Preparation, owner = ''): Promise<FileSystem> {
    await this.before('open', credentials.username)
    this.up = true
    if (credentials.kind === 'password' && credentials.password.reveal() !== 'secret') {
      throw failure('loginRefused', 'wrong password')
    }
    return new MemoryFileSystem(this, owner)
  }
  prepare(): undefined {}
  async probe(): Promise<void> {
    await this.before('open', '')
    this.up = true
  }
  async close(): Promise<void> {}

  /** The bytes of a file; undefined when there is none. */
  content(path: ByteString): Buffer | undefined {
    const node = this.tree.peek(path)
    return node?.type === 'file' ? node.content : undefined
  }
}

class MemoryFileSystem implements FileSystem {
  readonly #backend: MemoryBackend
  readonly #owner: string
  #closed = false
  constructor(backend: MemoryBackend, owner: string) {
    this.#backend = backend
    this.#owner = owner
  }

  get home(): ByteString {
    return this.#backend.home
  }
  get #tree(): Tree {
    return this.#backend.tree
  }

  async #before(operation: Operation, path: ByteString): Promise<void> {
    if (this.#closed) throw failure('unavailable', 'the login was closed')
    await this.#backend.before(operation, path)
    if (this.#closed) throw failure('unavailable', 'the login was closed')
  }

  async stat(path: ByteString): Promise<Entry> {
    await this.#before('stat', path)
    return entryOf(path, this.#tree.find(path))
  }
  async lstat(path: ByteString): Promise<Entry> {
    await this.#before('lstat', path)
    return entryOf(path, this.#tree.findLink(path))
  }
  async enter(path: ByteString): Promise<void> {
    await this.#before('enter', path)
    this.#tree.findDirectory(path)
  }
  async readLink(path: ByteString): Promise<ByteString> {
    await this.#before('readLink', path)
    const node = this.#tree.findLink(path)
    if (node.type !== 'symlink') throw failure('failed', 'not a link')
    return node.target
  }

  async *list(path: ByteString): AsyncGenerator<readonly Entry[], void, undefined> {
    await this.#before('list', path)
    const entries = [...this.#tree.findDirectory(path).children].map(([name, node]) => entryOf(name, node))
    this.#backend.openHandles += 1
    try {
      for (let i = 0; i < entries.length; i += this.#backend.batchLength) {
        await this.#before('batch', path)
        yield entries.slice(i, i + this.#backend.batchLength)
      }
    } finally {
      this.#backend.openHandles -= 1
    }
  }

  async read(path: ByteString, start: number): Promise<Download> {
    await this.#before('read', path)
    const { content } = this.#findFile(path)
    if (start > content.length) throw failure('badOffset')
    this.#backend.openHandles += 1
    const before = () => this.#before('readChunk', path)
    const { chunkLength } = this.#backend
    let end: (() => void) | undefined
    const closed = new Promise<void>((resolve) => {
      end = resolve
    })
    const chunks = async function* () {
      for (let i = start; i < content.length && end !== undefined; i += chunkLength) {
        await Promise.race([before(), closed])
        if (end !== undefined) yield content.subarray(i, i + chunkLength)
      }
    }
    const close = async () => {
      if (end === undefined) return
      end()
      end = undefined
      this.#backend.openHandles -= 1
    }
    return { size: content.length, content: chunks(), close }
  }

  async write(path: ByteString, mode: WriteMode, { permissions = 0o644 }: ExpectedFile = {}): Promise<Upload> {
    await this.#before('write', path)
    const { parent, name } = this.#tree.findParent(path)
    const existing = parent.children.get(name)
    if (existing?.type === 'directory') throw failure('isADirectory')
    if (mode.kind === 'unique' && existing !== undefined) throw failure('alreadyExists')
    const old = existing === undefined ? undefined : this.#findFile(path)
    const length = old?.content.length ?? 0
    if (mode.kind === 'restart' && mode.offset > length) throw failure('badOffset')
    const start = mode.kind === 'append' ? length : mode.kind === 'restart' ? mode.offset : 0
    const key = `${this.#owner} ${path}`
    if (mode.kind !== 'unique' && this.#backend.uploading.has(key)) throw failure('busy')
    this.#backend.uploading.add(key)
    this.#backend.openHandles += 1
    return this.#upload(path, key, old?.content ?? Buffer.alloc(0), start, () => {
      const { parent, name } = this.#tree.findParent(path)
      if (mode.kind === 'unique' && parent.children.has(name)) throw failure('alreadyExists')
      const present = parent.children.get(name)
      // A link stays, and what it names gets the bytes.
      if (present !== undefined) return this.#findFile(path)
      const made = fileNode(Buffer.alloc(0), { mode: permissions })
      parent.children.set(name, made)
      return made
    })
  }

  #upload(path: ByteString, key: string, old: Buffer, start: number, target: () => File): Upload {
    const chunks = [old.subarray(0, start)]
    const before = (operation: Operation) => this.#before(operation, path)
    const sink = new Writable({
      write(chunk: Buffer, _encoding, done) {
        before('writeChunk').then(() => {
          chunks.push(Buffer.from(chunk))
          done()
        }, done)
      },
    })
    // Whoever writes hears of the error; the sink of an upload that is only abandoned must not end the process.
    sink.on('error', () => {})
    const store = () => {
      const file = target()
      const written = Buffer.concat(chunks)
      file.content = start > 0 ? Buffer.concat([written, old.subarray(written.length)]) : written
      file.attrs.modified = Math.floor(Date.now() / 1000)
    }
    let open = true
    const end = () => {
      this.#backend.uploading.delete(key)
      if (open) this.#backend.openHandles -= 1
      open = false
    }
    return {
      inPlace: false,
      sink,
      async commit() {
        await before('commit')
        if (!open || !sink.writableFinished) throw failure('failed', 'commit of an upload that is not finished')
        store()
        end()
      },
      async abandon() {
        end()
        sink.destroy()
      },
    }
  }

  async makeDirectory(path: ByteString): Promise<void> {
    await this.#before('makeDirectory', path)
    if (this.#tree.peek(path) !== undefined) throw failure('alreadyExists')
    const { parent, name } = this.#tree.findParent(path)
    parent.children.set(name, directoryNode())
  }
  async removeDirectory(path: ByteString): Promise<void> {
    await this.#before('removeDirectory', path)
    const node = this.#tree.findLink(path)
    if (node.type !== 'directory') throw failure('notADirectory')
    if (node.children.size > 0) throw failure('directoryNotEmpty')
    const { parent, name } = this.#tree.findParent(path)
    parent.children.delete(name)
  }
  async removeFile(path: ByteString): Promise<void> {
    await this.#before('removeFile', path)
    if (this.#tree.findLink(path).type === 'directory') throw failure('isADirectory')
    const { parent, name } = this.#tree.findParent(path)
    parent.children.delete(name)
  }
  async rename(from: ByteString, to: ByteString): Promise<void> {
    await this.#before('rename', from)
    const node = this.#tree.findLink(from)
    const source = this.#tree.findParent(from)
    const target = this.#tree.findParent(to)
    if (node.type === 'directory' && `${to}/`.startsWith(`${from}/`) && to !== from) throw failure('failed')
    if (target.parent.children.get(target.name)?.type === 'directory' && to !== from) throw failure('isADirectory')
    source.parent.children.delete(source.name)
    target.parent.children.set(target.name, node)
  }
  async copy(from: ByteString, to: ByteString, permissions?: number): Promise<void> {
    await this.#before('copy', from)
    const { content } = this.#findFile(from)
    const upload = await this.write(to, { kind: 'replace' }, { permissions })
    upload.sink.end(Buffer.from(content))
    await finished(upload.sink)
    await upload.commit()
  }
  async space(path: ByteString): Promise<number> {
    await this.#before('space', path)
    if (this.#backend.free === undefined) throw failure('unsupported')
    this.#tree.find(path)
    return this.#backend.free
  }
  async setModified(path: ByteString, seconds: number): Promise<void> {
    await this.#before('setModified', path)
    this.#tree.find(path).attrs.modified = seconds
  }
  async setOwner(path: ByteString, { uid, gid }: Owner): Promise<void> {
    await this.#before('setOwner', path)
    const { attrs } = this.#tree.find(path)
    attrs.uid = uid ?? attrs.uid
    attrs.gid = gid ?? attrs.gid
  }
  async makeSymlink(target: ByteString, link: ByteString): Promise<void> {
    await this.#before('makeSymlink', link)
    // A link makes no directories on its way, as `addLink` does.
    this.#tree.findParent(link)
    if (this.#tree.peek(link) !== undefined) throw failure('alreadyExists')
    this.#tree.addLink(link, target)
  }
  async makeLink(file: ByteString, link: ByteString): Promise<void> {
    await this.#before('makeLink', link)
    if (this.#tree.peek(link) !== undefined) throw failure('alreadyExists')
    const { parent, name } = this.#tree.findParent(link)
    parent.children.set(name, this.#findFile(file))
  }
  async setMode(path: ByteString, mode: number): Promise<void> {
    await this.#before('setMode', path)
    this.#tree.find(path).attrs.mode = mode
  }
  async close(): Promise<void> {
    this.#closed = true
    this.#backend.closed()
  }

  #findFile(path: ByteString): File {
    const node = this.#tree.find(path)
    if (node.type === 'directory') throw failure('isADirectory')
    return node
  }
}

function entryOf(path: ByteString, node: Node): Entry {
  const { mode, modified, uid, gid, owner, group, links } = node.attrs
  const size = node.type === 'file' ? node.content.length : node.type === 'symlink' ? node.target.length : 4096
  const name = path.slice(path.lastIndexOf('/') + 1) || '/'
  return { name, type: node.type, size, mode, modified, uid, gid, owner, group, links }
}
