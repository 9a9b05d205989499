import type { Socket } from 'node:net'
import type { Writable } from 'node:stream'
import { BackendError, type ByteTarget, type Upload } from '../backend/backend.ts'
import { readInto } from '../tls/read-into.ts'
import type { DataConnection } from './data-connection.ts'
import { toDataError } from './failures.ts'
import { paced, slowed } from './pace.ts'
import { type ProgressWatch, type TransferOptions, watchProgress } from './watch-progress.ts'

/**
 * Chunks that may wait in a socket behind the one that the system is taking. One is enough to keep the network busy, and
 * of more Node's TLS would make one large copy before it encrypts them.
 */
const waitingMax = 1
/** For the client to read our last bytes, and to end its side, which many never do. */
const lingerMs = 15_000
/** For an upload that nobody wants any more: data that meets a closed socket is answered by a reset, upon which some NATs drop the control connection too. */
const discardMs = 1000

/**
 * Sends the content, then our end (TLS close_notify, FIN). Resolves when the system has all of it; the client's end is
 * awaited in the background. Rejects with the content's BackendError as it is, or with DataConnectionError `reset`,
 * `stalled` or `aborted`; the connection is dropped then, without close_notify, so that the client can tell.
 * `sent` is called for each chunk that nothing needs any more.
 */
export async function sendContent(
  connection: DataConnection,
  content: AsyncIterable<Buffer>,
  options: TransferOptions,
  sent: (chunk: Buffer) => void = () => {},
): Promise<void> {
  const { stream } = connection
  const { pace, signal } = options
  const watch = watchProgress(connection, options)
  const bytes = pace ? paced(content, pace, signal) : content
  // What of a chunk was sent in pieces has no memory of its own to give back.
  const done = pace ? () => {} : sent
  // What the client sends during a download is of no use, but its alerts and its end must be seen.
  stream.resume()
  try {
    await Promise.race([watch.failed, lost(stream), push(connection, bytes, watch, done)])
  } catch (error) {
    connection.close()
    throw toDataError(error)
  } finally {
    watch.stop()
  }
  closeAfter(lingerMs, connection)
}

async function push(
  connection: DataConnection,
  content: AsyncIterable<Buffer>,
  watch: ProgressWatch,
  sent: (chunk: Buffer) => void,
): Promise<void> {
  const { stream } = connection
  let waiting = 0
  let wake = () => {}
  const untilAtMost = async (chunks: number) => {
    watch.clientTurn(true)
    while (waiting > chunks) {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
      if (stream.destroyed) throw toDataError(stream.errored)
    }
    watch.clientTurn(false)
  }
  watch.clientTurn(false)
  for await (const chunk of content) {
    if (stream.destroyed) throw toDataError(stream.errored)
    // Zero bytes are no chunk: Node would send an empty TLS record, and loses close_notify behind it.
    if (chunk.length === 0) continue
    waiting++
    stream.write(chunk, () => {
      waiting--
      sent(chunk)
      wake()
    })
    if (waiting > waitingMax) await untilAtMost(waitingMax)
  }
  await untilAtMost(0)
  watch.clientTurn(true)
  await connection.end()
}

/** Rejects when the stream closes before our end was sent; never resolves. */
function lost(stream: Socket): Promise<never> {
  const closed = new Promise<never>((_resolve, reject) => {
    const onClose = () => {
      if (!stream.writableFinished) reject(toDataError(stream.errored))
    }
    if (stream.closed) onClose()
    else stream.once('close', onClose)
  })
  closed.catch(() => {})
  return closed
}

/** Where an upload goes; `onBytes` is shown all that goes there, before it does, and must not keep it. */
export interface Destination {
  readonly sink: Upload['sink']
  readonly direct?: ByteTarget | undefined
  readonly onBytes?: ((bytes: Buffer) => void) | undefined
}

/**
 * Writes what the client sends into the sink, through `transform` where there is one, and ends the sink. Resolves when
 * the sink has finished, after an end of data that was proven or accepted. Our own end goes out as soon as the client's
 * is here, before the backend is done: Python's ftplib waits for it before it reads the reply. Rejects with the sink's
 * BackendError as it is, or with DataConnectionError `truncated`, `reset`, `stalled` or `aborted`, having destroyed the
 * sink; what the client still sends is read and dropped for a second.
 */
export async function receiveInto(
  connection: DataConnection,
  { sink, direct, onBytes = () => {} }: Destination,
  transform: Transform | undefined,
  options: TransferOptions,
): Promise<void> {
  const watch = watchProgress(connection, options)
  const { pace, signal } = options
  const slow = pace && slowed(transform, pace, signal, (waiting) => watch.clientTurn(!waiting))
  const how = slow ?? transform ?? direct
  try {
    await Promise.race([watch.failed, failed(sink), pull(connection, { sink, onBytes }, how, watch)])
  } catch (error) {
    sink.destroy()
    closeAfter(discardMs, connection)
    throw toDataError(error)
  } finally {
    watch.stop()
  }
  closeAfter(lingerMs, connection)
}

