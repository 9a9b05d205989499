import type { Argument } from '../ftp/arguments.ts'
import type { ByteString } from '../ftp/bytes.ts'
import { formatTime, parseTime } from '../ftp/facts.ts'
import { type Reply, reply } from '../ftp/reply.ts'
import { command, type User } from './command.ts'

/** `Fact=value;Fact=value; path`. */
interface FactsChange {
  readonly facts: readonly (readonly [name: string, value: string])[]
  readonly path: ByteString
}

const factsAndPath: Argument<FactsChange> = {
  syntax: '<fact>=<value>;[…] <path>',
  parse(text) {
    const [, list = '', path] = /^((?:[\w.]+=[^;= ]+;)+) (.+)$/s.exec(text) ?? []
    if (path === undefined) return undefined
    const facts = list
      .split(';')
      .filter((fact) => fact !== '')
      .map((fact) => fact.split('=', 2) as [string, string])
    return { facts, path }
  },
}

/** Reads a fact's value and answers with how to set it; undefined for a value that makes no sense. */
type Setter = (value: string) => ((user: User, path: ByteString) => Promise<string>) | undefined

const settable: ReadonlyMap<string, Setter> = new Map<string, Setter>([
  [
    'modify',
    (value) => {
      const time = /^\d{14}(\.\d+)?$/.test(value) ? parseTime(value) : undefined
      if (time === undefined) return undefined
      return async (user, path) => {
        await user.files.setModified(path, time)
        return `Modify=${formatTime(time)};`
      }
    },
  ],
  [
    'unix.mode',
    (value) => {
      if (!/^0?[0-7]{3,4}$/.test(value)) return undefined
      const mode = Number.parseInt(value, 8)
      return async (user, path) => {
        await user.files.setMode(path, mode)
        return `UNIX.mode=${value};`
      }
    },
  ],
  ['unix.owner', (value) => owner(value, 'uid', 'UNIX.owner')],
  ['unix.group', (value) => owner(value, 'gid', 'UNIX.group')],
])

function owner(value: string, id: 'uid' | 'gid', fact: string): ReturnType<Setter> {
  if (!/^\d{1,9}$/.test(value)) return undefined
  return async (user, path) => {
    await user.files.setOwner(path, { [id]: Number(value) })
    return `${fact}=${value};`
  }
}

/** Changes facts of a file (draft-somers-ftp-mfxx section 5); nothing is changed unless every fact is known. */
const mff = command({
  verbs: ['MFF'],
  argument: factsAndPath,
  access: 'loggedIn',
  writes: true,
  sameAs: ['MFMT', 'SITE CHMOD', 'SITE CHOWN', 'SITE CHGRP'],
  feature: 'MFF Modify;UNIX.mode;UNIX.owner;UNIX.group;',
  async run({ user, argument: { facts, path } }): Promise<Reply> {
    const steps: ReturnType<Setter>[] = []
    for (const [name, value] of facts) {
      const setter = settable.get(name.toLowerCase())
      if (setter === undefined) return reply(504, `The fact ${name} cannot be changed.`)
      const step = setter(value)
      if (step === undefined) return reply(501, `${value} is no value of ${name}.`)
      steps.push(step)
    }
    let changed = ''
    for (const step of steps) changed += await step?.(user, user.resolve(path))
    return reply(213, `${changed} ${path}`)
  },
})

export const factsChange = [mff] as const
