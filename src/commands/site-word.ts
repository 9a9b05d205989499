import type { Argument } from '../ftp/arguments.ts'
import type { Reply } from '../ftp/reply.ts'
import type { Session, User } from './command.ts'

export interface SiteContext<A> {
  readonly session: Session
  readonly user: User
  readonly argument: A
}

/** One word of SITE. The words are our own, everything else is as for other commands. */
export interface SiteWord {
  readonly verb: string
  readonly syntax: string
  /** As of commands. */
  readonly writes?: boolean
  readonly harmless?: boolean
  readonly sameAs?: readonly string[]
  /** Undefined when the argument does not fit the syntax. */
  run(session: Session, user: User, argument: string): Reply | Promise<Reply> | undefined
}

export function siteWord<A>(
  verb: string,
  grammar: Argument<A>,
  run: (context: SiteContext<A>) => Reply | Promise<Reply>,
): SiteWord {
  return {
    verb,
    syntax: grammar.syntax,
    run(session, user, text) {
      const argument = grammar.parse(text)
      return argument === undefined ? undefined : run({ session, user, argument })
    },
  }
}

/** A word that changes something; what it is another way for. */
export function changing(word: SiteWord, ...sameAs: readonly string[]): SiteWord {
  return { ...word, writes: true, sameAs }
}

/** A word that neither moves nor shows a file. */
export function harmless(word: SiteWord): SiteWord {
  return { ...word, harmless: true }
}
