import { type Reply, reply } from '../ftp/reply.ts'
import type { Access, Command, Rights } from './command.ts'

export const allRights: Rights = { readOnly: false, allow: [], deny: [] }

/** What rights are about: a command, or a word of SITE. */
export interface Doing {
  readonly access: Access
  readonly harmless?: boolean | undefined
  readonly writes?: boolean | undefined
  /** Its verb and its aliases. */
  readonly names: readonly string[]
  /** What it is another way for: with any of these it is denied as well. */
  readonly sameAs?: readonly string[] | undefined
}

export function doingOf({ verbs, access, harmless, writes, sameAs }: Command): Doing {
  return { names: verbs, sameAs, access, harmless, writes }
}

/** Why a login may not do something; undefined when it may. */
export function refusalOf({ readOnly, allow, deny }: Rights, doing: Doing): 'readOnly' | 'denied' | undefined {
  const { names, sameAs = [] } = doing
  const isIn = (list: readonly string[]) => (name: string) => list.includes(name)
  if (readOnly && doing.writes) return 'readOnly'
  if (names.some(isIn(deny)) || sameAs.some(isIn(deny))) return 'denied'
  if (allow.length === 0 || doing.access !== 'loggedIn' || doing.harmless || names.some(isIn(allow))) return undefined
  // Its words are looked at one by one.
  const isSite = names.includes('SITE') && allow.some((name) => name.startsWith('SITE '))
  return isSite ? undefined : 'denied'
}

/** Whether a command, named by its verb, may be carried out. */
export function permits(rights: Rights, verb: string, doing?: Omit<Doing, 'names'>): boolean {
  return refusalOf(rights, { access: 'loggedIn', ...doing, names: [verb] }) === undefined
}

/**
 * 502 for what FEAT would have shown: its client takes another way, MLSD's is LIST. 550 for everything else: a client
 * that is told 502 to STOR takes the server for broken.
 */
export function refuse(why: 'readOnly' | 'denied', name: string, feature: boolean): Reply {
  if (why === 'readOnly') return reply(550, `${name} refused: this login is read-only.`)
  return reply(feature ? 502 : 550, `${name} is not allowed for this login.`)
}

/** The letters of the fact `perm` (RFC 3659 section 7.5.5), each with the commands of which one makes it true. */
const permissions: readonly (readonly [letter: string, ...verbs: string[]])[] = [
  ['a', 'APPE'],
  ['c', 'STOR', 'STOU', 'APPE'],
  ['d', 'DELE', 'RMD'],
  ['e', 'CWD'],
  ['f', 'RNFR'],
  ['l', 'LIST', 'NLST', 'MLSD'],
  ['m', 'MKD'],
  ['p', 'DELE', 'RMD'],
  ['r', 'RETR'],
  ['w', 'STOR'],
]
const harmlessVerbs: readonly string[] = ['CWD']
const readingLetters = 'elr'

/** The letters of `perm` that are shown for no file. */
export function withheldPermissions(rights: Rights): string {
  const may = (letter: string, verb: string) =>
    permits(rights, verb, {
      access: 'loggedIn',
      harmless: harmlessVerbs.includes(verb),
      writes: !readingLetters.includes(letter),
    })
  return permissions.flatMap(([letter, ...verbs]) => (verbs.some((verb) => may(letter, verb)) ? [] : letter)).join('')
}
