import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { processStat, processTree, signal } from './processes.ts'

export interface Daemon {
  readonly pid: number
  /** What it said on standard output and error so far, the newest part of it, and how it ended. */
  log(): string
  /** False once it has ended. */
  running(): boolean
  /** Ends it and its descendants, and waits for it. May be called twice. */
  stop(): Promise<void>
}

export interface DaemonOptions {
  /** The run's folder: its `pids` remember what must not outlive the run. */
  readonly runFolder: string
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
}

const logCharsMax = 4 * 1024 * 1024

/** Starts a program that stays until `stop`. */
export async function startDaemon(command: string, args: readonly string[], options: DaemonOptions): Promise<Daemon> {
  const { runFolder, env = process.env, cwd } = options
  const child = spawn(command, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  await once(child, 'spawn')
  const ended = once(child, 'close')
  const pid = child.pid as number
  const forget = remember(runFolder, pid)
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8')
    stream.on('data', (chunk: string) => {
      text = (text + chunk).slice(-logCharsMax)
    })
  }
  child.once('exit', (code, name) => {
    text += `\n[ended with ${code ?? name}]\n`
  })
  const running = () => child.exitCode === null && child.signalCode === null
  return {
    pid,
    log: () => text,
    running,
    async stop() {
      // Descendants first noted, then killed: sshd's sessions outlive it, and would hold the pipes open.
      const descendants = processTree(pid).slice(1)
      if (running()) signal(pid, 'SIGTERM')
      for (const descendant of descendants) signal(descendant, 'SIGKILL')
      const timer = setTimeout(() => signal(pid, 'SIGKILL'), 5_000)
      await ended
      clearTimeout(timer)
      forget()
    },
  }
}

/** Ends whatever a run started and left behind, for instance when a test's worker died. */
export function endLeftovers(runFolder: string): void {
  for (const name of list(pidFolder(runFolder))) {
    const pid = Number(name)
    const started = Number(readFileSync(join(pidFolder(runFolder), name), 'utf8'))
    if (processStat(pid)?.started !== started) continue
    for (const member of processTree(pid).reverse()) signal(member, 'SIGKILL')
  }
}

function remember(runFolder: string, pid: number): () => void {
  const folder = pidFolder(runFolder)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, String(pid)), String(processStat(pid)?.started ?? 0))
  return () => rmSync(join(folder, String(pid)), { force: true })
}

function pidFolder(runFolder: string): string {
  return join(runFolder, 'pids')
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
