import { createHash, type Hash } from 'node:crypto'
import type { Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { BackendError, type ByteTarget, type Leave, type Upload } from '../backend.ts'
import type { Attrs } from './attrs.ts'
import { explain, whyWriteFailed } from './explain.ts'
import { asBackendError, isLost } from './failures.ts'
import { keptPath } from './part-name.ts'
import { hashOf } from './read-back.ts'
import { renameOver } from './rename.ts'
import type { TransferParts } from './transfer-parts.ts'
import { TransferSession } from './transfer-session.ts'
import { UploadFile } from './upload-file.ts'
import { type ApartPlace, type Place, removePart, type Target } from './upload-place.ts'
import type { UploadSettings } from './upload-settings.ts'
import { begun, done, failed, reopened, type UploadEvent, type UploadState } from './upload-state.ts'
import { type WriteLane, Writer } from './writer.ts'

/** How long the end of a failed upload may wait until its temporary file is gone. */
const dropMs = 2000

export interface UploadHooks {
  readonly onCommitted: (attrs: Attrs) => void
  /** The target may be uploaded again. */
  readonly release: () => void
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
  readonly #hooks: UploadHooks
  readonly #file: UploadFile
  readonly #writer: Writer
  readonly #hash: Hash | undefined
  #state: UploadState = begun
  #abandoned = false
  #unwatch = () => {}
  readonly #touching: NodeJS.Timeout
  #sentBefore = 0

  constructor(parts: TransferParts, settings: UploadSettings, place: Place, hooks: UploadHooks) {
    const { server, lanes, inFlightMax, budget } = parts
    this.inPlace = place.kind !== 'apart'
    // In place, somebody else may have written behind our bytes meanwhile.
    this.#session = new TransferSession(this.inPlace ? { ...parts, renew: undefined } : parts)
    this.#settings = settings
    this.#hooks = hooks
    this.#file = new UploadFile(this.#session, settings, place, () => this.#writer)
    this.#hash = settings.verify === 'hash' ? createHash('sha256') : undefined
    this.#writer = new Writer(this.#file.lane(), {
      start: place.start,
      requestBytes: server.can.writeBytes,
      inFlightMax,
      budget,
      onAllSent: () => {
        // On such a server these come after the last WRITE, so they need not wait for its acknowledgement.
        if (server.can.answersInOrder && this.#writer.inOrder) this.#file.seal()
      },
      onLarge: () => {
        // In place, a lane that is lost would leave a hole before bytes that have arrived, and a client goes on behind them.
        if (lanes.wanted && !this.inPlace) this.#file.widen((lane) => this.#writer.addLane(lane))
      },
      onBytes: this.#hash && ((bytes) => void this.#hash?.update(bytes)),
      renew: this.#session.renewable ? () => this.#reopen() : undefined,
      explain: (error, length) => explain(this.#file.client, error, whyWriteFailed(place.path, length)),
    })
    this.sink = this.#writer
    this.direct = this.#writer
    // The server may be lost before anybody writes, and so before anybody listens.
    this.#writer.on('error', (error) => this.#fail(error))
    this.#watch()
    this.#touching = setInterval(() => this.#touch(), settings.touchEveryMs).unref()
    this.#writer.once('close', () => {
      this.#unwatch()
      clearInterval(this.#touching)
    })
  }

  /** Until a WRITE is full, a slow client's bytes wait here. */
  #touch(): void {
    if (this.#writer.sent === this.#sentBefore) this.#file.touch()
    this.#sentBefore = this.#writer.sent
  }

  /** A client that sends slowly has no request pending which could fail. */
  #watch(): void {
    this.#unwatch = this.#file.client.session.whenDead((error) => this.#writer.lost(error))
  }

  #step(event: UploadEvent): void {
    this.#state = done(this.#state, event)
    if (this.#state.phase === 'failed') throw this.#state.failure
  }
  #fail(error: unknown): BackendError {
    const failure = asBackendError(error, 'upload')
    this.#state = failed(this.#state, failure)
    return this.#state.phase === 'failed' ? this.#state.failure : failure
  }

  async commit(): Promise<void> {
    try {
      this.#step('endOfData')
      if (!this.#writer.writableFinished) throw new BackendError('failed', 'commit of an unfinished upload')
      this.#step('acknowledged')
      const attrs = await this.#makeDurable()
      await this.#verify()
      this.#step('verified')
      // The final name comes last, and only when all the rest was acknowledged: a rename cannot be taken back.
      const { place } = this.#file
      if (place.kind === 'apart') await this.#takeName(place, attrs)
      this.#step('renamed')
      this.#hooks.release()
      this.#hooks.onCommitted(attrs)
    } catch (error) {
      throw this.#fail(error)
    }
  }

  #makeDurable(): Promise<Attrs> {
    return this.#session.repeat(
      async () => {
        const { synced, measured, closed } = this.#file.seal()
        await synced
        this.#step('synced')
        const attrs = await measured
        this.#step('measured')
        await closed
        this.#step('closed')
        return attrs
      },
      () => this.#reopen(),
    )
  }

  /** Nothing but reading it again finds a block that the server has acknowledged and lost. */
  async #verify(): Promise<void> {
    const sent = this.#hash?.digest('hex')
    if (sent === undefined) return
    const { path, start } = this.#file.place
    const stored = await this.#session.repeat(
      () => hashOf(this.#session.parts, path, start, this.#writer.sent),
      () => this.#session.renew(this.#file.arrived),
    )
    if (stored !== sent) throw new BackendError('failed', 'the backend does not hold the bytes that were sent')
  }

  async #takeName(place: ApartPlace, stored: Attrs): Promise<void> {
    const { path, target } = place
    const renew = () => this.#session.renew(this.#file.arrived)
    let asked = 0
    const prepare = async () => {
      await this.#hooks.settle?.(this.#session.parts)
      if (asked === 0) await this.#checkBasis(place)
    }
    const take = async () => {
      asked++
      const { client, parts } = this.#session
      if (target.unique) await client.rename(path, target.path)
      else await renameOver(client, parts.server, path, target.path)
    }
    // Nobody else has ever had the temporary name: when it is gone and the target is ours, an earlier request was carried out.
    const unlessTaken = async (error: unknown) => {
      if (asked < 2 || !(error instanceof BackendError) || error.kind !== 'notFound') throw error
      const found = await this.#session.client.stat(target.path)
      if (!isSame(found, stored)) throw error
    }
    const oneStep = this.#session.parts.server.can.rename === 'posix' || target.unique
    if (!oneStep) {
      await this.#session.repeat(prepare, renew)
      return take()
    }
    // Each time both: where nobody waited for what was to be removed, it is lost with the rename.
    await this.#session.repeat(() => prepare().then(() => take().catch(unlessTaken)), renew)
  }

  /** What was copied and gone on with must not replace what somebody else has stored meanwhile. */
  async #checkBasis({ basis, target }: ApartPlace): Promise<void> {
    if (!basis) return
    const now = await this.#session.client.stat(target.path).catch((error) => {
      if (isLost(error)) throw error
      return undefined
    })
    if (now && !isSame(now, basis)) throw new BackendError('busy', 'the file was changed while it was gone on with')
  }

  async #reopen(): Promise<WriteLane> {
    const lane = await this.#file.reopen()
    if (this.#state.phase === 'failed' || this.#abandoned) {
      this.#file.close().catch(() => {})
      throw new BackendError('failed', 'the upload has ended meanwhile')
    }
    this.#state = reopened(this.#state)
    this.#watch()
    return lane
  }

  async abandon(leave: Leave): Promise<void> {
    if (this.#abandoned || this.#state.phase === 'committed') return
    this.#abandoned = true
    if (leave !== 'bytes') this.#writer.destroy()
    const over = new AbortController()
    const ended = this.#end(leave).finally(() => {
      this.#hooks.release()
      over.abort()
    })
    // A server that is slow, or silent, is no reason to leave the client without an answer.
    await Promise.race([ended, sleep(dropMs, undefined, { signal: over.signal }).catch(() => {})])
  }

  async #end(leave: Leave): Promise<void> {
    if (leave === 'bytes') await this.#writer.settle()
    this.#writer.destroy()
    const { place } = this.#file
    const bytes = this.#worthKeeping(leave)
    if (place.kind === 'apart' && bytes !== undefined) return this.#keep(place.path, place.target, bytes)
    const { partials, keepPartial } = this.#settings
    if (!keepPartial && place.kind === 'apart' && place.target.replaces)
      partials.throwAway(keptPath(place.target.path, this.#settings))
    await this.#drop()
  }

  /** How many bytes of the partial file are kept; undefined: it is not. A name of STOU's means nothing to its client any more. */
  #worthKeeping(leave: Leave): number | undefined {
    const { place, arrived } = this.#file
    const { keepPartial, partials } = this.#settings
    if (leave === 'nothing' || !keepPartial || place.kind !== 'apart' || place.target.unique) return undefined
    if (partials.isDisowned(keptPath(place.target.path, this.#settings))) return undefined
    const { contiguous } = this.#writer
    // Without what is behind the bytes, or with none of them, it would be no more than the file that it goes on in.
    if (place.keepsTail && (place.size > place.start || contiguous === 0)) return undefined
    // With several connections there may be holes, and where WRITEs may still come behind what is cut off now.
    const whole = this.#writer.inOrder && (this.#session.parts.server.can.answersInOrder || this.#writer.idle)
    if (leave === 'bytes' && whole && contiguous > 0) return arrived
    // What was there before is as good as it was, up to where this one began.
    if (place.good > 0) return contiguous > 0 || this.#writer.sent > 0 ? Math.min(place.good, place.start) : place.good
    return place.target.replaces ? 0 : undefined
  }

  /** Gives the partial file the name under which its login will look for it; without a connection that has to wait. */
  async #keep(path: Place['path'], target: Target, bytes: number): Promise<void> {
    const { partials } = this.#settings
    const kept = keptPath(target.path, this.#settings)
    const { client, place, closing } = this.#file
    try {
      // What was sent after a failure may be there, with a hole before it. The end of a small file is sent with its bytes.
      if (closing) await client.setstat(path, { size: bytes })
      else await client.fsetstat(place.handle, { size: bytes })
      await this.#file.close().catch(() => {})
      // It replaces what an earlier upload may have left there, and could not remove.
      await renameOver(client, this.#session.parts.server, path, kept)
      partials.removedLitter(kept, kept)
    } catch {
      if (client.session.dead) return partials.abandon(kept, { places: [path, kept], bytes })
      if (target.replaces) partials.throwAway(kept)
      await removePart(client, partials, kept, path).catch(() => {})
    }
  }

  async #drop(): Promise<void> {
    const { client, place } = this.#file
    const closed = this.#file.close().catch(() => {})
    if (!this.#session.parts.server.can.answersInOrder) await closed
    // In place there is the file that its client has begun to write; where it has not begun, there was none.
    const ours = place.kind === 'apart' || (place.made && (place.unique || this.#writer.sent === 0))
    const kept = place.kind === 'apart' ? keptPath(place.target.path, this.#settings) : place.path
    if (ours) await removePart(client, this.#settings.partials, kept, place.path).catch(() => {})
    await closed
  }
}

/** As far as the server tells. */
function isSame(found: Attrs, known: Pick<Attrs, 'size' | 'modified'>): boolean {
  const equal = (a: number | undefined, b: number | undefined) => a === undefined || b === undefined || a === b
  return equal(found.size, known.size) && equal(found.modified, known.modified)
}
