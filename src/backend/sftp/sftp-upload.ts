import { createHash, type Hash } from 'node:crypto'
import type { Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { BackendError, type ByteTarget, type Leave, type Upload } from '../backend.ts'
import type { Attrs } from './attrs.ts'
import { explain, whyWriteFailed } from './explain.ts'
import { isLost } from './failures.ts'
import { finish, type UploadSettings } from './finish.ts'
import { keptPath } from './part-name.ts'
import { hashOf } from './read-back.ts'
import { renameOver } from './rename.ts'
import type { SftpClient } from './sftp-client.ts'
import type { TransferParts } from './transfer-parts.ts'
import { TransferSession } from './transfer-session.ts'
import type { Place, Target } from './upload-place.ts'
import { openFlag } from './wire.ts'
import { type WriteLane, Writer } from './writer.ts'

/** How long the end of a failed upload may wait until its temporary file is gone. */
const dropMs = 2000

export interface UploadHooks {
  readonly onCommitted: (attrs: Attrs) => void
  /** The target may be uploaded again. */
  readonly release?: () => void
  /** What has to be done before the target gets its name. */
  readonly settle?: (now: TransferParts) => Promise<void>
}

/** An upload that is open: its bytes, what makes them durable, and what becomes of it when it fails. */
export class SftpUpload implements Upload {
  readonly inPlace: boolean
  readonly sink: Writable
  readonly direct: ByteTarget
  readonly #session: TransferSession
  readonly #settings: UploadSettings
  #place: Place
  /** That of the session on which `#place` is open. */
  #client: SftpClient
  readonly #hooks: UploadHooks
  readonly #writer: Writer
  readonly #laneClosers: (() => Promise<void>)[] = []
  /** fsync, size and CLOSE, once they have been asked for. */
  #sealed: Promise<Attrs> | undefined
  #closed: Promise<void> | undefined
  readonly #hash: Hash | undefined
  #over = false
  #unwatch = () => {}

  constructor(parts: TransferParts, settings: UploadSettings, place: Place, hooks: UploadHooks) {
    const { client, server, lanes, inFlightMax, budget } = parts
    this.inPlace = place.target === undefined
    // In place, somebody else may have written behind our bytes meanwhile.
    this.#session = new TransferSession(this.inPlace ? { ...parts, renew: undefined } : parts)
    this.#settings = settings
    this.#place = place
    this.#client = client
    this.#hooks = hooks
    this.#hash = settings.verify === 'hash' ? createHash('sha256') : undefined
    this.#writer = new Writer(laneOf(client, place.handle), {
      start: place.start,
      requestBytes: server.can.writeBytes,
      inFlightMax,
      budget,
      onAllSent: () => {
        // On such a server these come after the last WRITE, so they need not wait for its acknowledgement.
        if (server.can.answersInOrder && this.#writer.inOrder) void this.#seal()
      },
      onLarge: () => {
        // In place, a lane that is lost would leave a hole before bytes that have arrived, and a client goes on behind them.
        if (lanes.wanted && !this.inPlace) this.#widen()
      },
      onBytes: this.#hash && ((bytes) => void this.#hash?.update(bytes)),
      renew: this.#session.renewable ? () => this.#reopen() : undefined,
      explain: (error, length) => explain(this.#client, error, whyWriteFailed(place.path, length)),
    })
    this.sink = this.#writer
    this.direct = this.#writer
    // The server may be lost before anybody writes, and so before anybody listens; the error latches all the same.
    this.#writer.on('error', () => {})
    this.#watch()
    this.#writer.once('close', () => this.#unwatch())
  }

  /** A client that sends slowly has no request pending which could fail. */
  #watch(): void {
    this.#unwatch = this.#client.session.whenDead((error) => this.#writer.lost(error))
  }

  /** The final name comes last, and only when all the rest was acknowledged: a rename cannot be taken back. */
  async commit(): Promise<void> {
    if (this.#over || !this.#writer.writableFinished) throw new BackendError('failed', 'commit of an unfinished upload')
    const attrs = await this.#session.repeat(
      () => this.#seal(),
      () => this.#reopen(),
    )
    await this.#verify()
    const { target } = this.#place
    if (target) await this.#takeName(target)
    this.#over = true
    this.#hooks.release?.()
    if (attrs.size !== undefined) this.#hooks.onCommitted(attrs)
  }

  /** Nothing but reading it again finds a block that the server has acknowledged and lost. */
  async #verify(): Promise<void> {
    const sent = this.#hash?.digest('hex')
    if (sent === undefined) return
    const { path, start } = this.#place
    const stored = await this.#session.repeat(
      () => hashOf(this.#session.parts, path, start, this.#writer.sent),
      () => this.#session.renew(this.#arrived),
    )
    if (stored !== sent) throw new BackendError('failed', 'the backend does not hold the bytes that were sent')
  }

  async #takeName(target: Target): Promise<void> {
    const { path } = this.#place
    let asked = 0
    const take = async () => {
      asked++
      const { client, parts } = this.#session
      if (target.unique) await client.rename(path, target.path)
      else await renameOver(client, parts.server, path, target.path)
    }
    // Nobody else has ever had the temporary name: when it is gone, an earlier request has been carried out.
    const unlessTaken = (error: unknown) => {
      if (asked < 2 || !(error instanceof BackendError) || error.kind !== 'notFound') throw error
    }
    await this.#session.repeat(
      async () => this.#hooks.settle?.(this.#session.parts),
      () => this.#session.renew(this.#arrived),
    )
    const oneStep = this.#session.parts.server.can.rename === 'posix' || target.unique
    if (!oneStep) return take()
    await this.#session.repeat(
      () => take().catch(unlessTaken),
      () => this.#session.renew(this.#arrived),
    )
  }

  /** Opens the file over another session, to go on where the server was the last time. */
  async #reopen(): Promise<WriteLane> {
    await this.#session.renew(this.#arrived)
    return this.#session.repeat(
      () => this.#openAgain(),
      () => this.#session.renew(this.#arrived),
    )
  }

  async #openAgain(): Promise<WriteLane> {
    const { client } = this.#session
    const handle = await client.open(this.#place.path, openFlag.write).catch((error) => {
      if (isLost(error)) throw error
      throw new BackendError('failed', 'what was written before the backend was lost is gone', { cause: error })
    })
    const { size } = await client.fstat(handle)
    const whole = size !== undefined && size >= this.#arrived
    if (!whole || this.#over) {
      client.close(handle).catch(() => {})
      throw new BackendError('failed', `the backend holds ${size} bytes of ${this.#arrived} that it had acknowledged`)
    }
    this.#place = { ...this.#place, handle, size: Math.max(size, this.#place.size) }
    this.#client = client
    this.#sealed = undefined
    this.#closed = undefined
    this.#watch()
    return laneOf(client, handle)
  }

  async abandon(leave: Leave): Promise<void> {
    if (this.#over) return
    this.#over = true
    if (leave !== 'bytes') this.#writer.destroy()
    const done = new AbortController()
    const ended = this.#end(leave).finally(() => {
      this.#hooks.release?.()
      done.abort()
    })
    // A server that is slow, or silent, is no reason to leave the client without an answer.
    await Promise.race([ended, sleep(dropMs, undefined, { signal: done.signal }).catch(() => {})])
  }

  async #end(leave: Leave): Promise<void> {
    if (leave === 'bytes') await this.#writer.settle()
    this.#writer.destroy()
    const bytes = this.#worthKeeping(leave)
    await (bytes === undefined ? this.#drop() : this.#keep(bytes))
  }

  /** How many bytes of the partial file are kept; undefined: it is not. A name of STOU's means nothing to its client any more. */
  #worthKeeping(leave: Leave): number | undefined {
    const { target } = this.#place
    if (leave === 'nothing' || !this.#settings.keepPartial || !target || target.unique) return undefined
    // With several connections there may be holes.
    if (leave === 'bytes' && this.#writer.inOrder && this.#arrived > 0) return this.#arrived
    return target.replaces ? 0 : undefined
  }
  /** Behind the last byte that is surely there. */
  get #arrived(): number {
    return this.#place.start + this.#writer.contiguous
  }

  /** Gives the partial file the name under which its login will look for it; without a connection that has to wait. */
  async #keep(bytes: number): Promise<void> {
    const { path, handle, target } = this.#place
    if (!target) return
    const kept = keptPath(target.path, this.#settings.tag)
    try {
      // What was sent after a failure may be there, with a hole before it. The end of a small file is sent with its bytes.
      if (this.#closed !== undefined) await this.#client.setstat(path, { size: bytes })
      else await this.#client.fsetstat(handle, { size: bytes })
      await this.#close().catch(() => {})
      await this.#client.rename(path, kept)
    } catch {
      if (this.#client.session.dead) this.#settings.partials.abandon(kept, { path, bytes })
      else await this.#client.remove(path).catch(() => {})
    }
  }

  async #drop(): Promise<void> {
    const closed = this.#close().catch(() => {})
    if (!this.#session.parts.server.can.answersInOrder) await closed
    if (this.#place.target) await this.#client.remove(this.#place.path).catch(() => {})
    await closed
  }

  /** Makes what was written durable, checks its size and closes it. */
  #seal(): Promise<Attrs> {
    this.#sealed ??= this.#session.parts.server.can.answersInOrder ? this.#sealAtOnce() : this.#sealStepByStep()
    this.#sealed.catch(() => {})
    return this.#sealed
  }

  async #sealAtOnce(): Promise<Attrs> {
    const cut = this.#cut()
    const finished = finish(this.#session.parts, this.#settings, this.#place)
    const [attrs] = await Promise.all([finished, cut, this.#close()])
    return this.#checked(attrs)
  }

  async #sealStepByStep(): Promise<Attrs> {
    await this.#cut()
    const attrs = await finish(this.#session.parts, this.#settings, this.#place)
    await this.#close()
    return this.#checked(attrs)
  }

  /** A client that went back in its partial file ends before what it had sent the first time. */
  async #cut(): Promise<void> {
    const end = this.#place.start + this.#writer.sent
    if (this.#place.target && this.#place.size > end) await this.#client.fsetstat(this.#place.handle, { size: end })
  }

  /** Every handle of the file, once. */
  #close(): Promise<void> {
    const closers = [() => this.#client.close(this.#place.handle), ...this.#laneClosers]
    this.#closed ??= Promise.all(closers.map((close) => close())).then(() => {})
    return this.#closed
  }

  #checked(attrs: Attrs): Attrs {
    const { size } = attrs
    const wanted = this.#place.start + this.#writer.sent
    // In place, what was behind the bytes stays; a file of its own must have just these bytes.
    const fits = size === undefined || (this.#place.target ? size === wanted : size >= wanted)
    if (!fits) throw new BackendError('failed', `the backend holds ${size} bytes of ${wanted}`)
    return attrs
  }

  /** A large file goes on over further connections, each with a handle of its own. */
  #widen(): void {
    this.#session.parts.lanes.spread(async (client) => {
      const handle = await client.open(this.#place.path, openFlag.write)
      if (this.#closed || !this.#writer.addLane(laneOf(client, handle))) return client.close(handle)
      this.#laneClosers.push(() => client.close(handle))
    })
  }
}

function laneOf(client: SftpClient, handle: Buffer): WriteLane {
  return { client, handle, queued: () => client.session.queued }
}
