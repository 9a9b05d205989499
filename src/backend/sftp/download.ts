import type { ByteString } from '../../ftp/bytes.ts'
import { BackendError, type Download } from '../backend.ts'
import type { Attrs } from './attrs.ts'
import { answerBuffers } from './buffer-pool.ts'
import { readAhead } from './capabilities.ts'
import { isDirectory } from './entry.ts'
import { explain, whyOpenFailed } from './explain.ts'
import { isRefusedAltogether, isSessionLost } from './failures.ts'
import { largeFileBytes } from './lanes.ts'
import { Reader, type ReadPlan } from './reader.ts'
import type { TransferParts } from './transfer-parts.ts'
import { TransferSession } from './transfer-session.ts'
import { openFlag } from './wire.ts'

/** Opens a file for reading from `start`. Where the session is lost meanwhile, it reads on over another, if it is still the same file. */
export async function openDownload(parts: TransferParts, path: ByteString, start: number): Promise<Download> {
  const first = await openOnce(parts, path, start)
  const session = new TransferSession(parts)
  let current: Opened = first
  let closed = false
  async function* content() {
    for (let at = start; ; ) {
      try {
        for await (const chunk of current.content) {
          at += chunk.length
          yield chunk
        }
        return
      } catch (error) {
        if (!isSessionLost(error) || closed || !session.renewable) throw error
      }
      const renew = () => session.renew(at)
      await renew()
      current = await session.repeat(() => openRest(session.parts, path, at, first.attrs), renew)
    }
  }
  return {
    ...first,
    content: content(),
    async close() {
      closed = true
      await current.close()
    },
  }
}

interface Opened extends Download {
  readonly attrs: Attrs
}

/**
 * Opens a file for reading from `start`. The first READs go out before this resolves, so the bytes are on their way while
 * the client's data connection is made. On a server that answers in order a small file costs two round trips: OPEN with
 * STAT, then FSTAT, READ and CLOSE together.
 */
async function openOnce(parts: TransferParts, path: ByteString, start: number): Promise<Opened> {
  const { client, server } = parts
  const { answersInOrder, readOnce, readBytes } = server.can
  const [handle, looked] = await Promise.all([
    client.open(path, openFlag.read).catch(async (error) => {
      throw await explain(client, error, whyOpenFailed(path))
    }),
    answersInOrder && !readOnce ? client.stat(path).catch(() => undefined) : undefined,
  ])
  try {
    if (readOnce)
      return readerDownload(parts, path, handle, new Reader({ client, handle }, readPlan(parts, start, {})), {})
    const attrs = looked ?? (await client.fstat(handle))
    // OpenSSH opens directories for reading, and fails at the first READ.
    if (isDirectory(attrs)) throw new BackendError('isADirectory', 'a directory cannot be read as a file')
    const { size } = attrs
    if (size !== undefined && start > size) throw new BackendError('badOffset', 'offset past the end')
    const isSmall = looked !== undefined && size !== undefined && size - start <= readBytes
    if (isSmall) return smallDownload(parts, path, handle, start, { ...attrs, size })
    return largeDownload(parts, path, handle, start, attrs, looked !== undefined)
  } catch (error) {
    await client.close(handle).catch(() => {})
    throw error
  }
}

/** Asks for the whole rest at once; the file is open no longer than that takes. */
function smallDownload(
  parts: TransferParts,
  path: ByteString,
  handle: Buffer,
  start: number,
  known: Attrs & { readonly size: number },
): Opened {
  const { client, server, budget } = parts
  const length = server.can.readBytes
  const { size } = known
  budget.force(length)
  const asked = Promise.all([
    client.fstat(handle).catch((): Attrs => ({ size })),
    client.read(handle, start, length),
    client.close(handle).catch(() => {}),
  ])
  asked.catch(() => {}).finally(() => budget.giveBack(length))
  let rest: Download | undefined
  let stopped = false
  async function* content() {
    const [attrs, chunk] = await asked
    const end = start + (chunk?.length ?? 0)
    if (chunk && !stopped) yield chunk
    // STAT was about another file of that name, or the server answers less than it is asked for.
    const isWhole = attrs.size === undefined ? chunk === undefined : end === attrs.size
    if (isWhole || stopped) return
    if (attrs.size !== undefined && end > attrs.size)
      throw new BackendError('failed', 'the file shrank while it was read')
    rest = await openRest(parts, path, end, attrs)
    yield* rest.content
  }
  return {
    attrs: known,
    size,
    content: content(),
    recycle: (chunk) => answerBuffers.giveBack(chunk),
    async close() {
      stopped = true
      await rest?.close()
    },
  }
}

