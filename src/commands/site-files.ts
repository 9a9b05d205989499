import type { FileSystem } from '../backend/backend.ts'
import { type Argument, none, path as pathArgument } from '../ftp/arguments.ts'
import type { ByteString } from '../ftp/bytes.ts'
import { parseTime } from '../ftp/facts.ts'
import { type ModeChange, parseMode } from '../ftp/file-mode.ts'
import { twoNames } from '../ftp/names.ts'
import { parentOf } from '../ftp/pathname.ts'
import { reply } from '../ftp/reply.ts'
import { newDirectoryMode } from './directories.ts'
import { isAlreadyThere } from './failures.ts'
import { changing, harmless, type SiteWord, siteWord } from './site-word.ts'

const modeAndPath: Argument<{
  readonly mode: { readonly change: ModeChange; readonly needsOld: boolean }
  readonly path: ByteString
}> = {
  syntax: '<mode> <path>',
  parse(text) {
    const [word = '', path] = firstWord(text)
    const mode = parseMode(word)
    return mode === undefined || path === undefined ? undefined : { mode, path }
  },
}

const chmod = siteWord('CHMOD', modeAndPath, async ({ user, argument }) => {
  const path = user.resolve(argument.path)
  const { change, needsOld } = argument.mode
  const old = needsOld ? await user.files.stat(path) : undefined
  if (needsOld && old?.mode === undefined) return reply(550, 'The permissions are not known, use an octal mode.')
  await user.files.setMode(path, change(old?.mode ?? 0, old?.type === 'directory'))
  return reply(200, 'Permissions changed.')
})

interface Owner {
  readonly uid?: number
  readonly gid?: number
  readonly path: ByteString
}

/** Ids are numbers: version 3 of SFTP has no names of users. */
function ownerAndPath(syntax: string, form: RegExp): Argument<Owner> {
  return {
    syntax,
    parse(text) {
      const [word = '', path] = firstWord(text)
      const { uid, gid } = form.exec(word)?.groups ?? {}
      if (path === undefined || (uid === undefined && gid === undefined)) return undefined
      return { path, ...(uid !== undefined && { uid: Number(uid) }), ...(gid !== undefined && { gid: Number(gid) }) }
    },
  }
}

const chown = siteWord(
  'CHOWN',
  ownerAndPath('<uid>[:<gid>] <path>', /^(?<uid>\d{1,9})?(?:[:.](?<gid>\d{1,9}))?$/),
  async ({ user, argument: { path, ...owner } }) => {
    await user.files.setOwner(user.resolve(path), owner)
    return reply(200, 'Owner changed.')
  },
)

const chgrp = siteWord(
  'CHGRP',
  ownerAndPath('<gid> <path>', /^(?<gid>\d{1,9})$/),
  async ({ user, argument: { path, ...owner } }) => {
    await user.files.setOwner(user.resolve(path), owner)
    return reply(200, 'Group changed.')
  },
)

const umask = siteWord(
  'UMASK',
  {
    syntax: '[<octal mask>]',
    parse: (text) =>
      text === '' ? 'ask' : /^[0-7]{1,4}$/.test(text.trim()) ? Number.parseInt(text, 8) & 0o777 : undefined,
  },
  ({ session, argument }) => {
    if (argument === 'ask') {
      const set = session.umask
      return reply(200, set === undefined ? "The server's own umask is in force." : `UMASK is ${octal(set)}.`)
    }
    session.umask = argument
    return reply(200, `UMASK is ${octal(argument)}.`)
  },
)

function octal(mask: number): string {
  return mask.toString(8).padStart(3, '0')
}

interface Times {
  readonly path: ByteString
  readonly modified: number
  readonly accessed: number
  /** What clients of the long form, which is Pure-FTPd's, take for success. */
  readonly code: 200 | 213
}

/**
 * `YYYYMMDDhhmm[ss] path` as in ProFTPD, or `path atime mtime ctime UTC` as in Pure-FTPd: the latter is read from the right,
 * because a path may have blanks in it. lftp sends both.
 */
const times: Argument<Times> = {
  syntax: '<YYYYMMDDhhmm[ss]> <path>',
  parse(text) {
    const [, path, ...stamps] = /^(.+) (\d{14}) (\d{14}) (\d{14}) UTC$/is.exec(text) ?? []
    if (path !== undefined) {
      const [accessed, modified, created] = stamps.map(parseTime)
      if (accessed === undefined || modified === undefined || created === undefined) return undefined
      return { path, accessed, modified, code: 213 }
    }
    const [stamp = '', name] = firstWord(text)
    const modified = /^\d{12}(\d\d)?$/.test(stamp) ? parseTime(stamp) : undefined
    return modified === undefined || name === undefined
      ? undefined
      : { path: name, modified, accessed: modified, code: 200 }
  },
}

const utime = siteWord('UTIME', times, async ({ user, argument: { path, modified, accessed, code } }) => {
  await user.files.setModified(user.resolve(path), modified, accessed)
  return reply(code, 'Times changed.')
})

const symlink = siteWord('SYMLINK', twoNames('target', 'link'), async ({ user, argument: { first, second } }) => {
  // It need not be there. Where the login has a root of its own, it is stored as a whole path (`partners/rooted.ts`).
  await user.files.makeSymlink(first, user.resolve(second))
  return reply(200, 'Symbolic link made.')
})

const link = siteWord('LINK', twoNames('file', 'link'), async ({ user, argument: { first, second } }) => {
  await user.files.makeLink(user.resolve(first), user.resolve(second))
  return reply(200, 'Link made.')
})

const mkdir = siteWord('MKDIR', pathArgument, async ({ session, user, argument }) => {
  const path = user.resolve(argument)
  await makeWithParents(user.files, path, newDirectoryMode(session))
  return reply(257, `"${path.replaceAll('"', '""')}" created.`)
})

/** Parents first; what is there already is no failure, except the last one. */
async function makeWithParents(files: FileSystem, path: ByteString, mode: number | undefined): Promise<void> {
  const missing = [path]
  for (let parent = parentOf(path); parent !== '/'; parent = parentOf(parent)) {
    const found = await files.stat(parent).catch(() => undefined)
    if (found) break
    missing.unshift(parent)
  }
  for (const directory of missing) {
    try {
      await files.makeDirectory(directory)
    } catch (error) {
      // Somebody else may have made it meanwhile.
      if (directory === path || !isAlreadyThere(error)) throw error
      continue
    }
    if (mode !== undefined) await files.setMode(directory, mode).catch(() => {})
  }
}

/** As XQUOTA, for clients that look for it here. */
const quota = siteWord('QUOTA', none, async ({ user }) =>
  reply(211, `Free space: ${await user.files.space(user.directory)} bytes.`),
)

/** The first word, and all behind the one blank that ends it. */
function firstWord(text: ByteString): readonly [ByteString, ByteString?] {
  const [, word, rest] = /^([^ ]+)(?: (.+))?$/s.exec(text) ?? []
  return rest === undefined ? [word ?? ''] : [word ?? '', rest]
}

export const fileWords: readonly SiteWord[] = [
  changing(chmod),
  changing(chown),
  changing(chgrp),
  harmless(umask),
  changing(utime, 'MFMT'),
  changing(symlink),
  changing(link),
  changing(mkdir, 'MKD'),
  quota,
]
