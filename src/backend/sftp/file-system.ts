import type { ByteString } from '../../ftp/bytes.ts'
import {
  BackendError,
  type Download,
  type Entry,
  type ExpectedFile,
  type FileSystem,
  type Owner,
  type Upload,
  type WriteMode,
} from '../backend.ts'
import type { Attrs } from './attrs.ts'
import type { ByteBudget } from './byte-budget.ts'
import { copyFile } from './copy-file.ts'
import { readDirectory } from './directory-reader.ts'
import { openDownload } from './download.ts'
import { entryOf, isDirectory } from './entry.ts'
import { checkRoom, explain, whyMakeDirectoryFailed, whyRemoveDirectoryFailed, whyRemoveFailed } from './explain.ts'
import { isUnsupported } from './failures.ts'
import { type LanePlan, Lanes } from './lanes.ts'
import { MovedPartials } from './moved-partials.ts'
import { isPartName } from './part-name.ts'
import { PartialView, type ViewSettings } from './partial-view.ts'
import type { Lease } from './pooled-line.ts'
import { RecentStat } from './recent-stat.ts'
import { renameOver } from './rename.ts'
import type { Server } from './server.ts'
import type { SftpClient } from './sftp-client.ts'
import type { StandingLease } from './standing-lease.ts'
import type { TransferParts } from './transfer-parts.ts'
import { openUpload } from './upload.ts'
import type { UploadSettings } from './upload-settings.ts'
import { extension } from './wire.ts'

export interface FileSystemSettings extends UploadSettings, ViewSettings {
  /** Bytes under way: of one transfer, and of all. */
  readonly inFlightMax: number
  readonly budget: ByteBudget
}

/** One login's files over one SFTP session. */
export class SftpFileSystem implements FileSystem {
  readonly home: ByteString
  readonly #lease: StandingLease
  readonly #settings: FileSystemSettings
  readonly #lanePlan: LanePlan
  #lanes: { readonly of: Lease; readonly lanes: Lanes } | undefined
  readonly #view: PartialView
  readonly #moved: MovedPartials
  readonly #recent = new RecentStat()

  constructor(lease: StandingLease, settings: FileSystemSettings, lanes: LanePlan) {
    this.home = lease.current.home
    this.#lease = lease
    this.#settings = settings
    this.#lanePlan = lanes
    this.#view = new PartialView(() => this.#lease.current, settings)
    this.#moved = new MovedPartials(() => this.#lease.current, settings)
  }

