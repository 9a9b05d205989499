import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { processTree } from './processes.ts'
import type { Sshd } from './sshd.ts'

/** How far the processes of a backend have read into a file; 0 while none has it open. */
export function readPosition({ pid }: Pick<Sshd, 'pid'>, path: string): number {
  return Math.max(0, ...processTree(pid).flatMap((each) => positions(each, path)))
}

function positions(pid: number, path: string): number[] {
  try {
    const open = readdirSync(`/proc/${pid}/fd`).filter((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`) === path)
    return open.map((fd) => Number(/^pos:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'latin1'))?.[1]))
  } catch {
    // The process, or the file of one that goes on, is gone since it was listed.
    return []
  }
}
