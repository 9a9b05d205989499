import { BackendError } from '../backend/backend.ts'
import { type Argument, path as pathArgument } from '../ftp/arguments.ts'
import { type ByteRange, firstBytes } from '../ftp/byte-range.ts'
import { asciiUpperCase, type ByteString } from '../ftp/bytes.ts'
import { type ChecksumName, checksum, checksumNames } from '../ftp/checksum.ts'
import { type Reply, reply } from '../ftp/reply.ts'
import { command, type Session, type User } from './command.ts'
import { isNotFound } from './failures.ts'

/** Of the whole process: each reads a file to its end, and a client may ask for one after the other. */
const atOnceMax = 2
let underWay = 0

/** What is summed up, and what came of it. The bytes are those that are stored, whatever TYPE says. */
interface Sum extends ByteRange {
  readonly hex: string
}

/** The sum of a file or of a part of it; a Reply when there is none. `end` may be past the end of the file. */
async function sumOf(
  { session, user }: { readonly session: Session; readonly user: User },
  path: ByteString,
  name: ChecksumName,
  { start, end }: ByteRange,
): Promise<Sum | Reply> {
  const { type, size } = await user.files.stat(path)
  if (type !== 'file') return reply(550, 'Not a regular file.')
  if (size === undefined) return reply(550, 'Size not known.')
  const bytes = Math.max(Math.min(size, end + 1) - start, 0)
  const { maxBytes } = session.dialect.hash
  if (bytes > maxBytes) return reply(550, `Checksums are made of ${maxBytes} bytes at most.`)
  if (underWay >= atOnceMax) return reply(450, 'Too many checksums at a time, try again later.')
  underWay++
  try {
    const hex = await read(user, path, name, { start, bytes }, session.gone)
    return { hex, start, end: Math.max(start + bytes - 1, start) }
  } finally {
    underWay--
  }
}

async function read(
  { files }: User,
  path: ByteString,
  name: ChecksumName,
  { start, bytes }: { readonly start: number; readonly bytes: number },
  gone: AbortSignal,
): Promise<string> {
  const sum = checksum(name)
  const download = await files.read(path, start)
  const cancel = () => void download.close()
  gone.addEventListener('abort', cancel)
  try {
    let left = bytes
    for await (const chunk of gone.aborted ? [] : firstBytes(download.content, bytes)) {
      sum.add(chunk)
      left -= chunk.length
      download.recycle?.(chunk)
    }
    if (gone.aborted) throw new BackendError('failed', 'the client has left before the checksum was made')
    if (left > 0) throw new BackendError('failed', 'the file shrank while its checksum was made')
    return sum.hex()
  } finally {
    gone.removeEventListener('abort', cancel)
    await download.close()
  }
}

const isOn = ({ dialect }: Session) => dialect.hash.commands === 'on'
const switchedOff = () => reply(502, 'Checksums are switched off.')
const wholeFile: ByteRange = { start: 0, end: Number.MAX_SAFE_INTEGER }

const hash = command({
  verbs: ['HASH'],
  argument: pathArgument,
  access: 'loggedIn',
  refused: (session) => !isOn(session),
  feature: (session) => (isOn(session) ? `HASH ${algorithms(session)}` : undefined),
  async run({ session, user, argument }) {
    if (!isOn(session)) return switchedOff()
    const path = user.resolve(argument)
    const { hashAlgorithm: name, range = wholeFile } = session
    session.range = undefined
    try {
      if ((await user.files.stat(path)).type === 'directory') return reply(553, 'Is a directory.')
      const sum = await sumOf({ session, user }, path, name, range)
      return 'code' in sum ? sum : reply(213, `${name} ${sum.start}-${sum.end} ${sum.hex} ${argument}`)
    } catch (error) {
      if (error instanceof BackendError && error.kind === 'accessDenied') return reply(556, 'Permission denied.')
      throw error
    }
  },
})

/** The names, `*` at the one that HASH uses. */
function algorithms({ hashAlgorithm }: Session): string {
  return checksumNames.map((name) => (name === hashAlgorithm ? `${name}*` : name)).join(';')
}

/** OPTS HASH: asks for the algorithm, or chooses one; undefined where there are no checksums. */
export function hashOption(session: Session, value: ByteString): Reply | undefined {
  if (!isOn(session)) return undefined
  const wanted = asciiUpperCase(value.trim())
  const name = wanted === '' ? session.hashAlgorithm : checksumNames.find((known) => known === wanted)
  if (name === undefined) return reply(504, 'Unknown algorithm.')
  session.hashAlgorithm = name
  return reply(200, name)
}

