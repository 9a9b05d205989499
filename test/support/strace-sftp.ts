import { mkdtempSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { vi } from 'vitest'
import { startDaemon } from './daemon.ts'
import { ground } from './ground.ts'
import { program } from './packages.ts'
import { processTree } from './processes.ts'
import type { Sshd } from './sshd.ts'

/** Errors, lies or delays in system calls of a process that runs. */
export interface Injection {
  /** System calls that were tampered with so far. */
  hits(): number
  /** Leaves the process alone from now on. */
  stop(): Promise<void>
}

/** Processes of this program below an sshd: `sftp-server` where that is its subsystem. */
export function sessionsOf(sshd: Pick<Sshd, 'pid'>, name = 'sftp-server'): number[] {
  return processTree(sshd.pid).filter((pid) => nameOf(pid) === name)
}

/** The sftp-server of the only login. */
export async function sftpServerOf(sshd: Pick<Sshd, 'pid'>): Promise<number> {
  // That of a login before may still be on its way out.
  await vi.waitUntil(() => sessionsOf(sshd).length === 1, { timeout: 10_000, interval: 10 })
  return sessionsOf(sshd)[0] as number
}

/**
 * Makes a system call of a process go wrong, by strace: `what` is as in its `-e inject=`, such as `write:error=ENOSPC:when=3`.
 * Only calls that name `path`, or are about a file that is open by it, are counted: sftp-server answers by `write` too.
 */
export async function inject(pid: number, path: string, what: string): Promise<Injection> {
  const { runFolder } = await ground()
  const output = join(mkdtempSync(join(runFolder, 'strace-')), 'calls')
  const [call = ''] = what.split(':', 1)
  const how = ['-P', path, '-e', `trace=${call}`, '-e', `inject=${what}`]
  const strace = await startDaemon(program('strace'), ['-f', '-o', output, ...how, '-p', String(pid)], { runFolder })
  await vi.waitUntil(() => strace.log().includes(' attached') || !strace.running(), { timeout: 10_000, interval: 10 })
  if (!strace.running()) throw new Error(`strace has not attached to ${pid}: ${strace.log()}`)
  return {
    hits: () => readFileSync(output, 'utf8').split(/\((?:INJECTED|DELAYED)\)/).length - 1,
    stop: strace.stop,
  }
}

function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'latin1').trim()
  } catch {
    return ''
  }
}
