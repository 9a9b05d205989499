import { type Command, command } from '../commands/command.ts'
import { commands } from '../commands/index.ts'
import { allocation, anything, offset } from '../ftp/arguments.ts'
import { asciiUpperCase, type ByteString } from '../ftp/bytes.ts'
import type { CommandLine } from '../ftp/command-line.ts'
import { type Reply, reply } from '../ftp/reply.ts'
import { relayedFeatures } from '../legacy/features.ts'
import { quotedPath } from '../legacy/ftp-old-server.ts'
import type { OldReply, OldSession } from '../legacy/old-server.ts'
import { RelayTransfer } from './relay-transfer.ts'
import type { SessionState } from './session-state.ts'

/** Answered here: TLS and data connections are hop by hop, and who the client is was settled with us. */
const ownVerbs: ReadonlySet<string> = new Set(
  'AUTH PBSZ PROT CCC ADAT MIC CONF ENC PASV P@SW EPSV PORT EPRT HOST USER PASS ACCT REIN QUIT'.split(' '),
)
/** Other ways to data connections, which the old server would open to nobody. */
const refusedVerbs: ReadonlySet<string> = new Set('LPSV LPRT SPSV CPSV SSCN ESTA ESTP'.split(' '))
const directions: ReadonlyMap<string, 'upload' | 'download' | 'listing'> = new Map([
  ['RETR', 'download'],
  ['STOR', 'upload'],
  ['STOU', 'upload'],
  ['APPE', 'upload'],
  ['LIST', 'listing'],
  ['NLST', 'listing'],
  ['MLSD', 'listing'],
])
/** What the client is offered by us, in place of what the old server offers. */
const ownFeatures = ['AUTH', 'PBSZ', 'PROT', 'CCC', 'PASV', 'EPSV', 'EPRT'] as const

/** The commands of a session whose login is at an old server: most are its, line for line and reply for reply. */
export class Relay {
  readonly old: OldSession
  readonly #state: SessionState
  readonly #send: (reply: Reply) => Promise<void>
  #transfer: RelayTransfer | undefined

  constructor(old: OldSession, state: SessionState, send: (reply: Reply) => Promise<void>) {
    this.old = old
    this.#state = state
    this.#send = send
  }

  command(line: CommandLine): Command | undefined {
    const { verb } = line
    if (ownVerbs.has(verb)) return commands.get(verb)
    const common = { argument: anything, access: 'loggedIn', ...whatItDoes(line) } as const
    if (refusedVerbs.has(verb)) return command({ ...common, run: () => reply(502, 'Not relayed.') })
    if (verb === 'FEAT') return command({ ...common, run: () => this.#features() })
    if (verb === 'ABOR') return command({ ...common, duringTransfer: true, run: () => this.#abort() })
    const direction = directions.get(verb)
    if (direction) {
      return command({ ...common, transfers: true, run: ({ argument }) => this.#move(verb, argument, direction) })
    }
    const { duringTransfer = false } = verb === 'STAT' ? { duringTransfer: true } : (commands.get(verb) ?? {})
    // SITE PSWD and its kind change the password.
    const secret = verb === 'SITE' && /^(PSWD|PASSWD|PASS|CPWD)\b/i.test(line.argument)
    return command({ ...common, duringTransfer, secret, run: ({ argument }) => this.#ask(verb, argument) })
  }

  async #ask(verb: ByteString, argument: ByteString): Promise<Reply> {
    const { transfer } = this.#state
    const answer = await this.old.ask(lineOf(verb, argument), { onMark: this.#send })
    // Both answers may come at once, and that to the transfer takes longer on its way to the client.
    if (this.#transfer?.answered) await transfer
    if (answer.code >= 200 && answer.code < 400) this.#learn(verb, argument, answer)
    return answer
  }

  async #features(): Promise<Reply> {
    const session = this.#state
    const ours = ownFeatures.flatMap((verb) => {
      const { feature } = commands.get(verb) ?? {}
      return (typeof feature === 'function' ? feature(session) : feature) ?? []
    })
    return relayedFeatures(await this.old.ask('FEAT'), ours)
  }

  /** Its reply comes behind that of the transfer. */
  async #abort(): Promise<Reply> {
    const { transfer, transferring } = this.#state
    if (transferring) this.#transfer?.abort()
    const answer = await this.old.ask('ABOR', { onMark: this.#send })
    await transfer
    return answer
  }

  async #move(verb: ByteString, argument: ByteString, direction: 'upload' | 'download' | 'listing'): Promise<Reply> {
    const { old } = this
    const state = this.#state
    const { options, transfers: runner, gone } = state
    const context = state.context()
    const acceptFin = (bytes: number) => context.dialect.upload.endOfData === 'warn' || bytes === context.declaredSize
    const settings = { stallMs: options.timeouts.dataStallMs, records: options.records }
    const transfer = { verb, line: lineOf(verb, argument), path: state.user?.resolve(argument) ?? argument, direction }
    this.#transfer = new RelayTransfer({ old, runner, settings, acceptFin, mark: this.#send, gone }, context, transfer)
    return this.#transfer.run()
  }

  /** For records of transfers: what the client and the old server have agreed on. */
  #learn(verb: ByteString, argument: ByteString, { code, lines }: OldReply): void {
    const state = this.#state
    switch (verb) {
      case 'TYPE': {
        const type = asciiUpperCase(argument).charAt(0)
        state.type = type === 'I' || type === 'L' ? 'I' : type === 'E' ? 'E' : 'A'
        return
      }
      case 'MODE':
        state.mode = asciiUpperCase(argument) === 'Z' ? 'Z' : 'S'
        return
      case 'REST':
        state.restartAt = offset.parse(argument) ?? 0
        return
      case 'ALLO':
        state.declaredSize = allocation.parse(argument)
        return
      default:
        this.#learnDirectory(verb, argument, code === 257 ? quotedPath(lines[0]) : undefined)
    }
  }

  #learnDirectory(verb: ByteString, argument: ByteString, told: ByteString | undefined): void {
    const { user } = this.#state
    if (!user) return
    if ((verb === 'PWD' || verb === 'XPWD') && told !== undefined) user.directory = told
    if (verb === 'CWD' || verb === 'XCWD') user.directory = user.resolve(argument)
    if (verb === 'CDUP' || verb === 'XCUP') user.directory = user.resolve('..')
  }
}

/** For the rights of the login; nobody knows what a command does that we do not know. */
function whatItDoes({ verb, argument }: CommandLine): Pick<Command, 'verbs' | 'writes' | 'harmless' | 'sameAs'> {
  if (verb === 'SITE') {
    const word = asciiUpperCase(argument.trim().split(' ', 1)[0] ?? '')
    return { verbs: [`SITE ${word}`, 'SITE'], writes: word !== 'HELP' && word !== 'IDLE' }
  }
  const { verbs = [verb], writes = true, harmless, sameAs } = commands.get(verb) ?? {}
  const known = commands.has(verb)
  return {
    verbs,
    writes: known ? commands.get(verb)?.writes === true : writes,
    ...(harmless && { harmless }),
    ...(sameAs && { sameAs }),
  }
}

function lineOf(verb: ByteString, argument: ByteString): ByteString {
  return argument === '' ? verb : `${verb} ${argument}`
}
