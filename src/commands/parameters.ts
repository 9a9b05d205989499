import { isIPv6 } from 'node:net'
import { BackendError } from '../backend/backend.ts'
import {
  allocation,
  byteRange,
  extendedHostPort,
  extendedPassive,
  hostPort,
  none,
  offset,
  oneOf,
  text,
  type as typeArgument,
} from '../ftp/arguments.ts'
import { asciiUpperCase, type ByteString } from '../ftp/bytes.ts'
import { parseCommandLine } from '../ftp/command-line.ts'
import { parseFactList } from '../ftp/facts.ts'
import { type Reply, reply } from '../ftp/reply.ts'
import { type Address, command, type Session, type User } from './command.ts'
import { hashOption } from './hashes.ts'

const type = command({
  verbs: ['TYPE'],
  argument: typeArgument,
  access: 'loggedIn',
  harmless: true,
  run({ session, argument }) {
    const known = argument !== 'unsupported' && (argument !== 'E' || session.dialect.ascii.ebcdic !== 'off')
    if (!known) return reply(504, 'Type not supported, use A or I.')
    session.type = argument
    return reply(200, `Type set to ${argument}.`)
  },
})

const stru = command({
  verbs: ['STRU'],
  argument: oneOf('F', 'R', 'P'),
  access: 'loggedIn',
  harmless: true,
  run: ({ argument }) =>
    argument === 'F' ? reply(200, 'Structure set to F.') : reply(504, 'Structure not supported, use F.'),
})

const mode = command({
  verbs: ['MODE'],
  argument: oneOf('S', 'B', 'C', 'Z'),
  access: 'loggedIn',
  harmless: true,
  feature: ({ dialect }) => (dialect.commands.modeZ ? 'MODE Z' : undefined),
  run({ session, argument }) {
    const known = argument === 'S' || (argument === 'Z' && session.dialect.commands.modeZ)
    if (!known) return reply(504, 'Mode not supported, use S.')
    session.mode = argument
    return reply(200, `Mode set to ${argument}.`)
  },
})

const pasv = command({
  // P@SW is what some firewalls make of PASV to keep it from passing.
  verbs: ['PASV', 'P@SW'],
  argument: none,
  access: 'loggedIn',
  harmless: true,
  feature: 'PASV',
  async run({ session }) {
    if (session.epsvOnly) return refusedAfterEpsvAll()
    const { host, port } = await session.listenForData('PASV')
    return reply(227, `Entering Passive Mode (${host.replaceAll('.', ',')},${port >> 8},${port & 255}).`)
  },
})

const unsupportedFamily = (supported: string) => reply(522, `Network protocol not supported, use (${supported})`)

const epsv = command({
  verbs: ['EPSV'],
  argument: extendedPassive,
  access: 'loggedIn',
  harmless: true,
  feature: 'EPSV',
  async run({ session, argument }) {
    if (argument === 'ALL') {
      session.epsvOnly = true
      return reply(200, 'EPSV ALL command successful.')
    }
    const family = familyOf(session)
    if (argument !== 'any' && argument !== family) return unsupportedFamily(family === 'IPv6' ? '2' : '1')
    const { port } = await session.listenForData('EPSV')
    // FileZilla looks for exactly `(|||` and `|)`.
    return reply(229, `Entering Extended Passive Mode (|||${port}|)`)
  },
})

/** A passive port has the family of the control connection; an IPv4 client may show as `::ffff:192.0.2.1`. */
function familyOf({ clientAddress }: Session): 'IPv4' | 'IPv6' {
  return isIPv6(clientAddress) && !/^::ffff:.*\./i.test(clientAddress) ? 'IPv6' : 'IPv4'
}

const port = command({
  verbs: ['PORT'],
  argument: hostPort,
  access: 'loggedIn',
  harmless: true,
  refused: ({ dialect }) => dialect.active.mode === 'off',
  run: ({ session, argument }) => connectTo(session, argument, 'PORT'),
})

const eprt = command({
  verbs: ['EPRT'],
  argument: extendedHostPort,
  access: 'loggedIn',
  harmless: true,
  refused: ({ dialect }) => dialect.active.mode === 'off',
  feature: ({ dialect }) => (dialect.active.mode === 'on' ? 'EPRT' : undefined),
  run: ({ session, argument }) =>
    argument === 'unsupportedFamily' ? unsupportedFamily('1,2') : connectTo(session, argument, 'EPRT'),
})

