import { anything, hostName, none } from '../ftp/arguments.ts'
import { asciiUpperCase } from '../ftp/bytes.ts'
import { type Reply, reply } from '../ftp/reply.ts'
import { type Command, command, type Session } from './command.ts'
import { doingOf, refusalOf } from './rights.ts'
import { siteHelp } from './site.ts'

const syst = command({
  verbs: ['SYST'],
  argument: none,
  access: 'anyone',
  // Commons Net chooses its listing parser by the first word.
  run: ({ session }) => reply(215, session.directoryStyle === 'dos' ? 'Windows_NT' : 'UNIX Type: L8'),
})

const noop = command({
  verbs: ['NOOP', 'XNOP'],
  argument: anything,
  access: 'anyone',
  // In its turn by default: clients that know no NOOP during a transfer take its 200 for the transfer's end.
  duringTransfer: ({ dialect }) => dialect.commands.noop === 'immediate',
  run: () => reply(200, 'OK.'),
})

const clnt = command({
  verbs: ['CLNT'],
  argument: anything,
  access: 'anyone',
  feature: 'CLNT',
  run: () => reply(200, 'Noted.'),
})

const csid = command({
  verbs: ['CSID'],
  argument: anything,
  access: 'anyone',
  feature: 'CSID',
  run: () => reply(200, 'Name=FTPS gateway; OS=UNIX; CaseSensitive=1; DirSep=/;'),
})

const lang = command({
  verbs: ['LANG'],
  argument: anything,
  access: 'anyone',
  run: ({ argument }) =>
    /^(EN(-[A-Z0-9-]+)?)?$/i.test(argument.trim())
      ? reply(200, 'Replies are in English.')
      : reply(504, 'English only.'),
})

/** RFC 7151; before AUTH it chooses the certificate for clients that cannot say the name in TLS. */
const host = command({
  verbs: ['HOST'],
  argument: hostName,
  access: 'anyone',
  feature: 'HOST',
  run({ session, user, argument: name }) {
    if (user !== undefined) return reply(503, 'Send HOST before you log in.')
    return session.chooseHost(name) ? reply(220, 'Go on.') : reply(504, 'No such host here; you may go on.')
  },
})

const helpColumns = 8

/** FEAT and HELP tell what is in the table, so they are made for it. */
export function information(table: ReadonlyMap<string, Command>): readonly Command[] {
  const feat = command({
    verbs: ['FEAT'],
    argument: none,
    access: 'anyone',
    run: ({ session }) => reply(211, 'Features:', ...features(table, session), 'End'),
  })

  const help = command({
    verbs: ['HELP'],
    argument: anything,
    access: 'anyone',
    run({ session, argument }) {
      const verb = asciiUpperCase(argument.trim())
      if (verb === '')
        return reply(214, 'Commands (* is not implemented):', ...verbLines(table, session), 'End of help.')
      if (verb === 'SITE') return siteHelp(session)
      return helpFor(table, session, verb)
    },
  })

  return [syst, feat, help, noop, clnt, csid, lang, host]
}

/** The FEAT lines of a session, each once (RFC 2389). */
function features(table: ReadonlyMap<string, Command>, session: Session): readonly string[] {
  const permitted = [...table.values()].filter((known) => refusalOf(session.rights, doingOf(known)) === undefined)
  const lines = permitted.map(({ feature }) => (typeof feature === 'function' ? feature(session) : feature))
  return [...new Set(lines)].filter((line) => line !== undefined)
}

/** Every verb, eight to a line: Net::FTPSSL takes from here what the server can do. */
function verbLines(table: ReadonlyMap<string, Command>, session: Session): readonly string[] {
  const shown = [...table].map(([verb, known]) => `${verb}${isRefused(known, session) ? '*' : ''}`.padEnd(9))
  const rows = Math.ceil(shown.length / helpColumns)
  return Array.from({ length: rows }, (_, row) =>
    shown
      .slice(row * helpColumns, (row + 1) * helpColumns)
      .join('')
      .trimEnd(),
  )
}

/** Also what is switched off for this session. */
function isRefused(known: Command, session: Session): boolean {
  const { refused = false } = known
  if (refusalOf(session.rights, doingOf(known)) !== undefined) return true
  return typeof refused === 'function' ? refused(session) : refused
}

function helpFor(table: ReadonlyMap<string, Command>, session: Session, verb: string): Reply {
  const known = table.get(verb)
  if (known === undefined) return reply(502, `Unknown command ${verb}.`)
  if (isRefused(known, session)) return reply(214, `${verb} is not implemented.`)
  return reply(214, `Syntax: ${verb} ${known.argument.syntax}`.trimEnd())
}
