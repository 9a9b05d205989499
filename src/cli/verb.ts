import type { EventEmitter } from 'node:events'
import { type ParseArgsConfig, parseArgs } from 'node:util'

/** What a verb may touch of the process around it. */
export interface Io {
  readonly stdin: NodeJS.ReadStream
  readonly stdout: { write(text: string): unknown }
  readonly stderr: { write(text: string): unknown }
  readonly env: NodeJS.ProcessEnv
  /** Where SIGHUP, SIGINT and SIGTERM arrive, and what nobody caught: the process. */
  readonly signals: EventEmitter
  /** In place of the clock. */
  readonly now?: () => number
}

/** One word after `ftps-gateway`. */
export interface Verb {
  readonly name: string
  /** What follows the name, in the notation of manual pages. */
  readonly synopsis: string
  /** One line for the list of verbs. */
  readonly summary: string
  /** Options and examples, for `help VERB`. */
  readonly details: string
  /** What can stand behind an option, or instead of one (''), where that is not free: for the completion of shells. */
  readonly words?: Readonly<Record<string, readonly string[]>>
  /** Returns the exit code (see exit.ts) or throws. */
  run(args: readonly string[], io: Io): Promise<number>
}

/** The command line cannot be understood; the message says which word of it. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

type Options = NonNullable<ParseArgsConfig['options']>

/** The options of a verb that takes no other words. Throws UsageError. */
export function parseOptions<const O extends Options>(args: readonly string[], options: O) {
  return parse(() => parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values)
}

/** The options of a verb, and the one word that it takes, or none. Throws UsageError. */
export function parseOptionsAndWord<const O extends Options>(args: readonly string[], options: O) {
  const read = () => parseArgs({ args: [...args], options, strict: true, allowPositionals: true })
  const { values, positionals } = parse(read)
  const [word, ...more] = positionals
  if (more.length > 0) throw new UsageError(`there is a word too many: ${more[0]}`)
  return { word, options: values }
}

/** The options of a verb, and the words between them. Throws UsageError. */
export function parseOptionsAndWords<const O extends Options>(args: readonly string[], options: O) {
  const read = () => parseArgs({ args: [...args], options, strict: true, allowPositionals: true })
  const { values, positionals } = parse(read)
  return { words: positionals, options: values }
}

/** The one word that a verb takes. Throws UsageError with `missing` when it is not there. */
export function parseWord(args: readonly string[], missing: string): string {
  const { positionals } = parse(() => parseArgs({ args: [...args], options: {}, strict: true, allowPositionals: true }))
  const [word, ...more] = positionals
  if (word === undefined) throw new UsageError(missing)
  if (more.length > 0) throw new UsageError(`there is a word too many: ${more[0]}`)
  return word
}

/** A port, or 0 for any free one. Throws UsageError. */
export function parsePort(option: string, text: string): number {
  const port = Number(text)
  if (!/^\d{1,5}$/.test(text) || port > 65535)
    throw new UsageError(`--${option} takes a port from 0 to 65535, not ${text}`)
  return port
}

function parse<V>(read: () => V): V {
  try {
    return read()
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (!code?.startsWith('ERR_PARSE_ARGS_')) throw error
    const sentence = message.split('. ', 1)[0] ?? message
    throw new UsageError(sentence.charAt(0).toLowerCase() + sentence.slice(1))
  }
}
