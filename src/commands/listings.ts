import type { Entry, FileSystem } from '../backend/backend.ts'
import { listPath, optionalPath } from '../ftp/arguments.ts'
import { type ByteString, toBuffer } from '../ftp/bytes.ts'
import { facts, factsFeature } from '../ftp/facts.ts'
import { type ListArgument, noListOptions, parseListArgument } from '../ftp/list-options.ts'
import { type Reply, reply } from '../ftp/reply.ts'
import { command, type Session, type User } from './command.ts'
import { type Listing, openDirectory, openListing } from './directory-listing.ts'
import { isNotADirectory, isNotFound } from './failures.ts'
import { anonymous, factLines, type Lines, longLines, nameLines } from './listing-lines.ts'
import { permits, withheldPermissions } from './rights.ts'

const list = command({
  verbs: ['LIST'],
  argument: listPath,
  access: 'loggedIn',
  transfers: true,
  async run({ session, user, argument }) {
    const listing = await openListing(user, argument)
    return send(session, 'LIST', listing, longLines(listing, { session, user, options: argument.options }))
  },
})

const nlst = command({
  verbs: ['NLST'],
  argument: listPath,
  access: 'loggedIn',
  transfers: true,
  async run({ session, user, argument }) {
    const listing = await openListing(user, argument)
    const lines = (argument.options.long ? longLines : nameLines)(listing, { session, user, options: argument.options })
    if (listing.kind !== 'matches') return send(session, 'NLST', listing, lines)
    // A pattern that matches nothing is an error to `mget`, and has to be found out before the 150.
    const first = await firstOf(lines)
    if (first === undefined) return reply(550, 'No such file or directory.')
    return send(session, 'NLST', listing, resumed(first, lines))
  },
})

const mlsd = command({
  verbs: ['MLSD'],
  argument: optionalPath,
  access: 'loggedIn',
  transfers: true,
  // MLST implies it (RFC 3659 section 7.8), but some clients look for the word.
  feature: 'MLSD',
  async run({ session, user, argument }) {
    const path = argument.path === undefined ? undefined : await withoutOptions(user, argument.path)
    const listing = await openDirectory(user, path).catch((error: unknown) => {
      if (isNotADirectory(error)) return undefined
      throw error
    })
    if (listing === undefined) return reply(501, 'Not a directory.')
    return send(session, 'MLSD', listing, factLines(listing, { session, user, options: noListOptions }))
  },
})

/** MLSD takes no options, and some clients send them all the same. */
async function withoutOptions(user: User, path: ByteString): Promise<ByteString | undefined> {
  if (!path.startsWith('-')) return path
  return user.files.stat(user.resolve(path)).then(
    () => path,
    () => parseListArgument(path).path,
  )
}

const mlst = command({
  verbs: ['MLST'],
  argument: optionalPath,
  access: 'loggedIn',
  feature: ({ facts }) => `MLST ${factsFeature(facts)}`,
  async run({ session, user, argument }) {
    const path = user.resolve(argument.path ?? '.')
    const { symlinks, hideIds } = session.dialect.listing
    const entry = await (symlinks === 'slink' ? itself(user.files, path) : statOrLink(user.files, path))
    const shown = hideIds ? anonymous(entry) : entry
    return reply(
      250,
      `Listing ${path}`,
      `${facts(shown, session.facts, withheldPermissions(session.rights))} ${path}`,
      'End',
    )
  },
})

/** What a path leads to, or the link itself when it leads nowhere. */
async function statOrLink(files: FileSystem, path: ByteString): Promise<Entry> {
  try {
    return await files.stat(path, 'MLST')
  } catch (error) {
    if (!isNotFound(error)) throw error
    return itself(files, path)
  }
}

async function itself(files: FileSystem, path: ByteString): Promise<Entry> {
  const entry = await files.lstat(path)
  return entry.type === 'symlink' ? { ...entry, target: await files.readLink(path) } : entry
}

const stat = command({
  verbs: ['STAT'],
  argument: listPath,
  access: 'anyone',
  duringTransfer: true,
  run({ session, user, argument }) {
    if (argument.path === undefined && argument.literal === undefined) {
      return reply(211, 'FTP server status:', ...session.status(), 'End of status.')
    }
    if (user === undefined) return reply(530, 'Please log in with USER and PASS.')
    if (!permits(session.rights, 'STAT') && !permits(session.rights, 'LIST'))
      return reply(550, 'STAT with a path is not allowed for this login.')
    // RFC 959 section 4.1.3: with a path, STAT is to be sent between transfers.
    if (session.transferring) return reply(450, 'A transfer is in progress, try again later.')
    return statPath(session, user, argument)
  },
})

const statLinesMax = 10_000
const statBytesMax = 2 * 1024 * 1024

/** A listing over the control connection; lftp looks for the words `Status` and `End` in the first and last line. */
async function statPath(session: Session, user: User, argument: ListArgument): Promise<Reply> {
  const listing = await openListing(user, argument).catch((error: unknown) => {
    if (isNotFound(error)) return undefined
    throw error
  })
  if (listing === undefined) return reply(450, 'No such file or directory.')
  const shown: ByteString[] = []
  let bytes = 0
  let cut = false
  for await (const lines of longLines(listing, { session, user, options: argument.options })) {
    for (const line of lines) {
      bytes += line.length
      cut ||= shown.length === statLinesMax || bytes > statBytesMax
      if (!cut) shown.push(line)
    }
    if (cut) break
  }
  const code = listing.kind === 'entry' ? 213 : 212
  return reply(
    code,
    `Status of ${listing.given}:`,
    ...shown,
    cut ? 'End of status: there is more, use LIST.' : 'End of status.',
  )
}

async function send(session: Session, verb: string, listing: Listing, lines: Lines): Promise<Reply> {
  const mark = 'Opening ASCII mode data connection for file list.'
  try {
    return await session.send({ verb, path: listing.path, mark, content: toContent(lines), cancel: listing.close })
  } finally {
    await listing.close()
  }
}

/** Bytes that are sent at a time, once the listing has begun: each write costs more than the lines in it. */
const chunkBytes = 32 * 1024

/**
 * The lines as they come, the first ones at once, then a chunk full at a time; CRLF whatever the TYPE. Never an empty
 * Buffer: on TLS that can cost the close_notify.
 */
async function* toContent(lines: Lines): AsyncGenerator<Buffer, void, undefined> {
  let text = ''
  let bytesMin = 1
  for await (const batch of lines) {
    for (const line of batch) {
      text += `${line}\r\n`
      if (text.length < chunkBytes) continue
      yield toBuffer(text)
      text = ''
    }
    if (text.length < bytesMin) continue
    yield toBuffer(text)
    text = ''
    bytesMin = chunkBytes
  }
  if (text !== '') yield toBuffer(text)
}

/** The first batch that is not empty. */
async function firstOf(lines: Lines): Promise<readonly ByteString[] | undefined> {
  for (;;) {
    const next = await lines.next()
    if (next.done === true) return undefined
    if (next.value.length > 0) return next.value
  }
}

async function* resumed(first: readonly ByteString[], rest: Lines): Lines {
  yield first
  yield* rest
}

/** What is there (RFC 959 section 4.1.3, RFC 3659 section 7). */
export const listings = [list, nlst, mlsd, mlst, stat] as const
