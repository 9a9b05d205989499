import { anything, bufferSize, none, word } from '../ftp/arguments.ts'
import { defaultFacts } from '../ftp/facts.ts'
import { type Reply, reply } from '../ftp/reply.ts'
import { command, type Session } from './command.ts'

/** What AUTH is answered with for each mechanism, and the data protection that starts with it. */
const mechanisms: ReadonlyMap<string, Session['protection']> = new Map([
  ['TLS', 'C'],
  ['TLS-C', 'C'],
  // The two forms from before RFC 4217 protect data connections from the start; vsftpd and ProFTPD do so too.
  ['SSL', 'P'],
  ['TLS-P', 'P'],
])

/** Neither in plain FTP nor after CCC is there a way into TLS. */
function isOffered({ security }: Session): boolean {
  return security !== 'unavailable' && security !== 'cleared'
}

const auth = command({
  verbs: ['AUTH'],
  argument: word('TLS'),
  access: 'anyone',
  feature: (session) => (isOffered(session) ? 'AUTH TLS' : undefined),
  run({ session, user, argument: mechanism }) {
    if (session.security === 'unavailable') return reply(502, 'TLS is not available here.')
    if (session.security === 'secure') return reply(503, 'The connection is secured already.')
    if (session.security === 'cleared') return afterClear()
    if (user !== undefined) return reply(534, 'Secure the connection before you log in.')
    const protection = mechanisms.get(mechanism)
    if (protection === undefined) return reply(504, 'Security mechanism not supported, use AUTH TLS.')
    startOver(session, protection)
    return { ...reply(234, 'Proceed with negotiation.'), afterwards: 'secure' }
  },
})

/** AUTH forgets what was said in the clear: an attacker may have said it (RFC 4217 section 4). */
function startOver(session: Session, protection: Session['protection']): void {
  session.username = undefined
  session.type = 'A'
  session.protection = protection
  session.epsvOnly = false
  session.facts = defaultFacts
  session.hashAlgorithm = 'SHA-256'
  session.renameFrom = undefined
  session.copyFrom = undefined
  session.restartAt = 0
  session.range = undefined
  session.declaredSize = undefined
}

const pbsz = command({
  verbs: ['PBSZ'],
  argument: bufferSize,
  access: 'anyone',
  feature: (session) => (isOffered(session) ? 'PBSZ' : undefined),
  run: ({ session }) => needsTls(session) ?? reply(200, 'PBSZ=0'),
})

const prot = command({
  verbs: ['PROT'],
  argument: word('P|C'),
  access: 'anyone',
  feature: (session) => (isOffered(session) ? 'PROT' : undefined),
  // PROT without PBSZ is accepted: clients of implicit TLS and IBM mainframes leave it out.
  run({ session, argument: level }) {
    const refusal = needsTls(session)
    if (refusal !== undefined) return refusal
    if (level === 'S' || level === 'E') return reply(536, 'Protection level not supported by TLS, use PROT P.')
    if (level !== 'P' && level !== 'C') return reply(504, 'Protection level not known, use PROT P.')
    if (level === 'C' && session.tlsRequired) return reply(534, 'Data connections must be protected, use PROT P.')
    session.protection = level
    return reply(200, level === 'P' ? 'Data connections are private.' : 'Data connections are clear.')
  },
})

function needsTls(session: Session): Reply | undefined {
  if (session.security === 'cleared') return afterClear()
  return session.security === 'secure' ? undefined : reply(503, 'Send AUTH TLS first.')
}

/** What protects data connections is settled before CCC: afterwards anybody in between could say it. */
function afterClear(): Reply {
  return reply(534, 'Not after CCC.')
}

const ccc = command({
  verbs: ['CCC'],
  argument: none,
  access: 'anyone',
  feature: (session) => (session.clearable && isOffered(session) ? 'CCC' : undefined),
  run({ session, user }) {
    if (session.security !== 'secure') return reply(533, 'The control connection is not protected.')
    if (!session.clearable) return reply(534, 'The control connection stays protected.')
    // Its purpose is that firewalls read PASV and PORT; a password is not for them.
    if (user === undefined) return reply(534, 'Log in first.')
    return { ...reply(200, 'The control connection is clear now.'), afterwards: 'clear' }
  },
})

const adat = command({
  verbs: ['ADAT'],
  argument: anything,
  access: 'anyone',
  refused: true,
  secret: true,
  run: ({ session }) =>
    session.security === 'secure' ? reply(502, 'TLS needs no ADAT.') : reply(503, 'Send AUTH TLS first.'),
})

/** Messages protected one by one are for mechanisms other than TLS. */
const protectedMessages = command({
  verbs: ['MIC', 'CONF', 'ENC'],
  argument: anything,
  access: 'anyone',
  refused: true,
  secret: true,
  run: () => reply(502, 'Not used with TLS.'),
})

/** Security extensions (RFC 2228) as TLS uses them (RFC 4217). */
export const security = [auth, pbsz, prot, ccc, adat, protectedMessages] as const
