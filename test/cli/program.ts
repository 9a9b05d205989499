import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

/** The built command, as its users start it. */
export const main = join(import.meta.dirname, '../../dist/main.js')

/** `ftps-gateway` running in a process of its own. */
export interface Program {
  readonly pid: number
  /** What it has written to standard output and standard error so far. */
  output(): string
  /** Waits until the output matches; throws when the program ends before. */
  until(pattern: RegExp): Promise<RegExpExecArray>
  signal(name: NodeJS.Signals): void
  /** Stops reading its output, as a pager does that was left. */
  stopReading(): void
  /** Its exit code, once it has ended. */
  readonly ended: Promise<number | undefined>
}

const running = new Set<ChildProcess>()

/** `node`: another Node than the one that runs the tests. */
export function startProgram(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  node: string = process.execPath,
): Program {
  const child = spawn(node, [main, ...args], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.add(child)
  let text = ''
  let heard = () => {}
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      heard()
    })
  }
  const ended = once(child, 'close').then(([code]: (number | null)[]) => {
    running.delete(child)
    heard()
    return code ?? undefined
  })
  return {
    pid: child.pid ?? 0,
    output: () => text,
    async until(pattern) {
      for (;;) {
        const match = pattern.exec(text)
        if (match) return match
        if (!running.has(child)) throw new Error(`It ended without ${pattern}:\n${text}`)
        await new Promise<void>((resolve) => {
          heard = resolve
        })
      }
    },
    signal: (name) => void child.kill(name),
    stopReading() {
      child.stdout.destroy()
      child.stderr.destroy()
    },
    ended,
  }
}

/** Ends what a failed test left running. */
export async function endPrograms(): Promise<void> {
  const left = [...running]
  for (const child of left) child.kill('SIGKILL')
  await Promise.all(left.map((child) => once(child, 'close')))
}
