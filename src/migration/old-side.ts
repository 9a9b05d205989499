import { createHash } from 'node:crypto'
import type { ByteString } from '../ftp/bytes.ts'
import { fromList, fromMlsd } from './old-listing.ts'
import { OldServer, type OldServerOptions } from './old-server.ts'
import type { Side } from './side.ts'

export interface OldLogin {
  readonly user: ByteString
  readonly password: ByteString
  /** The folder that is `/`; undefined: where the login starts. */
  readonly root: ByteString | undefined
}

/** A login's files on the server that the partner comes from. Throws BackendError. */
export async function oldSide(
  options: OldServerOptions,
  { user, password, root }: OldLogin,
  now: number,
): Promise<Side> {
  const server = await OldServer.connect(options)
  try {
    await server.logIn(user, password)
  } catch (error) {
    await server.close()
    throw error
  }
  const machine = /^ MLS[TD]/im.test((await server.command('FEAT')).text)
  const base = (root ?? (await startOf(server))).replace(/\/+$/, '')
  const on = (path: ByteString) => (path === '/' ? base || '/' : base + path)
  const one = oneAtATime()
  return {
    name: `${options.host}:${options.port}`,
    list: (path) =>
      one(async () => {
        // Names with spaces are no argument that LIST understands everywhere, so it is asked without one.
        await server.command(`CWD ${on(path)}`, 2)
        const listing = await textOf(server.data(machine ? 'MLSD' : 'LIST -a'))
        return machine ? fromMlsd(listing) : fromList(listing, now)
      }),
    hash: (path, read) =>
      one(async () => {
        const hash = createHash('sha256')
        for await (const chunk of server.data(`RETR ${on(path)}`)) {
          hash.update(chunk)
          read(chunk.length)
        }
        return hash.digest('hex')
      }),
    close: () => server.close(),
  }
}

/** Quotes in the name are doubled (RFC 959, appendix II). */
async function startOf(server: OldServer): Promise<ByteString> {
  const { text } = await server.command('PWD', 2)
  return (/"((?:[^"]|"")*)"/.exec(text)?.[1] ?? '/').replaceAll('""', '"')
}

async function textOf(chunks: AsyncIterable<Buffer>): Promise<ByteString> {
  let text = ''
  for await (const chunk of chunks) text += chunk.toString('latin1')
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
