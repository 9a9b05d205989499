import { anything, text } from '../ftp/arguments.ts'
import { parseCommandLine } from '../ftp/command-line.ts'
import { type Reply, reply } from '../ftp/reply.ts'
import { command } from './command.ts'
import { copyWords } from './copying.ts'
import { fileWords } from './site-files.ts'
import { refusedWords, sessionWords } from './site-session.ts'
import { type SiteWord, siteWord } from './site-word.ts'

const help = siteWord('HELP', anything, ({ argument }) => siteHelp(argument))
const offered: readonly SiteWord[] = [...fileWords, ...copyWords, ...sessionWords, help]
const words: ReadonlyMap<string, SiteWord> = new Map([...offered, ...refusedWords].map((word) => [word.verb, word]))

/**
 * Words of z/OS, z/VM and IBM i about the records of the file they are about to send. Their job scripts stop at 500,
 * and there is nothing to do.
 */
const mainframeWords: ReadonlySet<string> = new Set(
  `RECFM LRECL BLKSIZE BLOCKSIZE FIXRECFM VARRECFM PRIMARY SECONDARY PRI SEC TRACKS CYLINDERS BLOCKS FILETYPE SPREAD
  QUOTESOVERRIDE SBDATACONN XLATE UNIT VOLUME MGMTCLASS DATACLASS STORCLASS CONDDISP SBD UCSHOSTCS BUFSIZE JESLMT
  NOTRAILINGBLANKS TRAILINGBLANKS MBDATACONN ENCODING ISPFSTATS TRAIL WRAPRECORD TRUNCATE UCSTRUNC NAMEFMT LISTFMT CRTCCSID
  NULLFLDS TRIM`.split(/\s+/),
)

const site = command({
  verbs: ['SITE'],
  argument: text('<command> [<arguments>]'),
  access: 'loggedIn',
  // lftp uses SYMLINK and UTIME where it finds them here.
  feature: 'SITE CHMOD;CHOWN;CHGRP;UMASK;UTIME;SYMLINK;LINK;MKDIR;COPY;IDLE;DIRSTYLE',
  async run({ session, user, argument }) {
    const { verb, argument: value } = parseCommandLine(argument)
    const word = words.get(verb)
    if (word !== undefined) {
      return (await word.run(session, user, value)) ?? reply(501, `Syntax: SITE ${verb} ${word.syntax}`.trimEnd())
    }
    const keyword = verb.split('=', 1)[0] ?? ''
    if (mainframeWords.has(keyword)) return reply(202, `SITE ${keyword} is not needed here.`)
    return reply(500, `'SITE ${verb}' not understood.`)
  },
})

/** SITE HELP, of one word or of all, and HELP SITE. */
export function siteHelp(asked: string | undefined = ''): Reply {
  const verb = asked.trim().toUpperCase()
  if (verb !== '') {
    const word = offered.find((each) => each.verb === verb)
    return word
      ? reply(214, `Syntax: SITE ${verb} ${word.syntax}`.trimEnd())
      : reply(502, `Unknown command SITE ${verb}.`)
  }
  const lines = offered.map(({ verb, syntax }) => `SITE ${verb} ${syntax}`.trimEnd())
  return reply(214, 'SITE commands:', ...lines, 'End of help.')
}

/** Commands of our own (RFC 959 section 4.1.3). */
export const siteFamily = [site] as const
