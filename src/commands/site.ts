import { type Argument, anything, modeAndPath, text } from '../ftp/arguments.ts'
import { parseCommandLine } from '../ftp/command-line.ts'
import { type Reply, reply } from '../ftp/reply.ts'
import { command, type User } from './command.ts'

/** One SITE command. The words are its own, everything else is as for other commands. */
interface SiteCommand {
  readonly syntax: string
  /** Undefined when the argument does not fit the syntax. */
  run(user: User, argument: string): Promise<Reply> | undefined
}

function siteCommand<A>(argument: Argument<A>, run: (user: User, argument: A) => Promise<Reply>): SiteCommand {
  return {
    syntax: argument.syntax,
    run(user, value) {
      const parsed = argument.parse(value)
      return parsed === undefined ? undefined : run(user, parsed)
    },
  }
}

const siteCommands: ReadonlyMap<string, SiteCommand> = new Map([
  [
    'CHMOD',
    siteCommand(modeAndPath, async (user, { mode, path }) => {
      await user.files.setMode(user.resolve(path), mode)
      return reply(200, 'Permissions changed.')
    }),
  ],
  ['HELP', siteCommand(anything, async () => siteHelp())],
])

/**
 * Words of z/OS, z/VM and IBM i about the records of the file they are about to send. Their job scripts stop at 500,
 * and there is nothing to do.
 */
const mainframeWords: ReadonlySet<string> = new Set(
  `RECFM LRECL BLKSIZE BLOCKSIZE FIXRECFM VARRECFM PRIMARY SECONDARY PRI SEC TRACKS CYLINDERS BLOCKS FILETYPE SPREAD
  QUOTESOVERRIDE SBDATACONN MBDATACONN ENCODING ISPFSTATS TRAIL WRAPRECORD TRUNCATE UCSTRUNC NAMEFMT LISTFMT CRTCCSID
  NULLFLDS TRIM`.split(/\s+/),
)

const site = command({
  verbs: ['SITE'],
  argument: text('<command> [<arguments>]'),
  access: 'loggedIn',
  feature: 'SITE CHMOD',
  async run({ user, argument }) {
    const { verb, argument: value } = parseCommandLine(argument)
    const siteVerb = siteCommands.get(verb)
    if (siteVerb !== undefined) {
      return (await siteVerb.run(user, value)) ?? reply(501, `Syntax: SITE ${verb} ${siteVerb.syntax}`)
    }
    const keyword = verb.split('=', 1)[0] ?? ''
    if (mainframeWords.has(keyword)) return reply(202, `SITE ${keyword} is not needed here.`)
    return reply(500, `'SITE ${verb}' not understood.`)
  },
})

/** SITE HELP and HELP SITE. */
export function siteHelp(): Reply {
  const lines = [...siteCommands].map(([verb, { syntax }]) => `SITE ${verb} ${syntax}`)
  return reply(214, 'SITE commands:', ...lines, 'End of help.')
}

/** Commands of our own (RFC 959 section 4.1.3). */
export const siteFamily = [site] as const
