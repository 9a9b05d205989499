import { EventEmitter } from 'node:events'
import { run } from '../../src/cli/run.ts'

export interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface InProcess {
  readonly env?: NodeJS.ProcessEnv
  readonly signals?: EventEmitter
  /** Called with everything that it writes to standard error, as it comes. */
  readonly heard?: (text: string) => void
}

/** Runs a command line in this process; for what needs no standard input. */
export async function inProcess(args: readonly string[], options: InProcess = {}): Promise<Outcome> {
  const { env = {}, signals = new EventEmitter(), heard = () => {} } = options
  let [out, error] = ['', '']
  const stdout = {
    write(text: string) {
      out += text
    },
  }
  const stderr = {
    write(text: string) {
      error += text
      heard(text)
    },
  }
  const code = await run(args, { stdin: process.stdin, stdout, stderr, env, signals })
  return { code, stdout: out, stderr: error }
}
