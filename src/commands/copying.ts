import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { BackendError, type FileSystem } from '../backend/backend.ts'
import { type Argument, path as pathArgument } from '../ftp/arguments.ts'
import type { ByteString } from '../ftp/bytes.ts'
import { names, twoNames } from '../ftp/names.ts'
import { type Reply, reply } from '../ftp/reply.ts'
import { command, type Session, type User } from './command.ts'
import { isNotFound } from './failures.ts'
import { changing, siteWord } from './site-word.ts'
import { newFileMode } from './transfers.ts'

interface Request {
  readonly session: Session
  readonly user: User
  readonly argument: ByteString
}

/** Remembers what CPTO will copy, as RNFR does for RNTO. */
async function chooseSource({ session, user, argument }: Request): Promise<Reply> {
  const from = user.resolve(argument)
  session.copyFrom = undefined
  const { type } = await user.files.stat(from)
  if (type === 'directory') return reply(550, 'Is a directory.')
  session.copyFrom = from
  return reply(350, 'Ready for CPTO.')
}

async function copyChosen({ session, user, argument }: Request): Promise<Reply> {
  const from = session.copyFrom
  if (from === undefined) return reply(503, 'Send CPFR first.')
  session.copyFrom = undefined
  await user.files.copy(from, user.resolve(argument), newFileMode(session))
  return reply(250, 'Copied.')
}

const pathOfOne = { argument: pathArgument, access: 'loggedIn', writes: true } as const
const cpfr = command({ verbs: ['CPFR'], ...pathOfOne, run: chooseSource })
const cpto = command({ verbs: ['CPTO'], ...pathOfOne, run: copyChosen })

/** The same as words of SITE, as ProFTPD's mod_copy has them. */
export const copyWords = [
  changing(siteWord('CPFR', pathArgument, chooseSource), 'CPFR'),
  changing(siteWord('CPTO', pathArgument, copyChosen), 'CPTO'),
  changing(
    siteWord('COPY', twoNames('source', 'target'), async ({ session, user, argument: { first, second } }) => {
      await user.files.copy(user.resolve(first), user.resolve(second), newFileMode(session))
      return reply(200, 'Copied.')
    }),
    'CPTO',
  ),
] as const

const partNames: Argument<{ readonly target: ByteString; readonly parts: readonly ByteString[] }> = {
  syntax: '"<target>" "<part>" ...',
  parse(text) {
    const [target, ...parts] = names(text) ?? []
    return target === undefined ? undefined : { target, parts }
  },
}

/** Puts parts together behind what the target has already, as Globalscape does; but nothing is deleted. */
const comb = command({
  verbs: ['COMB'],
  argument: partNames,
  access: 'loggedIn',
  writes: true,
  refused: ({ dialect }) => !dialect.commands.comb,
  async run({ session, user, argument: { target, parts } }) {
    if (!session.dialect.commands.comb) return reply(502, 'Combining files is switched off.')
    const path = user.resolve(target)
    const sources = [...((await isThere(user.files, path)) ? [path] : []), ...parts.map((part) => user.resolve(part))]
    const upload = await user.files.write(path, { kind: 'replace' }, { permissions: newFileMode(session) })
    try {
      // A sink that has failed before is told by Node 24 as something that cannot be piped to.
      await pipeline(Readable.from(oneAfterAnother(user.files, sources, session.gone)), upload.sink).catch((error) => {
        throw upload.sink.errored ?? error
      })
      await upload.commit()
    } finally {
      await upload.abandon('nothing')
    }
    return reply(250, 'Combined.')
  },
})

async function isThere(files: FileSystem, path: ByteString): Promise<boolean> {
  return files.stat(path).then(
    () => true,
    (error) => {
      if (isNotFound(error)) return false
      throw error
    },
  )
}

/** Nobody waits for the sum of large files any more when the client has gone. */
async function* oneAfterAnother(
  files: FileSystem,
  paths: readonly ByteString[],
  gone: AbortSignal,
): AsyncGenerator<Buffer> {
  for (const path of paths) {
    const download = await files.read(path, 0)
    try {
      for await (const chunk of download.content) {
        if (gone.aborted) throw new BackendError('failed', 'the client has gone')
        yield chunk
      }
    } finally {
      await download.close()
    }
  }
}

/** Copies made on the server (mod_copy of ProFTPD, COMB of Globalscape). */
export const copying = [cpfr, cpto, comb] as const
