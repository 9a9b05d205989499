import { anything, text } from '../ftp/arguments.ts'
import { parseCommandLine } from '../ftp/command-line.ts'
import { type Reply, reply } from '../ftp/reply.ts'
import { command, type Rights, type Session } from './command.ts'
import { copyWords } from './copying.ts'
import { refusalOf, refuse } from './rights.ts'
import { fileWords } from './site-files.ts'
import { refusedWords, sessionWords } from './site-session.ts'
import { harmless, type SiteWord, siteWord } from './site-word.ts'

const help = harmless(siteWord('HELP', anything, ({ session, argument }) => siteHelp(session, argument)))
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

const advertised = 'CHMOD CHOWN CHGRP UMASK UTIME SYMLINK LINK MKDIR COPY IDLE DIRSTYLE'.split(' ')

/** Why a login may not use a word; undefined when it may. */
function refused(rights: Rights, verb: string): ReturnType<typeof refusalOf> {
  const { harmless, writes, sameAs } = words.get(verb) ?? {}
  return refusalOf(rights, {
    names: [`SITE ${verb}`],
    sameAs: ['SITE', ...(sameAs ?? [])],
    access: 'loggedIn',
    harmless,
    writes,
  })
}

const site = command({
  verbs: ['SITE'],
  argument: text('<command> [<arguments>]'),
  access: 'loggedIn',
  // lftp uses SYMLINK and UTIME where it finds them here.
  feature: ({ rights }) => {
    const shown = advertised.filter((verb) => refused(rights, verb) === undefined)
    return shown.length > 0 ? `SITE ${shown.join(';')}` : undefined
  },
  async run({ session, user, argument }) {
    const { verb, argument: value } = parseCommandLine(argument)
    const word = words.get(verb)
    if (word !== undefined) {
      const why = refused(session.rights, verb)
      if (why !== undefined) return refuse(why, `SITE ${verb}`, advertised.includes(verb))
      return (await word.run(session, user, value)) ?? reply(501, `Syntax: SITE ${verb} ${word.syntax}`.trimEnd())
    }
    const keyword = verb.split('=', 1)[0] ?? ''
    if (mainframeWords.has(keyword)) return reply(202, `SITE ${keyword} is not needed here.`)
    return reply(500, `'SITE ${verb}' not understood.`)
  },
})

/** SITE HELP, of one word or of all, and HELP SITE. */
export function siteHelp({ rights }: Session, asked: string | undefined = ''): Reply {
  const shown = offered.filter(({ verb }) => refused(rights, verb) === undefined)
  const verb = asked.trim().toUpperCase()
  if (verb !== '') {
    const word = shown.find((each) => each.verb === verb)
    return word
      ? reply(214, `Syntax: SITE ${verb} ${word.syntax}`.trimEnd())
      : reply(502, `Unknown command SITE ${verb}.`)
  }
  const lines = shown.map(({ verb, syntax }) => `SITE ${verb} ${syntax}`.trimEnd())
  return reply(214, 'SITE commands:', ...lines, 'End of help.')
}

/** The words of SITE, as `SITE CHMOD`, for lists of commands. */
export const siteNames: readonly string[] = [...words.keys()].map((verb) => `SITE ${verb}`)

/** Commands of our own (RFC 959 section 4.1.3). */
export const siteFamily = [site] as const
