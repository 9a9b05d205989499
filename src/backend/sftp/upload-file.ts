import { BackendError } from '../backend.ts'
import type { Attrs } from './attrs.ts'
import { isLost } from './failures.ts'
import { attrsOf, setMode, writeToDisk } from './finish.ts'
import type { SftpClient } from './sftp-client.ts'
import type { TransferSession } from './transfer-session.ts'
import type { Place } from './upload-place.ts'
import type { UploadSettings } from './upload-settings.ts'
import { openFlag } from './wire.ts'
import type { WriteLane } from './writer.ts'

/** What makes a file that was written durable; each rejects by itself, and is to be awaited in this order. */
export interface Seal {
  readonly synced: Promise<unknown>
  readonly measured: Promise<Attrs>
  readonly closed: Promise<unknown>
}

/** How far the bytes are, counted from the place's start. */
export interface Written {
  readonly sent: number
  readonly contiguous: number
}

/** The file that an upload is collected in, open over one session after the other. */
export class UploadFile {
  place: Place
  /** That of the session on which it is open. */
  client: SftpClient
  readonly #session: TransferSession
  readonly #settings: UploadSettings
  readonly #written: () => Written
  #laneClosers: (() => Promise<void>)[] = []
  /** fsync, size and CLOSE, once they have been asked for. */
  #seal: Seal | undefined
  #closed: Promise<void> | undefined

  constructor(session: TransferSession, settings: UploadSettings, place: Place, written: () => Written) {
    this.#session = session
    this.#settings = settings
    this.place = place
    this.client = session.client
    this.#written = written
  }

  /** Behind the last byte that is surely there. */
  get arrived(): number {
    return this.place.start + this.#written().contiguous
  }
  get #end(): number {
    return this.place.start + this.#written().sent
  }
  get closing(): boolean {
    return this.#closed !== undefined
  }

  lane(): WriteLane {
    const { client, place } = this
    const lane = laneOf(client, place.handle)
    const { answersInOrder } = this.#session.parts.server.can
    return place.kind === 'overwritten' && place.size > 0 ? emptiedFirst(lane, client, answersInOrder) : lane
  }

  /** Opens the file over another session, to go on where the server was the last time. */
  async reopen(): Promise<WriteLane> {
    const renew = () => this.#session.renew(this.arrived)
    // Of several connections only one may be lost.
    this.close().catch(() => {})
    this.#laneClosers = []
    await renew()
    return this.#session.repeat(() => this.#openAgain(), renew)
  }

  async #openAgain(): Promise<WriteLane> {
    const { client } = this.#session
    const handle = await client.open(this.place.path, openFlag.write).catch((error) => {
      if (isLost(error)) throw error
      throw new BackendError('failed', 'what was written before the backend was lost is gone', { cause: error })
    })
    const { size } = await client.fstat(handle)
    if (size === undefined || size < this.arrived) {
      client.close(handle).catch(() => {})
      throw new BackendError('failed', `the backend holds ${size} bytes of ${this.arrived} that it had acknowledged`)
    }
    this.place = { ...this.place, handle, size: Math.max(size, this.place.size) }
    this.client = client
    this.#seal = undefined
    this.#closed = undefined
    return this.lane()
  }

  /** Gives the file the time of now. */
  touch(): void {
    const { can } = this.#session.parts.server
    if (this.place.kind !== 'apart' || this.closing || can.setModified === 'ignore') return
    const now = Math.floor(Date.now() / 1000)
    this.client.fsetstat(this.place.handle, { accessed: now, modified: now }).catch(() => {})
  }

  /** Makes what was written durable, checks its size and closes it. Where the server answers in order, all at once. */
  seal(): Seal {
    this.#seal ??= this.#session.parts.server.can.answersInOrder ? this.#sealAtOnce() : this.#sealStepByStep()
    for (const step of Object.values(this.#seal)) step.catch(() => {})
    return this.#seal
  }

  #sealAtOnce(): Seal {
    const { parts } = this.#session
    const synced = Promise.all([
      this.#cut(),
      setMode(parts, this.#settings, this.place),
      writeToDisk(parts, this.#settings, this.place),
    ])
    const measured = attrsOf(parts, this.place).then((attrs) => this.#checked(attrs))
    return { synced, measured, closed: this.close() }
  }

  #sealStepByStep(): Seal {
    const { parts } = this.#session
    const synced = this.#cut()
      .then(() => setMode(parts, this.#settings, this.place))
      .then(() => writeToDisk(parts, this.#settings, this.place))
    const measured = synced.then(() => attrsOf(parts, this.place)).then((attrs) => this.#checked(attrs))
    return { synced, measured, closed: measured.then(() => this.close()) }
  }

  /** A client that went back in its partial file, or writes over a longer one, ends before what was there. */
  async #cut(): Promise<void> {
    const { size, handle } = this.place
    if (!keepsTail(this.place) && size > this.#end) await this.client.fsetstat(handle, { size: this.#end })
  }

  /** In place, somebody else may have added to the file meanwhile. */
  #checked(attrs: Attrs): Attrs {
    const { size } = attrs
    const wanted = keepsTail(this.place) ? Math.max(this.place.size, this.#end) : this.#end
    const fits = size === undefined || (this.place.kind === 'goneOn' ? size >= this.#end : size === wanted)
    if (!fits) throw new BackendError('failed', `the backend holds ${size} bytes of ${wanted}`)
    return attrs
  }

  /** Every handle of the file, once. */
  close(): Promise<void> {
    const closers = [() => this.client.close(this.place.handle), ...this.#laneClosers]
    this.#closed ??= Promise.all(closers.map((close) => close())).then(() => {})
    return this.#closed
  }

  /** A large file goes on over further connections, each with a handle of its own. */
  widen(add: (lane: WriteLane) => boolean): void {
    this.#session.parts.lanes.spread(async (client) => {
      const handle = await client.open(this.place.path, openFlag.write)
      if (this.#closed || !add(laneOf(client, handle))) return client.close(handle)
      this.#laneClosers.push(() => client.close(handle))
    })
  }
}

function keepsTail(place: Place): boolean {
  return place.kind === 'goneOn' || (place.kind === 'apart' && place.keepsTail)
}

/** A file that is written in place loses what was in it when the first byte is there, and not when a client only announces one. */
function emptiedFirst({ handle, queued }: WriteLane, client: SftpClient, inOrder: boolean): WriteLane {
  let emptied: Promise<void> | undefined
  const write: SftpClient['write'] = async (...request) => {
    emptied ??= client.fsetstat(handle, { size: 0 })
    if (!inOrder) await emptied
    await Promise.all([emptied, client.write(...request)])
  }
  return { client: { write }, handle, queued }
}

function laneOf(client: SftpClient, handle: Buffer): WriteLane {
  return { client, handle, queued: () => client.session.queued }
}
