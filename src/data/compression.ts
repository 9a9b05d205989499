import { pipeline } from 'node:stream/promises'
import { createDeflate, createInflate, type Inflate } from 'node:zlib'
import { DataConnectionError } from './data-error.ts'
import { toDataError } from './failures.ts'

/** zlib's own middle between time and size. */
export const usualLevel = 6

/** MODE Z towards the client: one zlib stream (RFC 1950) for each transfer, also for one without content. */
export async function* deflated(source: AsyncIterable<Buffer>, level: number): AsyncGenerator<Buffer, void, undefined> {
  const deflate = createDeflate({ level })
  const feeding = pipeline(source, deflate)
  feeding.catch(() => {})
  try {
    yield* deflate
    await feeding
  } finally {
    deflate.destroy()
  }
}

/**
 * MODE Z from the client. The stream holds no more than a few chunks, however much comes of them: what is not taken is
 * not inflated. Throws DataConnectionError `corrupt` for what is no zlib stream, ends before its end, or goes on behind
 * it. `counted` is told how many bytes came of it.
 */
export async function* inflated(
  source: AsyncIterable<Buffer>,
  counted: (bytes: number) => void = () => {},
): AsyncGenerator<Buffer, void, undefined> {
  const inflate = createInflate()
  const feeding = feed(source, inflate)
  try {
    for await (const chunk of inflate) {
      counted(chunk.length)
      yield chunk
    }
    const fed = await feeding
    if (fed > inflate.bytesWritten) throw corrupt(`${fed - inflate.bytesWritten} bytes behind the end of the stream`)
  } catch (error) {
    throw isZlibError(error) ? corrupt(error.message) : toDataError(error)
  } finally {
    inflate.destroy()
  }
}

/** Resolves with the bytes there were, when the source has ended, also where the stream had ended before. Never rejects. */
async function feed(source: AsyncIterable<Buffer>, inflate: Inflate): Promise<number> {
  let fed = 0
  let open = true
  inflate.once('end', () => {
    open = false
  })
  try {
    for await (const chunk of source) {
      fed += chunk.length
      if (!open || inflate.destroyed || inflate.write(chunk)) continue
      await roomIn(inflate)
    }
    if (open) inflate.end()
  } catch (error) {
    inflate.destroy(error instanceof Error ? error : undefined)
  }
  return fed
}

function roomIn(inflate: Inflate): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      inflate.off('drain', done).off('end', done).off('close', done)
      resolve()
    }
    if (inflate.destroyed || inflate.readableEnded) resolve()
    else inflate.on('drain', done).on('end', done).on('close', done)
  })
}

function corrupt(message: string): DataConnectionError {
  return new DataConnectionError('corrupt', `MODE Z: ${message}`)
}

function isZlibError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('Z_')
}
