import { randomBytes } from 'node:crypto'
import { BackendError, type ExpectedFile, type Upload, type WriteMode } from '../backend/backend.ts'
import { none, optionalPath, path as pathArgument } from '../ftp/arguments.ts'
import { skipBytes } from '../ftp/ascii.ts'
import { firstBytes } from '../ftp/byte-range.ts'
import type { ByteString } from '../ftp/bytes.ts'
import { type Reply, reply } from '../ftp/reply.ts'
import { conversionOf } from '../ftp/text-type.ts'
import { command, type Session, type User } from './command.ts'

/** REST in TYPE A and E counts converted bytes, so a download has to be read from its start; up to this offset it is. */
const textRestartMax = 64 * 1024 * 1024

const retr = command({
  verbs: ['RETR'],
  argument: pathArgument,
  access: 'loggedIn',
  transfers: true,
  async run({ session, user, argument }) {
    const { range, restartAt } = session
    const text = textOf(session)
    if (range && text) return rangeInText(session)
    if (text && restartAt > textRestartMax) {
      return reply(554, `Restart offset is too large in TYPE ${session.type}, use TYPE I.`)
    }
    const path = fileNamed(user, argument)
    const start = range?.start ?? restartAt
    const download = await user.files.read(path, text ? 0 : start)
    const part = range ? firstBytes(download.content, range.end - range.start + 1) : download.content
    try {
      return await session.send({
        verb: 'RETR',
        path,
        mark: openingMark(session, argument, text ? undefined : bytesLeft(download.size, start, range?.end)),
        content: text ? skipBytes(text.toNetwork(download.content), restartAt) : part,
        text: text !== undefined,
        // Converted text is a buffer of its own.
        ...(!text && { recycle: (chunk: Buffer) => download.recycle?.(chunk) }),
        cancel: () => download.close(),
      })
    } finally {
      await download.close()
    }
  },
})

/** A slash at the end says that a directory is meant, and `put file folder/` must not make a file of that name. */
export function fileNamed(user: User, name: ByteString): ByteString {
  const path = user.resolve(name)
  if (name.endsWith('/')) throw new BackendError('isADirectory', 'the name ends as that of a directory')
  return path
}

/** What TYPE does to files here; undefined for nothing. */
function textOf({ type, dialect }: Session) {
  return conversionOf(type, dialect.ascii)
}

function bytesLeft(size: number | undefined, start: number, last = Number.MAX_SAFE_INTEGER): number | undefined {
  return size === undefined ? undefined : Math.max(Math.min(size, last + 1) - start, 0)
}

/** RANG counts the bytes of the file; TYPE may have been set after it. */
function rangeInText({ type }: Session): Reply {
  return reply(504, `RANG works in TYPE I only, this is TYPE ${type}.`)
}

function rangeInUpload(): Reply {
  return reply(504, 'RANG is for RETR and HASH, use REST.')
}

/** Old clients read `(N bytes)` for their progress bar, curl for the length where SIZE failed: what will be sent. */
function openingMark({ type, mode }: Session, name: ByteString, bytes?: number): ByteString {
  const size = bytes === undefined || mode === 'Z' ? '' : ` (${bytes} bytes)`
  return `Opening ${typeWords[type]} mode data connection for ${name}${size}.`
}

const typeWords = { A: 'ASCII', I: 'BINARY', E: 'EBCDIC' } as const

const stor = command({
  verbs: ['STOR'],
  argument: pathArgument,
  access: 'loggedIn',
  writes: true,
  transfers: true,
  run: ({ session, user, argument }) => store(session, user, 'STOR', argument, { kind: 'replace' }),
})

const appe = command({
  verbs: ['APPE'],
  argument: pathArgument,
  access: 'loggedIn',
  writes: true,
  transfers: true,
  run: ({ session, user, argument }) => store(session, user, 'APPE', argument, { kind: 'append' }),
})

/** With a restart marker both STOR and APPE write at that offset (RFC 3659 section 5.3). */
async function store(
  session: Session,
  user: User,
  verb: 'STOR' | 'APPE',
  argument: ByteString,
  plain: WriteMode,
): Promise<Reply> {
  const { range, restartAt, type } = session
  if (range) return rangeInUpload()
  const text = textOf(session)
  if (restartAt > 0 && text) return reply(554, `Uploads in TYPE ${type} cannot be restarted, use TYPE I.`)
  const mode: WriteMode = restartAt > 0 ? { kind: 'restart', offset: restartAt } : plain
  // Some clients declare the whole file before they send the rest of it; such a size says nothing about this transfer.
  if (mode.kind !== 'replace') session.declaredSize = undefined
  const path = fileNamed(user, argument)
  const upload = await user.files.write(path, mode, expectedOf(session))
  return session.receive({ verb, path, mark: openingMark(session, argument), upload, convert: text?.fromNetwork })
}

/** ALLO in front of bytes that are stored as they come says how long the file will be. */
function expectedOf(session: Session): ExpectedFile {
  const asSent = textOf(session) === undefined && session.mode === 'S'
  return { permissions: newFileMode(session), size: asSent ? session.declaredSize : undefined, continuable: asSent }
}

/** SITE UMASK; undefined leaves it to the server. */
export function newFileMode({ umask }: Session): number | undefined {
  return umask === undefined ? undefined : 0o666 & ~umask
}

const uniqueTriesMax = 100

const stou = command({
  verbs: ['STOU'],
  argument: optionalPath,
  access: 'loggedIn',
  writes: true,
  transfers: true,
  async run({ session, user, argument }) {
    if (session.range) return rangeInUpload()
    if (session.restartAt > 0) return reply(550, 'STOU cannot be restarted.')
    const base = argument.path ?? `ftp.${randomBytes(4).toString('hex')}`
    const unique = await openUnique(user, base, expectedOf(session))
    if (unique === undefined) return reply(450, 'No unique file name found, try again later.')
    const { name, path, upload } = unique
    return session.receive({
      verb: 'STOU',
      path,
      // RFC 1123 section 4.1.2.9 fixes this text; programs read the name from it.
      mark: `FILE: ${name}`,
      upload,
      convert: textOf(session)?.fromNetwork,
      done: `Transfer complete; unique file name: ${name}`,
    })
  },
})

interface UniqueUpload {
  readonly name: ByteString
  readonly path: ByteString
  readonly upload: Upload
}

/** Opens `base`, `base.1`, `base.2` … whichever is free first. */
async function openUnique(user: User, base: ByteString, expected: ExpectedFile): Promise<UniqueUpload | undefined> {
  for (let i = 0; i < uniqueTriesMax; i++) {
    const name = i === 0 ? base : `${base}.${i}`
    const path = fileNamed(user, name)
    try {
      return { name, path, upload: await user.files.write(path, { kind: 'unique' }, expected) }
    } catch (error) {
      if (!(error instanceof BackendError) || error.kind !== 'alreadyExists') throw error
    }
  }
  return undefined
}

const abor = command({
  verbs: ['ABOR'],
  argument: none,
  access: 'loggedIn',
  harmless: true,
  duringTransfer: true,
  run: async ({ session }) =>
    (await session.abortTransfer()) ? reply(226, 'Abort successful.') : reply(225, 'No transfer to abort.'),
})

/** Files over the data connection (RFC 959 section 4.1.3, RFC 3659 section 5). */
export const transfers = [retr, stor, stou, appe, abor] as const
