import { mkdtempSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { vi } from 'vitest'
import { startDaemon } from './daemon.ts'
import { ground } from './ground.ts'
import { program } from './packages.ts'

/** Errors, lies or delays in system calls of a process that runs. */
export interface Injection {
  /** System calls that were tampered with so far. */
  hits(): number
  /** Leaves the process alone from now on. */
  stop(): Promise<void>
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
  await vi.waitUntil(() => strace.log().includes(' attached') || !strace.running(), { timeout: 30_000, interval: 10 })
  if (!strace.running()) throw new Error(`strace has not attached to ${pid}: ${strace.log()}`)
  return {
    hits: () => readFileSync(output, 'utf8').split(/\((?:INJECTED|DELAYED)\)/).length - 1,
    stop: strace.stop,
  }
}