async function connectTo(session: Session, address: Address, verb: string): Promise<Reply> {
  // 502 makes curl and tnftp go on with the next way they know.
  if (session.dialect.active.mode === 'off') return reply(502, 'Active mode is switched off, use EPSV or PASV.')
  if (session.epsvOnly) return refusedAfterEpsvAll()
  await session.connectForData(address)
  return reply(200, `${verb} command successful.`)
}

const refusedAfterEpsvAll = () => reply(500, 'Only EPSV is allowed after EPSV ALL.')

const rest = command({
  verbs: ['REST'],
  argument: offset,
  access: 'loggedIn',
  harmless: true,
  feature: 'REST STREAM',
  run({ session, argument }) {
    session.restartAt = argument
    session.range = undefined
    return reply(350, `Restarting at ${argument}. Send STOR or RETR.`)
  },
})

const rang = command({
  verbs: ['RANG'],
  argument: byteRange,
  access: 'loggedIn',
  harmless: true,
  refused: ({ dialect }) => !dialect.commands.rang,
  feature: ({ dialect }) => (dialect.commands.rang ? 'RANG STREAM' : undefined),
  run({ session, argument }) {
    if (!session.dialect.commands.rang) return reply(502, 'Ranges are switched off, use REST.')
    // Bytes of text are not those of the file.
    if (session.type !== 'I') return reply(504, `RANG works in TYPE I only, this is TYPE ${session.type}.`)
    session.restartAt = 0
    session.range = argument === 'none' ? undefined : argument
    if (argument === 'none') return reply(350, 'Range reset.')
    return reply(350, `Restarting at ${argument.start}. End byte range at ${argument.end}.`)
  },
})

const allo = command({
  verbs: ['ALLO'],
  argument: allocation,
  access: 'loggedIn',
  harmless: true,
  async run({ session, user, argument }) {
    session.declaredSize = argument
    const free = session.dialect.commands.alloCheck ? await spaceFor(user) : undefined
    if (free === undefined) return reply(202, 'No storage allocation necessary.')
    return free < argument ? reply(552, 'Not enough free space.') : reply(200, 'Enough free space.')
  },
})

/** Undefined where the server does not tell; an upload is tried all the same then. */
async function spaceFor({ files, directory }: User): Promise<number | undefined> {
  return files.space(directory).catch((error) => {
    if (error instanceof BackendError && error.kind !== 'unavailable') return undefined
    throw error
  })
}

const opts = command({
  verbs: ['OPTS'],
  argument: text('UTF8 ON|MLST <facts>|MODE Z LEVEL <0-9>|HASH [<algorithm>]'),
  access: 'anyone',
  feature: 'UTF8',
  run({ session, argument }) {
    const { verb: option, argument: value } = parseCommandLine(argument.trim())
    if (option === 'UTF8' || option === 'UTF-8') return utf8Option(session, value)
    if (option === 'MLST') return mlstOption(session, value)
    if (option === 'HASH') return hashOption(session, value) ?? reply(501, 'Option not understood.')
    if (option === 'MODE') return modeOption(session, value)
    return reply(501, 'Option not understood.')
  },
})

/** Whatever is not OFF is taken for ON: Windows' ftp.exe gives up on anything but 200. */
function utf8Option(session: Session, value: ByteString): Reply {
  const on = asciiUpperCase(value.trim()) !== 'OFF'
  if (!session.useUtf8(on)) return reply(504, 'UTF8 cannot be switched off.')
  return reply(200, `UTF8 is ${on ? 'on' : 'off'}.`)
}

/** Which facts MLSD and MLST show (RFC 3659 section 7.9). */
function mlstOption(session: Session, value: ByteString): Reply {
  const list = parseFactList(value.trim())
  if (list === undefined) return reply(501, 'Syntax: OPTS MLST <fact>;<fact>;')
  session.facts = list.enabled
  return reply(200, `MLST OPTS ${list.text}`.trimEnd())
}

/** `Z LEVEL 6`, as lftp, ProFTPD and others spell it; other settings of zlib are not for clients to choose. */
function modeOption(session: Session, value: ByteString): Reply {
  const level = /^Z +LEVEL +(\d)$/i.exec(value.trim())?.[1]
  if (!session.dialect.commands.modeZ) return reply(501, 'Option not understood.')
  if (level === undefined) return reply(501, 'Syntax: OPTS MODE Z LEVEL <0-9>')
  session.compressionLevel = Number(level)
  return reply(200, `MODE Z LEVEL set to ${level}.`)
}

/** How data is transferred, and where to (RFC 959 section 4.1.2, RFC 2389, RFC 2428). */
export const parameters = [type, stru, mode, pasv, epsv, port, eprt, rest, rang, allo, opts] as const
