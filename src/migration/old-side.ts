import { createHash } from 'node:crypto'
import { BackendError } from '../backend/backend.ts'
import { type ByteString, fromBuffer } from '../ftp/bytes.ts'
import { hasLineBreak } from '../ftp/pathname.ts'
import type { OldReply, OldSession } from '../legacy/old-server.ts'
import { fromList, fromMlsd } from './old-listing.ts'
import type { Side } from './side.ts'

/**
 * A login's files on the server that the partner comes from; `root` is the folder that is `/`, undefined: where the login
 * starts. Throws BackendError.
 */
export async function oldSide(
  name: string,
  session: OldSession,
  root: ByteString | undefined,
  now: number,
): Promise<Side> {
  const machine = /^ MLS[TD]/im.test((await session.ask('FEAT')).verbatim)
  await command(session, 'TYPE I')
  const base = (root ?? session.home).replace(/\/+$/, '')
  const on = (path: ByteString) => (path === '/' ? base || '/' : base + path)
  const one = oneAtATime()
  return {
    name,
    list: (path) =>
      one(async () => {
        // Names with spaces are no argument that LIST understands everywhere, so it is asked without one.
        await command(session, `CWD ${on(path)}`)
        const listing = await textOf(data(session, machine ? 'MLSD' : 'LIST -a'))
        return machine ? fromMlsd(listing) : fromList(listing, now)
      }),
    hash: (path, read) =>
      one(async () => {
        const hash = createHash('sha256')
        for await (const chunk of data(session, `RETR ${on(path)}`)) {
          hash.update(chunk)
          read(chunk.length)
        }
        return hash.digest('hex')
      }),
    close: async () => session.close(),
  }
}

async function command(session: OldSession, line: ByteString): Promise<void> {
  judge(line, await session.ask(sendable(line)))
}

/** The bytes of a transfer, each chunk until the next one is asked for. Throws BackendError where they are not all of it. */
async function* data(session: OldSession, line: ByteString): AsyncGenerator<Buffer> {
  const download = await session.openDownload(new AbortController().signal)
  let over = () => {}
  const moved = new Promise<void>((resolve) => {
    over = resolve
  })
  const answer = session.ask(sendable(line), { data: moved })
  // Refused, it sends nothing, and some servers leave the connection open.
  answer.then(
    ({ code }) => code >= 300 && download.drop(),
    () => download.drop(),
  )
  let broken: unknown
  try {
    for await (const chunk of download.content()) {
      yield chunk
      download.recycle(chunk)
    }
  } catch (error) {
    broken = error
  } finally {
    over()
    if (broken !== undefined) download.drop()
  }
  judge(line, await answer)
  if (broken !== undefined) throw broken
  if (!download.complete) throw new BackendError('failed', `${verbOf(line)} ended without TLS close_notify`)
}

function judge(line: ByteString, { code, verbatim }: OldReply): void {
  if (code < 300) return
  const kind = code === 550 ? 'notFound' : 'unavailable'
  throw new BackendError(kind, `${verbOf(line)} was answered ${verbatim.trim().slice(0, 200)}`)
}

function sendable(line: ByteString): ByteString {
  if (hasLineBreak(line)) throw new BackendError('invalidName', 'a name with a line break in it cannot be sent by FTP')
  return line
}

function verbOf(line: ByteString): ByteString {
  return line.split(' ', 1)[0] ?? ''
}

async function textOf(chunks: AsyncIterable<Buffer>): Promise<ByteString> {
  let text = ''
  for await (const chunk of chunks) text += fromBuffer(chunk)
  return text
}

/** One control connection does one thing at a time. */
function oneAtATime(): <V>(job: () => Promise<V>) => Promise<V> {
  let turn: Promise<unknown> = Promise.resolve()
  return (job) => {
    const done = turn.then(job)
    turn = done.catch(() => {})
    return done
  }
}
