import { anything, none } from '../ftp/arguments.ts'
import { formatTime } from '../ftp/facts.ts'
import { coded, reply } from '../ftp/reply.ts'
import { harmless, type SiteWord, siteWord } from './site-word.ts'

const idle = siteWord(
  'IDLE',
  {
    syntax: '[<seconds>]',
    parse: (text) => (text === '' ? 'ask' : /^[1-9]\d{0,8}$/.test(text.trim()) ? Number(text) : undefined),
  },
  ({ session, argument }) => {
    if (argument === 'ask') return reply(200, `The idle limit is ${session.idleSeconds} seconds.`)
    if (argument > session.idleSecondsMax) {
      return reply(501, `The idle limit can be ${session.idleSecondsMax} seconds at most.`)
    }
    session.idleSeconds = argument
    return reply(200, `The idle limit is ${argument} seconds.`)
  },
)

/** IIS: job scripts that read its DOS listings send it in any case, and take the answer for what is in force then. */
const dirstyle = siteWord('DIRSTYLE', none, ({ session }) => {
  session.directoryStyle = session.directoryStyle === 'dos' ? 'unix' : 'dos'
  return reply(200, `MSDOS-like directory output is ${session.directoryStyle === 'dos' ? 'on' : 'off'}.`)
})

/** Of this session alone: others are none of the client's business. */
const who = siteWord('WHO', none, ({ session }) => reply(200, 'Sessions:', ...session.status(), 'End of list.'))

const time = siteWord('TIME', none, () => {
  const now = formatTime(Math.floor(Date.now() / 1000))
  return reply(211, `The time here is ${now} UTC.`)
})

const version = siteWord('VERSION', anything, () => reply(200, 'FTPS gateway.'))

const migration = siteWord('MIGRATION', none, ({ user }) => {
  const { migration: lines = [] } = user
  return lines.length > 0 ? coded(200, ...lines, 'End of list.') : reply(200, 'Nothing is planned.')
})

/** Known to other servers, and not carried out; everything else is 500. */
const elsewhere = ['RMDIR', 'INDEX', 'GROUP', 'GPASS', 'ALIAS', 'CDPATH', 'CHECKMETHOD', 'CHECKSUM', 'ZONE', 'SET'].map(
  (verb) => siteWord(verb, anything, () => reply(502, `SITE ${verb} is not implemented.`)),
)

export const sessionWords: readonly SiteWord[] = [idle, dirstyle, who, time, version, migration].map(harmless)
export const refusedWords = elsewhere
