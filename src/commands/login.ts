import { anything, none, secret, text } from '../ftp/arguments.ts'
import { closing, coded, reply } from '../ftp/reply.ts'
import { command, type Session } from './command.ts'

const user = command({
  verbs: ['USER'],
  argument: text('<user>'),
  access: 'secured',
  // 331 to every name: the dialogue must not tell which users exist (RFC 2577 section 7). 232 is for those who have
  // proved already that they are one (RFC 4217 section 5).
  async run({ session, user, argument: username }) {
    if (user !== undefined) return reply(503, 'Already logged in.')
    if (session.certificateSuffices(username)) {
      const notice = await session.logIn(username, undefined)
      return coded(232, ...notice, 'Logged in by certificate.')
    }
    session.username = username
    session.expectLogin(username)
    return reply(331, 'Password required.')
  },
})

const pass = command({
  verbs: ['PASS'],
  argument: secret,
  access: 'secured',
  secret: true,
  async run({ session, user, argument: password }) {
    if (user !== undefined && session.passwordless) return reply(202, 'No password needed, logged in by certificate.')
    if (user !== undefined) return reply(503, 'Already logged in.')
    const { username } = session
    if (username === undefined) return reply(503, 'Send USER first.')
    session.username = undefined
    const notice = await session.logIn(username, password)
    return coded(230, ...notice, 'Logged in.')
  },
})

const acct = command({
  verbs: ['ACCT'],
  argument: anything,
  access: 'anyone',
  secret: true,
  run: ({ user }) => (user === undefined ? reply(503, 'Send USER and PASS first.') : reply(202, 'No account needed.')),
})

function needsNewConnection({ security }: Pick<Session, 'security'>): boolean {
  return security === 'secure' || security === 'cleared'
}

/** Out of TLS there would be no way back into it: RFC 4217 wants the connection in the clear behind the reply. */
const rein = command({
  verbs: ['REIN'],
  argument: none,
  access: 'anyone',
  refused: needsNewConnection,
  async run({ session }) {
    if (needsNewConnection(session)) return reply(502, 'Log in again on a new connection.')
    await session.startOver()
    return { ...reply(220, 'Ready for a new user.'), afterwards: 'logIn' }
  },
})

const quit = command({
  verbs: ['QUIT'],
  argument: none,
  access: 'anyone',
  run: () => closing(221, 'Goodbye.'),
})

/** Who the client is (RFC 959 section 4.1.1). */
export const login = [user, pass, acct, rein, quit] as const