  get #client(): SftpClient {
    return this.#lease.current.client
  }
  get #server(): Server {
    return this.#lease.current.server
  }
  /** What a transfer that begins now works with. */
  get #parts(): TransferParts {
    const { current, renewable } = this.#lease
    const { inFlightMax, budget } = this.#settings
    if (this.#lanes?.of !== current) {
      this.#lanes?.lanes.release()
      this.#lanes = { of: current, lanes: new Lanes(current, this.#lanePlan) }
    }
    const { client, server } = current
    const renew = async () => {
      await this.#lease.renew()
      return this.#parts
    }
    return { client, server, lanes: this.#lanes.lanes, inFlightMax, budget, renew: renewable ? renew : undefined }
  }

  async stat(path: ByteString, asker?: string): Promise<Entry> {
    const known = asker === undefined ? undefined : this.#recent.tell(path, asker)
    const attrs = known ?? (asker === undefined ? await this.#client.stat(path) : await this.#seen(path))
    if (known) this.#view.tell(path, { size: known.size, of: 'file' })
    else this.#recent.learn(path, attrs, asker)
    return entryOf(lastPart(path), attrs)
  }
  /** What the client has sent so far of an upload that was interrupted stands for the file. */
  async #seen(path: ByteString): Promise<Attrs> {
    const busy = this.#view.isBusy(path)
    const [file, partial] = await Promise.allSettled([this.#client.stat(path), this.#view.attrs(path)])
    if (partial.status === 'rejected') throw partial.reason
    const attrs = file.status === 'fulfilled' ? file.value : undefined
    const isPartial = partial.value !== undefined && !(attrs && isDirectory(attrs))
    const seen = isPartial ? partial.value : attrs
    this.#view.tell(path, { size: seen?.size, of: busy ? 'doubtful' : isPartial ? 'partial' : 'file' })
    if (seen) return seen
    throw file.status === 'rejected' ? file.reason : new BackendError('notFound', 'no such file')
  }
  async lstat(path: ByteString): Promise<Entry> {
    return entryOf(lastPart(path), await this.#client.lstat(path))
  }
  /** `/.` needs the right to enter the directory, which STAT of the directory itself does not. */
  async enter(path: ByteString): Promise<void> {
    const attrs = await this.#client.stat(path === '/' ? path : `${path}/.`).catch((error: unknown) => {
      if (error instanceof BackendError && error.kind === 'accessDenied') throw error
      // A file in its place is "no such file" to some servers, and some do not know `/.` at all.
      return this.#client.stat(path)
    })
    // mod_sftp takes `/.` off before it looks, so a file passes for itself.
    if (!isDirectory(attrs)) throw new BackendError('notADirectory', 'not a directory')
  }
  async readLink(path: ByteString): Promise<ByteString> {
    return this.#client.readlink(path)
  }

  async *list(path: ByteString): AsyncGenerator<readonly Entry[]> {
    const handle = await this.#openDirectory(path)
    const batches = readDirectory(this.#client, handle, this.#server.can, (name) => this.#view.isOwn(name))
    yield* this.#view.list(path, batches)
  }

  read(path: ByteString, start: number): Promise<Download> {
    return openDownload(this.#parts, path, start)
  }
  async write(
    path: ByteString,
    mode: WriteMode,
    { permissions, size, continuable }: ExpectedFile = {},
  ): Promise<Upload> {
    refusePartName(path)
    this.#recent.forget()
    if (size !== undefined) await checkRoom(this.#client, path, size)
    const onCommitted = (attrs: Attrs) => this.#recent.learn(path, attrs)
    return openUpload(this.#parts, { ...this.#settings, permissions, continuable }, path, mode, onCommitted)
  }

  async makeDirectory(path: ByteString): Promise<void> {
    refusePartName(path)
    await this.#explained(this.#client.mkdir(path), whyMakeDirectoryFailed(path))
  }
  async removeDirectory(path: ByteString): Promise<void> {
    this.#recent.forget()
    await this.#explained(this.#client.rmdir(path), whyRemoveDirectoryFailed(path)).catch(async (error) => {
      // OpenSSH says "no such file" for a file that is not a directory.
      const attrs = isNotFound(error) ? await this.#client.lstat(path).catch(() => undefined) : undefined
      if (attrs && !isDirectory(attrs)) throw new BackendError('notADirectory', 'not a directory', { cause: error })
      throw error
    })
  }
  async removeFile(path: ByteString): Promise<void> {
    this.#recent.forget()
    const keepAfterAll = await this.#moved.disown(path)
    const [removed, partial] = await Promise.allSettled([
      this.#explained(this.#client.remove(path), whyRemoveFailed(path)),
      this.#view.remove(path),
    ])
    const removedPartial = partial.status === 'fulfilled' && partial.value
    if (removed.status === 'fulfilled' || (removedPartial && isNotFound(removed.reason)))
      return this.#moved.replaced(path)
    keepAfterAll()
    if (removedPartial) this.#moved.thrownAway(path)
    throw removed.reason
  }
  async rename(from: ByteString, to: ByteString): Promise<void> {
    this.#recent.forget()
    refusePartName(from)
    refusePartName(to)
    await this.#moved.free(to)
    await this.#moved.look(to)
    const keepAfterAll = await this.#moved.disown(from)
    // What was interrupted of an upload to the new name stands for nothing then. It goes before: behind a rename that was carried
    // out and not heard of, or a gateway that was killed, it would come back over the file.
    const forgotten = this.#moved.forget(to)
    if (this.#server.can.answersInOrder) forgotten.catch(() => {})
    else await forgotten
    try {
      await renameOver(this.#client, this.#server, from, to)
    } catch (error) {
      keepAfterAll()
      if (await forgotten.catch(() => false)) this.#moved.thrownAway(to)
      throw error
    }
    this.#moved.replaced(to)
    // That to the old name goes with it.
    this.#moved.forget(from).catch(() => {})
  }

  async copy(from: ByteString, to: ByteString, permissions?: number): Promise<void> {
    refusePartName(to)
    this.#recent.forget()
    await this.#moved.free(to)
    await copyFile(this.#parts, { ...this.#settings, permissions }, from, to)
    this.#moved.replaced(to)
    this.#moved.forget(to).catch(() => {})
  }
  async space(path: ByteString): Promise<number> {
    if (!this.#client.offers(extension.statvfs)) {
      throw new BackendError('unsupported', 'the server does not tell its free space')
    }
    return (await this.#client.statvfs(path)).bytes
  }

  /** Version 3 sets both times or none, so the access time is set too. */
  async setModified(path: ByteString, seconds: number, accessed = seconds): Promise<void> {
    this.#recent.forget()
    if (this.#server.can.setModified === 'ignore') {
      throw new BackendError('unsupported', 'times of files are not set on this backend')
    }
    try {
      await this.#client.setstat(path, { accessed, modified: seconds })
    } catch (error) {
      if (isUnsupported(error)) this.#server.learn({ setModified: 'ignore' })
      throw error
    }
  }
  async setMode(path: ByteString, mode: number): Promise<void> {
    this.#recent.forget()
    await this.#client.setstat(path, { permissions: mode })
  }

  /** Version 3 sets both ids or none. */
  async setOwner(path: ByteString, { uid, gid }: Owner): Promise<void> {
    this.#recent.forget()
    const old = uid === undefined || gid === undefined ? await this.#client.stat(path) : undefined
    const ids = { uid: uid ?? old?.uid, gid: gid ?? old?.gid }
    if (ids.uid === undefined || ids.gid === undefined) {
      throw new BackendError('unsupported', 'the server does not tell whose the file is, and takes both ids or none')
    }
    await this.#client.setstat(path, { uid: ids.uid, gid: ids.gid })
  }
  async makeSymlink(target: ByteString, link: ByteString): Promise<void> {
    refusePartName(link)
    const [first, second] = this.#server.can.symlink === 'targetFirst' ? [target, link] : [link, target]
    await this.#explained(this.#client.symlink(first, second), whyMakeDirectoryFailed(link))
  }
  async makeLink(file: ByteString, link: ByteString): Promise<void> {
    refusePartName(link)
    if (!this.#client.offers(extension.hardlink)) {
      throw new BackendError('unsupported', 'the server makes no hard links')
    }
    await this.#explained(this.#client.hardlink(file, link), whyMakeDirectoryFailed(link))
  }

  async close(): Promise<void> {
    this.#lanes?.lanes.release()
    this.#lease.release()
  }

  async #openDirectory(path: ByteString): Promise<Buffer> {
    try {
      return await this.#client.opendir(path)
    } catch (error) {
      // OpenSSH says "no such file" for a file that is not a directory.
      const attrs = await this.#client.stat(path).catch(() => undefined)
      if (attrs && !isDirectory(attrs)) throw new BackendError('notADirectory', 'not a directory', { cause: error })
      throw error
    }
  }

  async #explained(operation: Promise<void>, look: Parameters<typeof explain<SftpClient>>[2]): Promise<void> {
    await operation.catch(async (error) => {
      throw await explain(this.#client, error, look)
    })
  }
}

/** The names of temporary files are ours: what a login makes under one would be taken for another login's upload. */
function refusePartName(path: ByteString): void {
  if (isPartName(lastPart(path))) throw new BackendError('invalidName', 'the name is that of a temporary file')
}

function isNotFound(error: unknown): boolean {
  return error instanceof BackendError && error.kind === 'notFound'
}

function lastPart(path: ByteString): ByteString {
  return path.slice(path.lastIndexOf('/') + 1) || '/'
}