/** What a text may mean: a path, and where to begin and to end. */
interface Reading extends ByteRange {
  readonly path: ByteString
}

/**
 * `"path" [start [end]]`; the byte at `end` is not part of it (mod_digest). Without quotes nobody knows whether a number
 * belongs to the name, so all readings are given, the longest name first.
 */
const pathAndPart: Argument<readonly Reading[]> = {
  syntax: '"<path>" [<start> [<end>]]',
  parse(text) {
    const [, quoted, start, end] = /^"((?:[^"]|"")+)"(?: +(\d{1,15})(?: +(\d{1,15}))?)? *$/s.exec(text) ?? []
    if (quoted === undefined && text.startsWith('"')) return undefined
    const readings = quoted === undefined ? unquoted(text) : [reading(quoted.replaceAll('""', '"'), start, end)]
    const sound = readings.filter(({ start, end }) => end >= start - 1)
    return sound.length === 0 ? undefined : sound
  },
}

function unquoted(text: ByteString): readonly Reading[] {
  const last = splitNumber(text)
  const both = last && splitNumber(last.before)
  return [
    ...(text === '' ? [] : [reading(text, undefined, undefined)]),
    ...(last ? [reading(last.before, last.number, undefined)] : []),
    ...(last && both ? [reading(both.before, both.number, last.number)] : []),
  ]
}

/** Takes a number off the end, and the blanks before it. */
function splitNumber(text: ByteString): { readonly before: ByteString; readonly number: string } | undefined {
  const number = text.slice(text.lastIndexOf(' ') + 1)
  if (!/^\d{1,15}$/.test(number)) return undefined
  let end = text.length - number.length
  while (text[end - 1] === ' ') end--
  return end > 0 ? { before: text.slice(0, end), number } : undefined
}

function reading(path: ByteString, start: string | undefined, end: string | undefined): Reading {
  return { path, start: Number(start ?? 0), end: end === undefined ? wholeFile.end : Number(end) - 1 }
}

/** The sum by the first reading whose file is there. */
async function sumOfFirst(
  asking: { readonly session: Session; readonly user: User },
  readings: readonly Reading[],
  name: ChecksumName,
): Promise<Sum | Reply> {
  for (const [i, { path, ...range }] of readings.entries()) {
    try {
      return await sumOf(asking, asking.user.resolve(path), name, range)
    } catch (error) {
      if (i === readings.length - 1 || !isNotFound(error)) throw error
    }
  }
  return reply(550, 'No such file or directory.')
}

function checksumCommand(name: ChecksumName, ...verbs: [string, ...string[]]) {
  return command({
    verbs,
    argument: pathAndPart,
    access: 'loggedIn',
    refused: (session) => !isOn(session),
    feature: (session) => (isOn(session) ? `${verbs[0]} filename;start;end` : undefined),
    async run({ session, user, argument }) {
      if (!isOn(session)) return switchedOff()
      const sum = await sumOfFirst({ session, user }, argument, name)
      if ('code' in sum) return sum
      return reply(250, name === 'CRC32' ? asciiUpperCase(sum.hex) : sum.hex)
    },
  })
}

const md5 = command({
  verbs: ['MD5'],
  argument: pathArgument,
  access: 'loggedIn',
  refused: (session) => !isOn(session),
  feature: (session) => (isOn(session) ? 'MD5' : undefined),
  async run({ session, user, argument }) {
    if (!isOn(session)) return switchedOff()
    const path = /^".+"$/s.test(argument) ? argument.slice(1, -1).replaceAll('""', '"') : argument
    const sum = await sumOf({ session, user }, user.resolve(path), 'MD5', wholeFile)
    return 'code' in sum ? sum : reply(251, `${path} ${sum.hex}`)
  },
})

/** Checksums of files (draft-bryan-ftpext-hash, draft-twine-ftpmd5, and the X commands that many servers have). */
export const hashes = [
  hash,
  checksumCommand('CRC32', 'XCRC'),
  checksumCommand('MD5', 'XMD5'),
  checksumCommand('SHA-1', 'XSHA1', 'XSHA'),
  checksumCommand('SHA-256', 'XSHA256'),
  checksumCommand('SHA-512', 'XSHA512'),
  md5,
] as const
