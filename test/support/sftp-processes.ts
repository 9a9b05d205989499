import { readFileSync } from 'node:fs'
import { vi } from 'vitest'
import { processStat, processTree } from './processes.ts'
import type { Sshd } from './sshd.ts'

/** The sftp-server processes below an sshd whose subsystem that is. */
export function sftpServersOf({ pid }: Pick<Sshd, 'pid'>): number[] {
  return processTree(pid).filter((each) => nameOf(each) === 'sftp-server')
}

/** The sftp-server of the only login. */
export async function sftpServerOf(sshd: Pick<Sshd, 'pid'>): Promise<number> {
  // That of a login before may still be on its way out.
  await vi.waitUntil(() => sftpServersOf(sshd).length === 1, { timeout: 30_000, interval: 10 })
  return sftpServersOf(sshd)[0] as number
}

/** The process of sshd that a login has, from its sftp-server; a shell is in between. */
export function sshdOf(sftpServer: number): number {
  let pid = sftpServer
  while (!nameOf(pid).startsWith('sshd')) {
    const parent = processStat(pid)?.parent ?? 0
    if (parent <= 1) throw new Error(`no sshd above process ${sftpServer}`)
    pid = parent
  }
  return pid
}

function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'latin1').trim()
  } catch {
    return ''
  }
}