type Transform = (source: AsyncIterable<Buffer>) => AsyncIterable<Buffer>

/** A destination that is written to. */
interface Way {
  readonly sink: Writable
  readonly onBytes: (bytes: Buffer) => void
}

async function pull(
  connection: DataConnection,
  way: Way,
  how: Transform | ByteTarget | undefined,
  watch: ProgressWatch,
): Promise<void> {
  const { sink } = way
  if (typeof how === 'function') await pullThrough(how, connection, way, watch)
  else if (how === undefined || !(await pullDirectly(connection, way, how, watch)))
    await pullStraight(connection, way, watch)
  if (sink.destroyed) {
    connection.close()
    return
  }
  watch.clientTurn(false)
  // Whether the client gets our end changes nothing about the upload: all of it is here.
  connection.end().catch(() => connection.close())
  await new Promise<void>((resolve) => {
    sink.end(resolve)
  })
}

/**
 * Chunks as they come: joining them first, as the stream's iterator does, would copy every byte once more. Once the sink
 * has failed the rest is read and dropped.
 */
function pullStraight({ stream }: DataConnection, { sink, onBytes }: Way, watch: ProgressWatch): Promise<void> {
  return new Promise((resolve, reject) => {
    const onData = (chunk: Buffer) => {
      if (sink.destroyed) return
      onBytes(chunk)
      if (sink.write(chunk)) return
      stream.pause()
      watch.clientTurn(false)
    }
    const onDrain = () => {
      watch.clientTurn(true)
      stream.resume()
    }
    const settle = () => {
      stream.off('data', onData).off('end', settle).off('close', settle)
      sink.off('drain', onDrain).off('close', onDrain)
      if (stream.readableEnded) resolve()
      else reject(toDataError(stream.errored))
    }
    stream.on('data', onData).on('end', settle).on('close', settle)
    sink.on('drain', onDrain).on('close', onDrain)
    // An empty upload may have ended before anybody asked for its data.
    if (stream.closed || stream.readableEnded) settle()
    // A connection that came before its command was held paused.
    else stream.resume()
  })
}

/** The bytes go from the socket to where the backend wants them; false when this Node cannot do that. */
async function pullDirectly(
  { stream }: DataConnection,
  { sink, onBytes }: Way,
  target: ByteTarget,
  watch: ProgressWatch,
): Promise<boolean> {
  let room: Buffer = Buffer.alloc(0)
  const nextRoom = () => {
    room = target.room()
    return room
  }
  const filled = (bytes: number) => {
    // Once taken, the room belongs to the backend.
    if (!sink.destroyed) onBytes(room.subarray(0, bytes))
    const more = target.filled(bytes)
    if (!more) watch.clientTurn(false)
    return more
  }
  if (!readInto(stream, { room: nextRoom, filled })) return false
  target.onRoom = () => {
    watch.clientTurn(true)
    stream.resume()
  }
  // Once the sink has failed the rest is read and dropped.
  sink.on('close', target.onRoom)
  await new Promise<void>((resolve, reject) => {
    const settle = () => {
      stream.off('end', settle).off('close', settle)
      sink.off('close', target.onRoom)
      if (stream.readableEnded) resolve()
      else reject(toDataError(stream.errored))
    }
    stream.on('end', settle).on('close', settle)
    if (stream.closed || stream.readableEnded) settle()
    else stream.resume()
  })
  return true
}

async function pullThrough(
  transform: Transform,
  { stream }: DataConnection,
  { sink, onBytes }: Way,
  watch: ProgressWatch,
): Promise<void> {
  // The iterator must not destroy the socket at the end: our own end has to be sent.
  for await (const chunk of transform(stream.iterator({ destroyOnReturn: false }))) {
    // The transfer has failed: this is the second of reading and dropping.
    if (sink.destroyed) continue
    onBytes(chunk)
    if (sink.write(chunk)) continue
    watch.clientTurn(false)
    await drained(sink)
    watch.clientTurn(true)
  }
}

/** Rejects when the sink fails; never resolves. Its listener stays, so that a later error is not an uncaught one. */
function failed(sink: Writable): Promise<never> {
  const failure = new Promise<never>((_resolve, reject) => {
    const onClose = () => {
      if (!sink.writableFinished) {
        reject(sink.errored ?? new BackendError('failed', 'the upload was closed before it was complete'))
      }
    }
    sink.on('error', reject)
    if (sink.closed) onClose()
    else sink.once('close', onClose)
  })
  failure.catch(() => {})
  return failure
}

/** Resolves when the sink can take more, or never will. */
function drained(sink: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      sink.off('drain', done).off('close', done)
      resolve()
    }
    if (sink.destroyed) resolve()
    else sink.on('drain', done).on('close', done)
  })
}

/** Closes the connection after a time, unless it closes by itself. */
function closeAfter(ms: number, connection: DataConnection): void {
  const { stream } = connection
  if (stream.closed) return
  const timer = setTimeout(() => connection.close(), ms)
  stream.once('close', () => clearTimeout(timer))
}
