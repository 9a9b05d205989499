import { none, optionalPath, path } from '../ftp/arguments.ts'
import { parentOf, quote } from '../ftp/pathname.ts'
import { reply } from '../ftp/reply.ts'
import { command, type Session } from './command.ts'

const cwd = command({
  verbs: ['CWD', 'XCWD'],
  argument: optionalPath,
  access: 'loggedIn',
  harmless: true,
  // Path names are Unix path names (RFC 3659 section 6).
  feature: 'TVFS',
  async run({ user, argument }) {
    // Cameras whose folder is not set send CWD without one.
    if (argument.path === undefined) return reply(250, 'Directory not changed.')
    const directory = user.resolve(argument.path)
    await user.files.enter(directory)
    user.directory = directory
    return reply(250, 'Directory changed.')
  },
})

const cdup = command({
  verbs: ['CDUP', 'XCUP'],
  argument: none,
  access: 'loggedIn',
  harmless: true,
  async run({ user }) {
    const parent = parentOf(user.directory)
    await user.files.enter(parent)
    user.directory = parent
    // RFC 959 says 200; every server sends 250.
    return reply(250, 'Directory changed.')
  },
})

const pwd = command({
  verbs: ['PWD', 'XPWD'],
  argument: none,
  access: 'loggedIn',
  harmless: true,
  run: ({ user }) => reply(257, `${quote(user.directory)} is the current directory.`),
})

/** SITE UMASK; undefined leaves it to the server. */
export function newDirectoryMode({ umask }: Pick<Session, 'umask'>): number | undefined {
  return umask === undefined ? undefined : 0o777 & ~umask
}

const mkd = command({
  verbs: ['MKD', 'XMKD'],
  argument: path,
  access: 'loggedIn',
  writes: true,
  async run({ session, user, argument }) {
    const directory = user.resolve(argument)
    await user.files.makeDirectory(directory)
    // The directory is there: that its mode cannot be set is no failure of MKD.
    const mode = newDirectoryMode(session)
    if (mode !== undefined) await user.files.setMode(directory, mode).catch(() => {})
    return reply(257, `${quote(directory)} created.`)
  },
})

const rmd = command({
  verbs: ['RMD', 'XRMD'],
  argument: path,
  access: 'loggedIn',
  writes: true,
  async run({ user, argument }) {
    await user.files.removeDirectory(user.resolve(argument))
    return reply(250, 'Directory removed.')
  },
})

/** Where the client is, and directories (RFC 959 section 4.1.3; the X forms are from RFC 775). */
export const directories = [cwd, cdup, pwd, mkd, rmd] as const
