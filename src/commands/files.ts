import type { FileSystem } from '../backend/backend.ts'
import { none, optionalPath, path as pathArgument, timeAndPath } from '../ftp/arguments.ts'
import type { Conversion } from '../ftp/ascii.ts'
import type { ByteString } from '../ftp/bytes.ts'
import { formatTime, parseTime } from '../ftp/facts.ts'
import { type Reply, reply } from '../ftp/reply.ts'
import { conversionOf } from '../ftp/text-type.ts'
import { command, type User } from './command.ts'
import { isNotFound } from './failures.ts'
import { permits } from './rights.ts'
import { fileNamed } from './transfers.ts'

const dele = command({
  verbs: ['DELE'],
  argument: pathArgument,
  access: 'loggedIn',
  writes: true,
  async run({ user, argument }) {
    await user.files.removeFile(fileNamed(user, argument))
    return reply(250, 'File deleted.')
  },
})

const rnfr = command({
  verbs: ['RNFR'],
  argument: pathArgument,
  access: 'loggedIn',
  writes: true,
  async run({ session, user, argument }) {
    const from = user.resolve(argument)
    session.renameFrom = undefined
    await user.files.lstat(from)
    session.renameFrom = from
    return reply(350, 'Ready for RNTO.')
  },
})

const rnto = command({
  verbs: ['RNTO'],
  argument: pathArgument,
  access: 'loggedIn',
  writes: true,
  async run({ session, user, argument }) {
    const from = session.renameFrom
    if (from === undefined) return reply(503, 'Send RNFR first.')
    session.renameFrom = undefined
    const to = user.resolve(argument)
    if (to !== from && (await isDirectory(user.files, to))) return reply(550, 'Is a directory.')
    await user.files.rename(from, to)
    return reply(250, 'Renamed.')
  },
})

/** posix-rename would put a directory in the place of an empty one. Where the server does not tell, rename decides. */
async function isDirectory(files: FileSystem, path: ByteString): Promise<boolean> {
  return files.lstat(path).then(
    ({ type }) => type === 'directory',
    () => false,
  )
}

const size = command({
  verbs: ['SIZE'],
  argument: pathArgument,
  access: 'loggedIn',
  feature: 'SIZE',
  async run({ session, user, argument }) {
    const path = user.resolve(argument)
    const entry = await user.files.stat(path, 'SIZE')
    if (entry.type !== 'file') return reply(550, 'Not a regular file.')
    const { type, dialect } = session
    const text = conversionOf(type, dialect.ascii)
    // The stored size in TYPE A too, as a rule: counting converted bytes takes long, and a 550 breaks curl and FluentFTP.
    if (text && dialect.ascii.size === 'deny') return reply(550, `SIZE not allowed in TYPE ${type}, use TYPE I.`)
    if (text && dialect.ascii.size === 'exact') return convertedSize(user.files, path, entry.size, text)
    return entry.size === undefined ? reply(550, 'Size not known.') : reply(213, String(entry.size))
  },
})

const countedMax = 10 * 1024 * 1024

/** How many bytes a transfer would take. Nothing else is answered meanwhile, so large files are not counted. */
async function convertedSize(
  files: FileSystem,
  path: ByteString,
  stored: number | undefined,
  { toNetwork }: Conversion,
): Promise<Reply> {
  if (stored === undefined || stored > countedMax)
    return reply(550, 'File too large for SIZE in this TYPE, use TYPE I.')
  const download = await files.read(path, 0)
  try {
    let bytes = 0
    for await (const chunk of toNetwork(download.content)) bytes += chunk.length
    return reply(213, String(bytes))
  } finally {
    await download.close()
  }
}

const mdtm = command({
  verbs: ['MDTM'],
  argument: pathArgument,
  access: 'loggedIn',
  feature: 'MDTM',
  async run({ session, user, argument }) {
    const change = permits(session.rights, 'MFMT', { access: 'loggedIn', writes: true })
      ? parseTimeChange(argument)
      : undefined
    try {
      const { modified } = await user.files.stat(user.resolve(argument), 'MDTM')
      return modified === undefined ? reply(550, 'Modification time not known.') : reply(213, formatTime(modified))
    } catch (error) {
      if (change === undefined || !isNotFound(error)) throw error
      return setModified(user, change.path, change.time)
    }
  },
})

/**
 * `YYYYMMDDHHMMSS[.sss][+-minutes] path`, by which older clients set a time with MDTM. The minutes are how far that
 * time is ahead of UTC. A file that has the whole text as its name wins, as in vsftpd.
 */
function parseTimeChange(argument: ByteString): { readonly time: number; readonly path: ByteString } | undefined {
  const [, stamp, minutes, path] = /^(\d{8}(?:\d{4}|\d{6})?(?:\.\d+)?)([+-]\d{1,4})? (.+)$/s.exec(argument) ?? []
  const time = parseTime(stamp ?? '')
  if (time === undefined || path === undefined) return undefined
  return { time: Math.max(time - Number(minutes ?? 0) * 60, 0), path }
}

const mfmt = command({
  verbs: ['MFMT'],
  argument: timeAndPath,
  access: 'loggedIn',
  writes: true,
  feature: 'MFMT',
  run: ({ user, argument }) => setModified(user, argument.path, argument.time),
})

async function setModified(user: User, path: ByteString, time: number): Promise<Reply> {
  await user.files.setModified(user.resolve(path), time)
  return reply(213, `Modify=${formatTime(time)}; ${path}`)
}

/** Free space (draft-peterson-streamlined-ftp-command-extensions). */
const avbl = command({
  verbs: ['AVBL'],
  argument: optionalPath,
  access: 'loggedIn',
  feature: 'AVBL',
  run: async ({ user, argument }) =>
    reply(213, String(await user.files.space(user.resolve(argument.path ?? user.directory)))),
})

/** What servers with quotas tell of them; here it is what may still be stored, by quota or by the disk. */
const xquota = command({
  verbs: ['XQUOTA'],
  argument: none,
  access: 'loggedIn',
  run: async ({ user }) => reply(211, `Free space: ${await user.files.space(user.directory)} bytes.`),
})

/** Files by name (RFC 959 section 4.1.3, RFC 3659 sections 3 and 4, draft-somers-ftp-mfxx). */
export const files = [dele, rnfr, rnto, size, mdtm, mfmt, avbl, xquota] as const