/** The part that the first READ did not bring, of the same file. */
async function openRest(parts: TransferParts, path: ByteString, start: number, before: Attrs): Promise<Opened> {
  const { client } = parts
  const handle = await client.open(path, openFlag.read)
  const attrs = await client.fstat(handle).catch(async (error) => {
    await client.close(handle).catch(() => {})
    throw error
  })
  if (attrs.size === before.size && attrs.modified === before.modified) {
    const reader = new Reader({ client, handle }, readPlan(parts, start, attrs))
    const content = unchanged(reader, start, Promise.resolve(attrs), () => client.fstat(handle))
    return { ...readerDownload(parts, path, handle, reader, attrs), content }
  }
  await client.close(handle).catch(() => {})
  throw changed()
}

/** `confirm`: the attributes are those of the path, and the open file is asked for its own, ahead of the first READ. */
function largeDownload(
  parts: TransferParts,
  path: ByteString,
  handle: Buffer,
  start: number,
  attrs: Attrs,
  confirm: boolean,
): Opened {
  const { client } = parts
  const own = confirm ? client.fstat(handle) : Promise.resolve(attrs)
  own.catch(() => {})
  const reader = new Reader({ client, handle }, readPlan(parts, start, attrs))
  reader.start()
  const confirmedContent = confirm ? confirmed(reader, own) : reader
  const content = unchanged(confirmedContent, start, own, () => client.fstat(handle))
  return { ...readerDownload(parts, path, handle, reader, attrs), content }
}

/**
 * The content, and at its end a look at the file: bytes from before and after a change are no file that ever was. `before`:
 * of the open file, as `look` sees it at the end; a server that does not tell is believed.
 */
async function* unchanged(
  content: AsyncIterable<Buffer>,
  start: number,
  before: Promise<Attrs>,
  look: () => Promise<Attrs>,
): AsyncGenerator<Buffer> {
  let at = start
  for await (const chunk of content) {
    at += chunk.length
    yield chunk
  }
  const quiet = (error: unknown): Attrs => {
    if (isRefusedAltogether(error)) return {}
    throw error
  }
  const [was, is] = await Promise.all([before.catch(quiet), look().catch(quiet)])
  const touched = was.modified !== undefined && is.modified !== undefined && is.modified !== was.modified
  if (touched || (is.size !== undefined && is.size !== at)) throw changed()
}

function changed(): BackendError {
  return new BackendError('failed', 'the file changed while it was read')
}

async function* confirmed(reader: Reader, own: Promise<Attrs>): AsyncGenerator<Buffer> {
  try {
    reader.size = (await own).size
  } catch (error) {
    if (!isRefusedAltogether(error)) {
      reader.stop()
      throw error
    }
  }
  yield* reader
}

function readPlan({ server, inFlightMax, budget }: TransferParts, start: number, { size }: Attrs): ReadPlan {
  return {
    start,
    size,
    requestBytes: server.can.readBytes,
    inFlightMax: readAhead(server.can, inFlightMax),
    ...(server.can.readOnce && { depthMax: 1 }),
    budget,
    learnRequestBytes: (readBytes) => server.learn({ readBytes }),
  }
}

function readerDownload(
  { client, lanes }: TransferParts,
  path: ByteString,
  handle: Buffer,
  reader: Reader,
  attrs: Attrs,
): Opened {
  let closed = false
  const closers = [() => client.close(handle)]
  if (lanes.wanted && (attrs.size ?? 0) >= largeFileBytes) {
    lanes.spread(async (other) => {
      const also = await other.open(path, openFlag.read)
      const same = await other.fstat(also).catch(() => undefined)
      if (closed || same?.size !== attrs.size || same?.modified !== attrs.modified) return other.close(also)
      closers.push(() => other.close(also))
      reader.addLane({ client: other, handle: also })
    })
  }
  return {
    attrs,
    size: attrs.size,
    content: reader,
    recycle: (chunk) => answerBuffers.giveBack(chunk),
    // Nobody has to wait for the answers: the bytes are here, or nobody wants them.
    async close() {
      if (closed) return
      closed = true
      reader.stop()
      for (const close of closers) close().catch(() => {})
    },
  }
}
