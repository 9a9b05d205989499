import { suggest } from '../config/suggest.ts'
import { check } from './check.ts'
import { compare } from './compare.ts'
import { completion } from './completion.ts'
import { demo } from './demo.ts'
import { doctor } from './doctor.ts'
import { exit, explain } from './exit.ts'
import { explainVerb } from './explain.ts'
import { handover } from './handover.ts'
import { hashPasswordVerb } from './hash-password.ts'
import { health } from './health.ts'
import { hostKey } from './host-key.ts'
import { importVerb } from './import.ts'
import { keys } from './keys.ts'
import { migrate } from './migrate.ts'
import { ports } from './ports.ts'
import { report } from './report.ts'
import { schema } from './schema.ts'
import { serve } from './serve.ts'
import { test } from './test.ts'
import { type Io, UsageError, type Verb } from './verb.ts'
import { version } from './version.ts'

const verbs: readonly Verb[] = [
  serve,
  demo,
  check,
  test,
  hostKey,
  hashPasswordVerb,
  health,
  report,
  importVerb,
  handover,
  keys,
  compare,
  ports,
  doctor,
  migrate,
  explainVerb,
  schema,
  completion(() => verbs),
]

/**
 * Carries out a command line, without the program's name, and returns the exit code. Nothing at all means `demo`,
 * `--config FILE` means `serve`.
 */
export async function run(args: readonly string[], io: Io): Promise<number> {
  try {
    return await carryOut(args, io)
  } catch (error) {
    const { code, message } = explain(error)
    io.stderr.write(`${message}\n`)
    return code
  }
}

async function carryOut(args: readonly string[], io: Io): Promise<number> {
  const [word = '', ...rest] = args
  if (['help', '--help', '-h'].includes(word)) return say(help(rest[0]), io)
  if (['version', '--version'].includes(word)) return say(`${version}\n`, io)
  const verb = find(word)
  if (verb && rest.some((arg) => arg === '--help' || arg === '-h')) return say(help(verb.name), io)
  if (verb) return verb.run(rest, io)
  if (word !== '' && !word.startsWith('-')) throw unknown(word)
  const configured = args.some((arg) => arg === '--config' || arg.startsWith('--config='))
  return (configured ? serve : demo).run(args, io)
}

function find(name: string): Verb | undefined {
  return verbs.find((verb) => verb.name === name)
}

function unknown(word: string): UsageError {
  const names = [...verbs.map(({ name }) => name), 'help', 'version']
  return new UsageError(`there is no verb "${word}"${suggest(word, names)}`)
}

function say(text: string, io: Io): number {
  io.stdout.write(text)
  return exit.ok
}

function help(name: string | undefined): string {
  if (name === undefined) return overview()
  const verb = find(name)
  if (!verb) throw unknown(name)
  const usage = `ftps-gateway ${verb.name} ${verb.synopsis}`.trimEnd()
  return `${usage}\n\n${verb.summary}\n\n${verb.details}`
}

function overview(): string {
  const width = Math.max(...verbs.map(({ name }) => name.length))
  const lines = verbs.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`)
  return `ftps-gateway ${version}: FTPS in front, SFTP behind.

  ftps-gateway VERB [OPTIONS]

${lines.join('\n')}
  ${'help'.padEnd(width)}  explain a verb: ftps-gateway help serve
  ${'version'.padEnd(width)}  print the version

Without a verb: demo; with only --config FILE: serve.
Exit codes: 0 done, 1 failure, 64 wrong usage, 69 a backend or port is unavailable, 78 faulty configuration.
`
}
