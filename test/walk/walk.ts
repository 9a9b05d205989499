import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Daemon, startDaemon } from '../support/daemon.ts'
import { difference, type Step } from './document.ts'

export interface WalkOptions {
  /** Where the reader begins. */
  readonly cwd: string
  /** Where what is typed and seen is kept; below the run's folder. */
  readonly folder: string
  readonly runFolder: string
  readonly env?: NodeJS.ProcessEnv
  /** A network with nothing in it but 127.0.0.1, where all ports are free. Needs root. */
  readonly ownNetwork?: boolean
  /** How long the slowest block may take. */
  readonly stepMs?: number
}

/**
 * Types the steps of a document into one shell, as its reader would, and throws at the first that is not as shown. Whatever
 * it has started is ended in the end.
 */
export async function walk(steps: readonly Step[], options: WalkOptions): Promise<void> {
  const { folder, cwd, runFolder, env = {}, ownNetwork = false, stepMs = 120_000 } = options
  mkdirSync(folder, { recursive: true })
  const file = (i: number, kind: string) => join(folder, `${i}.${kind}`)
  for (const [i, { commands }] of steps.entries()) writeFileSync(file(i, 'sh'), commands)
  const typed = steps.map((_, i) => typing(file(i, 'sh'), file(i, 'out'), file(i, 'code')))
  // The shell outlives its last step: what it has started is found below it.
  writeFileSync(join(folder, 'all.sh'), [ownNetwork ? 'ip link set lo up\n' : '', ...typed, 'sleep 1d\n'].join(''))
  const path = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`
  const [command = '', ...before] = ownNetwork ? ['unshare', '--net', 'bash'] : ['bash']
  const shell = await startDaemon(command, [...before, join(folder, 'all.sh')], {
    runFolder,
    cwd,
    env: { PATH: path, HOME: folder, TMPDIR: folder, LANG: 'C.UTF-8', ...env },
  })
  try {
    for (const [i, step] of steps.entries()) {
      const code = await codeOf(file(i, 'code'), shell, stepMs)
      check(step, readFileSync(file(i, 'out'), 'utf8'), code)
    }
  } finally {
    await shell.stop()
  }
}

/** The code is there at once or not at all. */
function typing(commands: string, seen: string, code: string): string {
  return `source '${commands}' >'${seen}' 2>&1 </dev/null; echo $? >'${code}.new'; mv '${code}.new' '${code}'\n`
}

async function codeOf(file: string, shell: Daemon, ms: number): Promise<number | undefined> {
  for (const deadline = Date.now() + ms; Date.now() < deadline; ) {
    if (existsSync(file)) return Number(readFileSync(file, 'utf8'))
    if (!shell.running()) return undefined
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return undefined
}

/** A command whose output is not shown says nothing, and does not fail. */
function check({ line, commands, shown }: Step, seen: string, code: number | undefined): void {
  const words = difference(shown ?? '', seen)
  const silent = shown === undefined && code !== 0 ? `exit code ${code}` : undefined
  const wrong = code === undefined ? `it does not end; so far:\n${seen}` : (words ?? silent)
  if (wrong === undefined) return
  throw new Error(`line ${line}:\n${commands}\n${wrong}\n\nall that is seen:\n${seen}`)
}
