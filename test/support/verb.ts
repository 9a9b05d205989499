import { EventEmitter } from 'node:events'
import { run } from '../../src/cli/run.ts'
import type { Io } from '../../src/cli/verb.ts'

export interface Said {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command line in this process, which is faster than the built program; with no environment and nothing to read. */
export async function sayVerb(
  args: readonly string[],
  { onText, ...io }: Partial<Io> & { readonly onText?: ((text: string) => void) | undefined } = {},
): Promise<Said> {
  const said = { stdout: '', stderr: '' }
  const writer = (name: 'stdout' | 'stderr') => ({
    write(text: string) {
      said[name] += text
      onText?.(text)
    },
  })
  const usual = { stdin: process.stdin, env: {}, signals: new EventEmitter() }
  const code = await run(args, { ...usual, stdout: writer('stdout'), stderr: writer('stderr'), ...io })
  return { code, ...said }
}
